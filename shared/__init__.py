"""What every stage shares: the domain, the Azure edge, the seam to the durable SDK, the journal."""
