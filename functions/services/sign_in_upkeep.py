"""The upkeep of stored secrets: drafts that nobody saved are destroyed, and keys are wrapped anew after a rotation."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from functions.domain.caller import OperatorCaller, Role
from functions.domain.connection_views import UpkeepView
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Tables
from functions.services.guarded import Guarded
from functions.services.missions import Missions
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import connection_view
from functions.services.sign_ins import SignIns
from functions.services.token_store import StoredSignIn, TokenStore

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Tally:
    looked_at: int = 0
    rewrapped: int = 0
    destroyed: int = 0


class SignInUpkeep:
    """Run by a timer every hour, and by an administrator after a key rotation. Repeating it is free."""

    def __init__(self, tables: Tables, clock: Clock, sign_ins: SignIns, store: TokenStore, missions: Missions) -> None:
        self._tables = tables
        self._clock = clock
        self._sign_ins = sign_ins
        self._store = store
        self._missions = missions

    def run_for(self, caller: OperatorCaller) -> UpkeepView:
        """Result: what was done, for an administrator."""
        caller.need(Role.ADMIN)
        return self.run()

    def run(self) -> UpkeepView:
        """Result: what was done. One sign-in that fails leaves the others alone; raises an ExceptionGroup at the end.

        A row that changes meanwhile was renewed, which wraps it with the current key by itself.
        """
        guarded, tally = Guarded(), _Tally()
        with guarded.part("sign-ins"):
            self._sign_ins.forget_old()
        continuation: str | None = None
        while True:
            page, continuation = self._store.page(continuation)
            for stored in page:
                with guarded.part(f"sign-in of project {stored.project_id}"):
                    self._look(stored, tally)
            if continuation is None:
                break
        with guarded.part("Mission's integration keys"):
            looked_at, rewrapped = self._missions.rewrap()
            tally.looked_at, tally.rewrapped = tally.looked_at + looked_at, tally.rewrapped + rewrapped
        _log.info("sign_ins.upkeep", looked_at=tally.looked_at, rewrapped=tally.rewrapped, destroyed=tally.destroyed)
        guarded.finish()
        return UpkeepView(looked_at=tally.looked_at, rewrapped=tally.rewrapped, destroyed=tally.destroyed)

    def _look(self, stored: StoredSignIn, tally: _Tally) -> None:
        tally.looked_at += 1
        if self._clock() >= stored.draft_ends_at and not self._is_named(stored):
            self._store.destroy(stored)
            tally.destroyed += 1
        elif self._store.rewrap(stored):
            tally.rewrapped += 1

    def _is_named(self, stored: StoredSignIn) -> bool:
        """Result: whether it is its project's connection."""
        project = OrganizationTables(self._tables, stored.organization).get(PROJECTS, "", stored.project_id)
        connection = connection_view(project) if project else None
        return connection is not None and connection.connection_id == stored.connection_id
