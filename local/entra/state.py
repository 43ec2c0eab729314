"""What changes while the identity server runs: its clock, consents, revocations, faults on request; and its log.

Consents, revocations and the clock outlive a restart; faults do not.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.entra.refusals import Refusal

_LOG_LENGTH = 50_000
_ISSUED_LENGTH = 20_000


@dataclass
class Fault:
    """A refusal on request: of whom (None: of everybody), at which grant, and how many times (None: until cleared).

    `grant` is `authorize`, `authorization_code` or `refresh_token`; None is both grants of the token endpoint.
    """

    refusal: Refusal
    person: str | None = None
    grant: str | None = None
    times: int | None = None

    def fits(self, grant: str, person: str | None) -> bool:
        """Whether it meets this request."""
        grants = {"authorization_code", "refresh_token"} if self.grant is None else {self.grant}
        return grant in grants and self.person in {None, person} and self.times != 0


@dataclass
class Forgery:
    """How the next id tokens differ from true ones: other claims (None removes one), or a key nobody published."""

    claims: dict[str, Any] = field(default_factory=dict)
    wrong_key: bool = False


class State:
    """Mutable, and used from one event loop."""

    def __init__(self, path: Path) -> None:
        """Continue with what the file says, if there is one."""
        self._path = path
        self.faults: list[Fault] = []
        self.forgery = Forgery()
        self.slow_seconds = 0.0
        self.log: list[dict[str, Any]] = []
        self.issued: list[str] = []
        self.secret_expired = False
        self.clock_offset_seconds = 0.0
        self.revoked_at: dict[str, float] = {}
        self.disabled: set[str] = set()
        self.consents: set[tuple[str, str, str]] = set()
        self.user_consent: dict[str, bool] = {}
        if path.exists():
            self._read()

    def now(self) -> float:
        """Seconds since 1970, by the server's own clock."""
        return time.time() + self.clock_offset_seconds

    def moment(self) -> datetime:
        """The same as an aware time."""
        return datetime.fromtimestamp(self.now(), UTC)

    def consented(self, tenant_id: str, client_id: str, object_id: str) -> bool:
        """Whether this person, or an administrator for everybody (`*`), has consented."""
        return not self.consents.isdisjoint({(tenant_id, client_id, object_id), (tenant_id, client_id, "*")})

    def fault(self, grant: str, person: str | None) -> Refusal | None:
        """The refusal that this request meets, counted."""
        for fault in self.faults:
            if fault.fits(grant, person):
                if fault.times is not None:
                    fault.times -= 1
                return fault.refusal
        return None

    def remember(self, secret: str) -> str:
        """The same text, after it was put on the list of what was handed out (the newest are kept)."""
        self.issued.append(secret)
        del self.issued[:-_ISSUED_LENGTH]
        return secret

    def note(self, kind: str, outcome: str, **more: Any) -> None:
        """Write to the log; nothing secret may be among `more`."""
        entry = {"at": self.moment().isoformat(), "kind": kind, "outcome": outcome, **more}
        self.log.append(entry)
        del self.log[:-_LOG_LENGTH]
        print(json.dumps(entry))

    def save(self) -> None:
        """Keep what outlives a restart."""
        document = {
            "clock_offset_seconds": self.clock_offset_seconds,
            "secret_expired": self.secret_expired,
            "revoked_at": self.revoked_at,
            "disabled": sorted(self.disabled),
            "consents": sorted(self.consents),
            "user_consent": self.user_consent,
        }
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps(document, indent=2), "utf-8")
        fresh.replace(self._path)

    def _read(self) -> None:
        document = json.loads(self._path.read_text("utf-8"))
        self.clock_offset_seconds = document["clock_offset_seconds"]
        self.secret_expired = document["secret_expired"]
        self.revoked_at = document["revoked_at"]
        self.disabled = set(document["disabled"])
        self.consents = {(tenant, client, person) for tenant, client, person in document["consents"]}
        self.user_consent = document["user_consent"]
