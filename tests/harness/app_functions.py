"""What the app registers with the runtime, read from the app itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

SAMPLES = {
    "client_id": "cli_000000000000",
    "project_id": "prj_000000000000",
    "agent_id": "agt_000000000000",
    "job_id": "job_000000000000000000000000",
    "command_id": "cmd_start-000000000000-1-1",
    "code_id": "000000000000",
    "code": "not-found",
    "webhook_id": "whk_000000000000",
    "event_id": "evt_000000000000000000000000",
    "path": "missing.css",
    "draft_id": "d0000000000000000",
    "tenant_id": "00000000-0000-0000-0000-000000000000",
    "link_id": "000000000000",
    "recipient_id": "0123456789abcdef01234567",
    "token": "acme.000000000000.000000000000.0",
}
_PARAMETER = re.compile(r"\{\*?(\w+)(?::[^{}]*)?\??\}")


@dataclass(frozen=True)
class AppFunction:
    """One registered function; `method` and `route` are empty where the trigger is not HTTP."""

    name: str
    trigger: str
    method: str = ""
    route: str = ""

    @property
    def path(self) -> str:
        """Result: an address that this route takes."""
        return "/" + _PARAMETER.sub(lambda found: SAMPLES.get(found[1], ""), self.route)


@cache
def app_functions() -> tuple[AppFunction, ...]:
    """Result: every function of function_app.py, by name. The app can be asked only once in a process."""
    import function_app

    return tuple(sorted((_read(function) for function in function_app.app.get_functions()), key=lambda one: one.name))


def http_functions() -> tuple[AppFunction, ...]:
    """Result: those with a route."""
    return tuple(function for function in app_functions() if function.method)


def _read(function: Any) -> AppFunction:
    trigger = function.get_trigger()
    name, kind = function.get_function_name(), str(trigger.get_binding_name())
    if kind != "httpTrigger":
        return AppFunction(name, kind)
    (method,) = trigger.methods
    return AppFunction(name, kind, str(getattr(method, "value", method)), str(trigger.route))
