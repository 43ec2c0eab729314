"""The command line: `migrate-agent ...`. Parses, calls one function, prints; exit codes are in the help text."""

from __future__ import annotations

import typer

from migrate_agent import __version__

app = typer.Typer(name="migrate-agent", no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


@app.callback()
def root() -> None:
    """OneMigrate's agent."""


@app.command()
def version() -> None:
    """Print the agent's version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point of the console script."""
    app()
