"""The pages: what operators look at. Pure: services' views in, HTML out; no I/O, no clock of its own."""
