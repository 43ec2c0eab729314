"""A Mission in the test's own process: the agent's real adapter over a service instead of a socket."""

from __future__ import annotations

from collections.abc import Mapping

from local.mission.control import MissionControl
from local.mission.service import MissionService
from local.mission.store import MissionStore
from migrate_agent.network import Network
from migrate_agent.rockrms.mission.adapter import HttpMission
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.transport import Address, Answer
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.rockrms import MissionAccess

URL = "https://mission.test"


class DirectExchange:
    """What the adapter sends through instead of HTTP."""

    def __init__(self, service: MissionService) -> None:
        self._service = service
        self.address = Address("mission.test", 443, secure=True, path="")
        self._closed = False

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Result: the service's answer. Raises Retryable(mission-unreachable) where it cuts the connection."""
        if self._closed:
            raise Retryable(ErrorCode.MISSION_UNREACHABLE, "mission.test: the connection was ended here")
        lower = {name.lower(): value for name, value in headers.items()}
        reply = self._service.handle(method, path, lower, body or b"")
        if reply.dropped:
            raise Retryable(ErrorCode.MISSION_UNREACHABLE, "mission.test: the connection broke")
        return Answer(reply.status, reply.body, reply.retry_after)

    def close(self) -> None:
        """Nothing is answered any more."""
        self._closed = True


class DirectMission:
    """A Mission in memory, its control, and clients of it."""

    def __init__(self) -> None:
        self.service = MissionService(MissionStore())
        self.control = MissionControl(lambda action, /, **given: self.service.control(action, given))
        self.key = self.control.issue_key()

    def access(self) -> MissionAccess:
        """Result: what the control plane would hand to an agent."""
        return MissionAccess(url=URL, integration_key=self.key)

    def client(self, patience: Patience | None = None) -> HttpMission:
        """Result: the agent's adapter."""
        return HttpMission(self.access(), Network(), patience, exchange=DirectExchange(self.service))

    def close(self) -> None:
        """Forget everything."""
        self.service.store.close()
