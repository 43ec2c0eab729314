"""The running agent: its loops, their start and their orderly end."""
