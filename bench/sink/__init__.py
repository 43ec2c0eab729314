"""The benchmark's blob endpoint ("sink"): TLS, digests of everything that arrives, no contents. By hand: `python -m bench.sink`."""
