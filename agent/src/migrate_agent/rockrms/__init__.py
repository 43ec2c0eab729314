"""RockRMS to Mission: reading, mapping, sending, verifying."""
