"""App settings as the host reads them: `%NAME%` in bindings, and storage connections by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"%([^%\s]+)%")


class SettingMissing(Exception):
    """A binding names an app setting that does not exist."""


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """The text with each `%NAME%` replaced by that setting; raises SettingMissing."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in settings:
            raise SettingMissing(f"%{name}% in a binding: there is no app setting {name}")
        return settings[name]

    return _REFERENCE.sub(value, text)


def connection_string(name: str, settings: Mapping[str, str]) -> str:
    """The storage connection string of a binding's `connection`; raises SettingMissing.

    The host looks for `AzureWebJobs<name>` before `<name>`. Identity-based connections
    (`<name>__queueServiceUri`) need a managed identity and do not exist on loopback.
    """
    for candidate in (f"AzureWebJobs{name}", name):
        if settings.get(candidate):
            return settings[candidate]
    raise SettingMissing(f"connection {name}: there is no app setting {name} with a connection string")


def disabled(function_name: str, settings: Mapping[str, str]) -> bool:
    """Whether `AzureWebJobs.<function>.Disabled` switches the function off."""
    return settings.get(f"AzureWebJobs.{function_name}.Disabled", "").lower() in {"1", "true"}
