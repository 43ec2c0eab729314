"""The global options of a command line, and the configuration that they choose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import typer

from migrate_agent.config import Config, load_config


@dataclass(frozen=True)
class Chosen:
    """What was typed before the command."""

    home: Path | None = None
    config_path: Path | None = None
    state_dir: Path | None = None
    api_url: str | None = None

    def config(self) -> Config:
        """Result: the configuration in force. Raises Fatal(config-invalid)."""
        config = load_config(home=self.home, config_path=self.config_path, api_url=self.api_url)
        return replace(config, state_dir=self.state_dir) if self.state_dir is not None else config


def chosen_of(context: typer.Context) -> Chosen:
    """Result: the global options of this command line."""
    return context.obj if isinstance(context.obj, Chosen) else Chosen()
