"""What survives a power cut at the customer's: the agent's journal."""
