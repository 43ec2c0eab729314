"""Copies that are killed, hindered and lied to, and what must be true all the same: `make torture`, `make soak`."""
