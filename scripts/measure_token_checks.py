"""Measures one run of the token refresh checker: `python scripts/measure_token_checks.py` (docs/benchmarks.md).

Every connection is due and the tables are an emulator's. Each redemption takes as long as `--latency` says: by default
it is the product's own, against the local identity server that answers so slowly; with `--simulated` only its time and
its reads and writes are. The aim of the product: 10,000 connections in one run within 10 minutes on one instance at
100 ms.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl

import httpx
import structlog

from functions.adapters.access import StorageAccess
from functions.adapters.entra import ConsentApp, EntraIdentity
from functions.adapters.randomness import SystemTokens
from functions.adapters.tables import AzureTables
from functions.domain.connection import Person, StorageName
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.mail import MailDraft, MailKind
from functions.domain.ports import Operation, Row, Write
from functions.domain.views import AzureConnectionView, ConnectionKind
from functions.services import Deployment
from functions.services.alerts import Alerts
from functions.services.events import Events
from functions.services.projects import TABLE as PROJECTS
from functions.services.redemption import Redemption
from functions.services.secrets import Secrets
from functions.services.sign_in_ends import SignInEnds
from functions.services.token_checks import TokenChecks
from functions.services.token_look import Redemptions, TokenLook
from functions.services.token_reports import RunTally, TokenReports
from functions.services.token_store import StoredSignIn, TokenStore
from local.azurite import Azurite, new_account_key
from local.certificates import certificates_in
from local.customer_cloud import ACCOUNT, OWNER, CustomerCloud, new_customer_cloud
from local.entra.browser import Browser
from local.entra.process import Entra
from local.ports import free_ports
from tests.memory.identity import MemoryWrapping

_ACCOUNT = "devstoreaccount1"
_ORGANIZATION = "measured"
_SECRETS = "measuredsecrets"
_CONNECTION = "con_measured"
_BACK = "http://127.0.0.1:9/connect/callback"
_BATCH = 100
_AIM_SECONDS = 600


class _Redemptions:
    """A sign-in service that takes its time; the token that it gives is written by ETag."""

    def __init__(self, tables: AzureTables, latency_seconds: float) -> None:
        self._tables = tables
        self._latency = latency_seconds

    def redeemed_at(self, project: Row) -> datetime | None:
        return None

    def redeem(self, project: Row) -> datetime:
        row = self._tables.get(_SECRETS, project.pk, project.rk)
        assert row is not None
        time.sleep(self._latency)
        now = datetime.now(UTC)
        self._tables.merge(_SECRETS, project.pk, project.rk, {"sealed": "x" * 2000, "redeemed_at": now}, row.etag)
        return now


class _NoLetters:
    def post(self, organization: str, draft: MailDraft) -> None:
        raise AssertionError("nothing fails in this measurement")

    def withdraw(self, organization: str, project_id: str, *kinds: MailKind) -> int:
        return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--simulated", action="store_true", help="no identity server: wait instead")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds that one redemption takes")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        certificates = certificates_in(directory / "certificates")
        emulator = Azurite(directory, certificates, {_ACCOUNT: new_account_key()}, in_memory=True)
        emulator.start()
        try:
            string = emulator.account(_ACCOUNT).connection_string
            access = StorageAccess(connection_string=string, ca_file=str(certificates.ca_file))
            tables = AzureTables(access)
            if given.simulated:
                return _measure(tables, _Redemptions(tables, given.latency), given)
            with _identity(directory, certificates.ca_file) as signed_in:
                redemption = signed_in.seeded(tables, given.connections)
                signed_in.entra.control.slow(given.latency)
                return _measure(tables, redemption, given)
        finally:
            emulator.stop()


def _measure(tables: AzureTables, redemptions: Redemptions, given: argparse.Namespace) -> int:
    _seed(tables, given.connections)
    checker = _Checker(tables, redemptions)
    began, failed = time.monotonic(), 0
    try:
        checker.run()
    except ExceptionGroup as faults:
        failed = len(faults.exceptions)
        print(f"{failed} looks failed, the first one: {faults.exceptions[0]}", file=sys.stderr)
    seconds = time.monotonic() - began
    tally = checker.tally
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{given.connections:,} connections, {given.latency * 1000:.0f} ms each: {seconds:.1f} s, "
        f"{given.connections / seconds:.0f} a second; {tally.totals()}; "
        f"{usage.ru_utime + usage.ru_stime:.0f} s CPU, {usage.ru_maxrss / 1024:.0f} MiB RSS"
    )
    return 0 if not failed and seconds < _AIM_SECONDS and tally.totals()["redeemed"] == given.connections else 1


@dataclass(frozen=True)
class _SignedIn:
    """A person who has signed in at the local identity server, once for all connections."""

    entra: Entra
    cloud: CustomerCloud
    identity: EntraIdentity
    refresh_token: str = field(repr=False)

    def seeded(self, tables: AzureTables, count: int) -> Redemption:
        """Result: the product's redemption, over as many stored sign-ins."""
        store = TokenStore(tables, Secrets(SystemTokens(), MemoryWrapping()))
        at = datetime.now(UTC) - timedelta(days=8)
        person = Person(self.cloud.object_ids[OWNER], "olivia@contoso.example", "Olivia Owner")
        for number in range(count):
            draft = StoredSignIn(
                organization=_ORGANIZATION,
                project_id=f"prj_{number:012d}",
                connection_id=_CONNECTION,
                name=StorageName(ACCOUNT),
                tenant_id=self.cloud.tenant_id,
                container="files",
                person=person,
                signed_in_at=at,
                redeemed_at=at,
                draft_ends_at=at,
                refused_since=None,
                sealed="",
            )
            store.add(draft, self.refresh_token)
        return Redemption(lambda: datetime.now(UTC), self.identity, store)


