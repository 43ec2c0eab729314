"""The command line: `migrate-agent ...`. Each command parses, calls one function, prints."""

from migrate_agent.cli.app import main

__all__ = ["main"]
