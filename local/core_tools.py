"""local.settings.json for the Azure Functions Core Tools: the same app, the same Azurite as `make up`."""

from __future__ import annotations

from pathlib import Path

import certifi

from local.identity import write_private_json
from local.stack import CORE_TOOLS_FRONT_URL, Stack

PORT = 7071
FRONT_URL = CORE_TOOLS_FRONT_URL
FRONT_PORT = int(FRONT_URL.rpartition(":")[2])


def write_local_settings(stack: Stack, app_directory: Path) -> tuple[Path, Path]:
    """Write the settings file, and a CA file that trusts the stack beside everybody else; both paths.

    The Core Tools' own process talks to Azurite too (timers, queues), so its SSL_CERT_FILE has to name the
    second one.
    """
    bundle = stack.directory / "ca-and-public.pem"
    bundle.write_text(Path(certifi.where()).read_text("utf-8") + stack.ca_file.read_text("utf-8"), "utf-8")
    settings_file = app_directory / "local.settings.json"
    values = {
        **stack.settings,
        "ONEMIGRATE_PUBLIC_URL": FRONT_URL,
        # The Core Tools have no authentication of their own: the sign-in front stands before them.
        "WEBSITE_AUTH_ENABLED": "True",
    }
    write_private_json(
        settings_file,
        {"IsEncrypted": False, "Values": values, "Host": {"LocalHttpPort": PORT}},
    )
    return settings_file, bundle
