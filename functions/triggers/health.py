"""Whether this process answers: no key, no storage."""

from __future__ import annotations

from functions.triggers.edge import Routes
from functions.triggers.edge_call import OpenCall
from functions.version import VERSION
from migrate_contract import PROTOCOL_VERSION
from migrate_contract.agents import HealthAnswer

routes = Routes("health")


@routes.open("GET", "api/health")
def health_show(call: OpenCall) -> HealthAnswer:
    """Say that the control plane answers. `settings-invalid` names a setting that keeps it from working."""
    now = call.services.clock()
    return HealthAnswer(status="ok", version=VERSION, protocol_version=PROTOCOL_VERSION, time=now)
