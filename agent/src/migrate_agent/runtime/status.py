"""What the running agent knows of itself, kept in a file for `migrate-agent status` and for after its end.

Nouns: a *fault* is one of the last errors (the operators see them on the agent's page); *connected* means that the
last heartbeat was answered.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from migrate_agent.private_file import read_private, write_private
from migrate_agent.redaction import redactor
from migrate_contract.agents import AgentFault
from migrate_contract.errors import Fatal, MigrateError

STATUS_FILE = "status.json"
_KEPT_FAULTS = 5


def now() -> datetime:
    """Result: the wall clock, for people to read; nothing is decided by it."""
    return datetime.now(UTC)


class Status:
    """Safe for all threads. `facts` (agent, pid, mode, ...) do not change while the process runs."""

    def __init__(self, state_dir: Path, facts: dict[str, Any]) -> None:
        self._path = state_dir / STATUS_FILE
        self._lock = threading.Lock()
        self._facts = facts
        self._changed = True
        self._last_heartbeat_at: datetime | None = None
        self._disconnected_since: datetime | None = None
        self._trouble: dict[str, str] | None = None
        self._stopping = False
        self._exit: dict[str, Any] | None = None
        self._jobs: list[dict[str, Any]] = []
        self._faults: deque[AgentFault] = deque(_earlier_faults(self._path), maxlen=_KEPT_FAULTS)
        self.jobs_now: Callable[[], list[dict[str, Any]]] = list

    def connected(self) -> bool:
        """A heartbeat was answered. Result: True where the one before it was not."""
        with self._lock:
            returned = self._trouble is not None
            self._last_heartbeat_at, self._trouble, self._disconnected_since = now(), None, None
            self._changed = True
        return returned

    @property
    def is_connected(self) -> bool:
        """Result: whether the last heartbeat was answered."""
        return self._last_heartbeat_at is not None and self._trouble is None

    def disconnected(self, error: MigrateError) -> bool:
        """A heartbeat failed. Result: True where this is news."""
        with self._lock:
            fresh = self._trouble is None or self._trouble["code"] != error.code.value
            self._disconnected_since = self._disconnected_since or now()
            self._trouble = _words(error)
            self._changed = True
        return fresh

    def fault(self, error: MigrateError, job_id: str | None = None) -> None:
        """Remembers one of the last errors; the same one again only takes the newer time."""
        found = AgentFault(at=now(), code=error.code.value, detail=redactor.clean(error.detail)[:2000], job_id=job_id)
        with self._lock:
            same = [old for old in self._faults if (old.code, old.detail, old.job_id) == _key(found)]
            for old in same:
                self._faults.remove(old)
            self._faults.append(found)
            self._changed = True

    def faults(self) -> list[AgentFault]:
        """Result: the last errors, oldest first."""
        with self._lock:
            return list(self._faults)

    def stopping(self) -> None:
        """An orderly stop has begun."""
        with self._lock:
            self._stopping = self._changed = True

    def ended(self, exit_code: int, error: MigrateError | None) -> None:
        """The process ends now, and why."""
        with self._lock:
            self._exit = {"exit_code": exit_code, "at": now().isoformat()} | (_words(error) if error else {})
            self._changed = True
        self.write()

    def write(self) -> None:
        """Result: the file says what is known. A full disk does not stop the agent: the next write tries again."""
        try:
            jobs = self.jobs_now()
        except MigrateError:
            jobs = self._jobs
        with self._lock:
            if not self._changed and jobs == self._jobs:
                return
            self._jobs, self._changed = jobs, False
            content = self._content()
        try:
            write_private(self._path, redactor.clean(json.dumps(content, indent=2)) + "\n")
        except Fatal:
            with self._lock:
                self._changed = True

    def _content(self) -> dict[str, Any]:
        return self._facts | {
            "connected": self.is_connected,
            "last_heartbeat_at": _text(self._last_heartbeat_at),
            "disconnected_since": _text(self._disconnected_since),
            "trouble": self._trouble,
            "stopping": self._stopping,
            "exit": self._exit,
            "jobs": self._jobs,
            "faults": [fault.model_dump(mode="json") for fault in self._faults],
        }


def read_status(state_dir: Path) -> dict[str, Any]:
    """Result: what the newest process wrote; empty where there was none yet."""
    text = read_private(state_dir / STATUS_FILE)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _earlier_faults(path: Path) -> list[AgentFault]:
    """The faults of the process before: the reason why it ended is what an operator looks for."""
    earlier = read_status(path.parent)
    found = []
    for raw in earlier.get("faults", []):
        try:
            found.append(AgentFault.model_validate_json(json.dumps(raw)))
        except ValidationError:
            continue
    return found


def _key(fault: AgentFault) -> tuple[str, str, str | None]:
    return fault.code, fault.detail, fault.job_id


def _words(error: MigrateError) -> dict[str, str]:
    return {"code": error.code.value, "title": error.title, "detail": error.detail, "fix": error.fix}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
