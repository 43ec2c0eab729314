"""The ports in memory: the same promises as the adapters, checked by the same suite (tests/conformance)."""
