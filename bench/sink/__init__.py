"""The benchmark's blob endpoint: TLS, digests of all that arrives, no contents. By hand: `python -m bench.sink`."""
