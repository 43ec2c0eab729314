"""The token refresh checker with customers' projects: what its tests are written in, over memory or other tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from functions.adapters.randomness import SystemTokens
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.ports import Row, Tables
from functions.domain.views import AzureConnectionView, ConnectionKind, ProjectPatch, ProjectView
from functions.services import assemble
from functions.services.alerts import Alerts
from functions.services.projects import TABLE as PROJECTS
from functions.services.sign_in_ends import SignInEnds
from functions.services.token_checks import TokenChecks
from functions.services.token_look import TokenLook
from functions.services.token_reports import RunTally, TokenReports
from tests.memory.letters import MemoryLetters
from tests.memory.redemptions import MemoryRedemptions
from tests.memory.world import ADMIN, DEPLOYMENT, ORGANIZATION, World


class Checked:
    """A world with a checker. `instance` makes a second one over the same tables."""

    def __init__(
        self, limits: Limits | None = None, *, secret_expires_on: date | None = None, tables: Tables | None = None
    ) -> None:
        self.world = World(limits)
        self.tables: Tables = tables or self.world.tables
        if tables is not None:
            self.world.ports = replace(self.world.ports, tables=tables, tokens=SystemTokens())
            self.world.services = assemble(self.world.ports, DEPLOYMENT, self.world.limits)
        self.clock = self.world.clock
        self.letters = MemoryLetters()
        self.identity = MemoryRedemptions(self.clock)
        self.elapsed = 0.0
        self.ends = SignInEnds(self.tables, self.clock, self.letters, self.world.services.events)
        self.alerts = Alerts(self.tables, self.clock, Continuations(b"k" * 32))
        self.reports = TokenReports(
            self.tables,
            self.clock,
            self.world.limits,
            self.alerts,
            self.letters,
            replace(DEPLOYMENT, consent_secret_expires_on=secret_expires_on),
            Continuations(b"k" * 32),
        )
        self.checker = self.instance()

    def instance(self) -> TokenChecks:
        """Another instance of the timer."""
        look = TokenLook(self.clock, self.world.limits, self.identity, self.ends)
        return TokenChecks(
            self.tables,
            self.clock,
            lambda: self.elapsed,
            self.world.ports.tokens,
            self.world.limits,
            look,
            self.reports,
        )

    def project(self, client_id: str = "") -> str:
        """A project whose customer has just signed in."""
        project_id = self.world.project(client_id or self.world.client(), connected=False)
        self.sign_in(project_id)
        return project_id

    def sign_in(self, project_id: str) -> None:
        """A person signs in and saves."""
        connection = AzureConnectionView(
            kind=ConnectionKind.CUSTOMER,
            account="customerdata",
            connected_at=self.clock(),
            connected_by="Carol",
        )
        self.tables.merge(PROJECTS, ORGANIZATION, project_id, {"connection": connection.model_dump_json()}, None)
        self.identity.sign_in(project_id)

    def close(self, project_id: str) -> None:
        self.world.services.projects.change(ADMIN, project_id, ProjectPatch(status="completed"))

    def show(self, project_id: str) -> ProjectView:
        return self.world.services.projects.show(ADMIN, project_id)

    def row(self, project_id: str) -> Row:
        found = self.tables.get(PROJECTS, ORGANIZATION, project_id)
        assert found is not None
        return found

    def day(self) -> RunTally:
        """A day passes, and the timer goes off."""
        self.clock.now += timedelta(days=1)
        return self.checker.run()
