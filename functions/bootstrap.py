"""From environment to services: read once per process, on the first call that needs them."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from functions.domain.ports import Clock
from functions.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a trigger may call."""

    settings: Settings
    clock: Clock
    csrf_key: bytes = field(repr=False)


_lock = threading.Lock()
_services: Services | None = None


def settings() -> Settings:
    """Result: the settings of this process; raises Fatal(settings-invalid)."""
    return read_settings(os.environ)


def services() -> Services:
    """Result: the services of this process, built on the first call; raises Fatal(settings-invalid)."""
    raise NotImplementedError
