"""The benchmark: our copy command and its peers, against an endpoint of its own. `make bench` runs it."""