@contextmanager
def _identity(directory: Path, ca_file: Path) -> Iterator[_SignedIn]:
    """The local identity server, and a person's sign-in there."""
    cloud = new_customer_cloud()
    port, control = free_ports(2)
    entra = Entra(directory, ca_file.parent, cloud.directory((_BACK,)), (port, control))
    entra.start()
    try:
        identity = EntraIdentity(ConsentApp(cloud.client_id, cloud.client_secret, entra.authority, str(ca_file)))
        begun = identity.begin(cloud.tenant_id, _BACK)
        answer: dict[str, str] = {}
        with Browser(ca_file, entra.authority) as browser:
            try:
                browser.sign_in(browser.get(begun.url), cloud.person(OWNER))
            except httpx.ConnectError as back:  # Nobody listens at the reply address.
                answer = dict(parse_qsl(back.request.url.query.decode()))
        signed_in = identity.finish(cloud.tenant_id, begun.flow, answer)
        yield _SignedIn(entra, cloud, identity, signed_in.refresh_token)
    finally:
        entra.stop()


def _seed(tables: AzureTables, count: int) -> None:
    """Projects whose sign-in is a week old."""
    connection = AzureConnectionView(
        kind=ConnectionKind.CUSTOMER,
        account=ACCOUNT,
        connected_at=datetime.now(UTC) - timedelta(days=8),
        connected_by="Carol",
        connection_id=_CONNECTION,
    ).model_dump_json()
    names = [f"prj_{number:012d}" for number in range(count)]
    project = {"client_id": "cli_000000000001", "name": "Move", "connection": connection, "closed": ""}
    for start in range(0, count, _BATCH):
        for table, values in ((PROJECTS, project), (_SECRETS, {"sealed": "x" * 2000})):
            batch = [Operation(Write.INSERT, name, values) for name in names[start : start + _BATCH]]
            tables.transact(table, _ORGANIZATION, batch)


class _Checker:
    """The product's checker, whose tally is there even after a run that failed."""

    def __init__(self, tables: AzureTables, redemptions: Redemptions) -> None:
        self.tally = RunTally("", datetime.now(UTC))
        self._checks = _checks(tables, redemptions, self)

    def run(self) -> None:
        self._checks.run()


class _KeptReports(TokenReports):
    """Hands the tally on to whoever measures."""

    kept_by: _Checker

    def finish(self, tally: RunTally) -> None:
        self.kept_by.tally = tally
        super().finish(tally)


def _checks(tables: AzureTables, redemptions: Redemptions, keeper: _Checker) -> TokenChecks:
    def clock() -> datetime:
        return datetime.now(UTC)

    limits, letters, continuations = Limits(), _NoLetters(), Continuations(b"k" * 32)
    deployment = Deployment(_ORGANIZATION, "Measured", "tenant", "admin", b"k" * 32)
    ends = SignInEnds(tables, clock, letters, Events(tables, continuations))
    reports = _KeptReports(
        tables, clock, limits, Alerts(tables, clock, continuations), letters, deployment, continuations
    )
    reports.kept_by = keeper
    look = TokenLook(clock, limits, redemptions, ends)
    return TokenChecks(tables, clock, time.monotonic, SystemTokens(), limits, look, reports)


if __name__ == "__main__":
    sys.exit(main())
