"""The keys of one agent: the current one, and those that were rotated out. Pure; holds hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from functions.domain import rows
from functions.domain.keys import same, secret_hash
from functions.domain.ports import Row, Value
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.wire import Timestamp, WireModel

_KEPT = 5
"""Keys that are remembered, so that an old backup is told what is wrong with its key."""


class OldKey(WireModel):
    """A key that was replaced. It is accepted until then."""

    hash: str
    until: Timestamp


_OLD = TypeAdapter(list[OldKey])


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Newest replaced key first."""

    current: str
    created_at: datetime | None
    old: tuple[OldKey, ...] = ()

    @staticmethod
    def first(hashed: str, now: datetime) -> KeyRing:
        """Result: the ring of a new agent."""
        return KeyRing(hashed, now)

    @staticmethod
    def nobody() -> KeyRing:
        """Result: a ring that no key fits, so that an unknown agent takes as long to refuse as a known one."""
        return KeyRing("-" * 64, None)

    @staticmethod
    def of(agent: Row) -> KeyRing:
        """Result: the ring of the agent's row."""
        old = _OLD.validate_json(rows.text(agent, "old_keys") or "[]")
        return KeyRing(rows.text(agent, "key_hash"), rows.moment(agent, "key_created_at"), tuple(old))

    def columns(self) -> dict[str, Value]:
        """Result: the columns of the agent's row."""
        return {
            "key_hash": self.current,
            "key_created_at": self.created_at,
            "old_keys": _OLD.dump_json(list(self.old)).decode(),
        }

    def turned(self, hashed: str, now: datetime, until: datetime) -> KeyRing:
        """Result: the ring with a new current key; the one before is accepted until `until`."""
        old = (OldKey(hash=self.current, until=until), *self.old)
        return KeyRing(hashed, now, old[:_KEPT])

    def judge(self, secret: str, now: datetime) -> bool:
        """Result: True for the current key, False for a replaced one in its overlap.

        Raises Fatal(agent-key-expired), Fatal(agent-key-invalid). Every hash is compared in constant time.
        """
        hashed = secret_hash(secret)
        current = same(hashed, self.current)
        known = [old for old in self.old if same(hashed, old.hash)]
        if current:
            return True
        if not known:
            raise Fatal(ErrorCode.AGENT_KEY_INVALID, "No agent has this key.")
        if now >= known[0].until:
            raise Fatal(
                ErrorCode.AGENT_KEY_EXPIRED, f"It was replaced and ended at {known[0].until:%Y-%m-%d %H:%M} UTC."
            )
        return False

    def is_due(self, now: datetime, rotation_seconds: float) -> bool:
        """Result: whether the current key is old enough to be replaced."""
        return self.created_at is not None and (now - self.created_at).total_seconds() >= rotation_seconds
