"""Independent judges of the simulator: Microsoft's Azure CLI and Microsoft's validator of ARM traffic (`make judges`)."""
