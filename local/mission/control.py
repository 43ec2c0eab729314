"""The control side of Mission, for tests: its client, over a socket or in the same process, with the same methods."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from local.loopback_server import ControlClient


class _Caller(Protocol):
    def __call__(self, action: str, /, **given: Any) -> Any: ...


class MissionControl:
    """Looks at a Mission, changes what it holds, and makes it misbehave."""

    def __init__(self, call: _Caller) -> None:
        self._call = call

    # How it behaves

    def misbehave(self, **wishes: Any) -> None:
        """From now on as said, and only so: see `Wishes` and `Fault` (`misbehave(seed=1, busy=0.1, poison=[...])`)."""
        self._call("wishes", **wishes)

    def behave(self) -> None:
        """No more faults; the ordinary limits."""
        self._call("wishes")

    def issue_key(self, *, may_read: bool = True, revoke_others: bool = True) -> str:
        """Result: a new integration key; the others are revoked (a rotation) unless said otherwise."""
        return str(self._call("key", may_read=may_read, revoke_others=revoke_others))

    def revoke_keys(self) -> None:
        """No key is taken any more."""
        self._call("revoke")

    def seen(self) -> list[dict[str, Any]]:
        """Result: the last 2,000 requests: method, path, status, key, records."""
        found: list[dict[str, Any]] = self._call("seen")
        return found

    def forget_seen(self) -> None:
        """`seen` begins again."""
        self._call("forget_seen")

    # What it holds

    def counts(self) -> dict[str, int]:
        """Result: copies per entity, and `funds`."""
        found: dict[str, int] = self._call("counts")
        return found

    def records(self, entity: str) -> list[dict[str, Any]]:
        """Result: every copy, in the order of arrival."""
        found: list[dict[str, Any]] = self._call("records", entity=entity)
        return found

    def copies(self, entity: str, external_id: str) -> list[dict[str, Any]]:
        """Result: all copies of one record."""
        found: list[dict[str, Any]] = self._call("copies", entity=entity, external_id=external_id)
        return found

    def replace(self, entity: str, external_id: str, record: dict[str, Any]) -> None:
        """Another content of the first copy."""
        self._call("replace", entity=entity, external_id=external_id, record=record)

    def change(self, entity: str, external_id: str, **changes: Any) -> None:
        """Other values of some of its fields."""
        self._call("change", entity=entity, external_id=external_id, changes=changes)

    def double(self, entity: str, external_id: str) -> None:
        """One copy more of it."""
        self._call("double", entity=entity, external_id=external_id)

    def add(self, entity: str, record: dict[str, Any]) -> None:
        """A record that nobody sent."""
        self._call("add", entity=entity, record=record)

    def delete(self, entity: str, external_id: str, **copies: int) -> int:
        """Result: how many copies are gone (`copies=1`: only the newest)."""
        return int(self._call("delete", entity=entity, external_id=external_id, **copies))

    def add_fund(self, external_id: str, name: str, **more: Any) -> None:
        """A fund of Mission's own."""
        self._call("fund", external_id=external_id, name=name, **more)

    def sql(self, statement: str, *values: Any) -> list[list[Any]]:
        """Result: the rows of any SQLite statement over what it holds (local/mission/store.py has the tables)."""
        found: list[list[Any]] = self._call("sql", statement=statement, values=list(values))
        return found

    def snapshot(self) -> None:
        """Keep a copy of everything, for `restore`."""
        self._call("snapshot")

    def restore(self) -> None:
        """Everything as at the snapshot."""
        self._call("restore")

    def clear(self) -> None:
        """Nothing is held but the keys."""
        self._call("clear")


class HttpMissionControl(MissionControl, ControlClient):
    """Control over a socket; also gates, which only a server has."""

    def __init__(self, control_url: str) -> None:
        ControlClient.__init__(self, control_url)
        MissionControl.__init__(self, lambda action, /, **given: self.call("POST", f"/actions/{action}", **given))

    def hold_after(self, batches: int) -> None:
        """After so many batches more, requests wait for an answer until `release`."""
        self.call("POST", "/gate", after=batches)

    def wait_held(self, seconds: float = 60.0, check: Callable[[], None] = lambda: None) -> bool:
        """Result: True once a request waits at the gate, False where none came in time. `check`: called meanwhile."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            check()
            if self.call("GET", "/gate")["held"]:
                return True
        return False

    def release(self) -> None:
        """The gate is open again."""
        self.call("DELETE", "/gate")
