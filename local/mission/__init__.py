"""A Mission for the local stack and for tests: keeps what it gets in SQLite, and can be told to misbehave."""
