"""The only code that speaks to Azure."""
