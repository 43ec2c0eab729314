"""Measures one run of the token refresh checker: `python scripts/measure_token_checks.py` (docs/benchmarks.md).

Every connection is due, the tables are an emulator's, and each redemption takes as long as `--latency` says and reads
and writes one row as the real one does. The aim of the product: 10,000 connections in one run within 10 minutes on
one instance at 100 ms.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from functions.adapters.access import StorageAccess
from functions.adapters.randomness import SystemTokens
from functions.adapters.tables import AzureTables
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.mail import MailDraft, MailKind
from functions.domain.ports import Operation, Row, Write
from functions.domain.views import AzureConnectionView, ConnectionKind
from functions.services import Deployment
from functions.services.alerts import Alerts
from functions.services.events import Events
from functions.services.projects import TABLE as PROJECTS
from functions.services.sign_in_ends import SignInEnds
from functions.services.token_checks import TokenChecks
from functions.services.token_look import TokenLook
from functions.services.token_reports import TokenReports
from local.azurite import Azurite, new_account_key
from local.certificates import certificates_in

_ACCOUNT = "devstoreaccount1"
_ORGANIZATION = "measured"
_SECRETS = "measuredsecrets"
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
            return _measure(AzureTables(access), given)
        finally:
            emulator.stop()


def _measure(tables: AzureTables, given: argparse.Namespace) -> int:
    _seed(tables, given.connections)
    checker = _checker(tables, given.latency)
    began = time.monotonic()
    tally = checker.run()
    seconds = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{given.connections:,} connections, {given.latency * 1000:.0f} ms each: {seconds:.1f} s, "
        f"{given.connections / seconds:.0f} a second; {tally.totals()}; "
        f"{usage.ru_utime + usage.ru_stime:.0f} s CPU, {usage.ru_maxrss / 1024:.0f} MiB RSS"
    )
    return 0 if seconds < _AIM_SECONDS and tally.totals()["redeemed"] == given.connections else 1


def _seed(tables: AzureTables, count: int) -> None:
    """Projects whose sign-in is a week old."""
    connection = AzureConnectionView(
        kind=ConnectionKind.CUSTOMER,
        account="customerdata",
        connected_at=datetime.now(UTC) - timedelta(days=8),
        connected_by="Carol",
    ).model_dump_json()
    names = [f"prj_{number:012d}" for number in range(count)]
    project = {"client_id": "cli_000000000001", "name": "Move", "connection": connection, "closed": ""}
    for start in range(0, count, _BATCH):
        for table, values in ((PROJECTS, project), (_SECRETS, {"sealed": "x" * 2000})):
            batch = [Operation(Write.INSERT, name, values) for name in names[start : start + _BATCH]]
            tables.transact(table, _ORGANIZATION, batch)


def _checker(tables: AzureTables, latency_seconds: float) -> TokenChecks:
    def clock() -> datetime:
        return datetime.now(UTC)

    limits, letters, continuations = Limits(), _NoLetters(), Continuations(b"k" * 32)
    deployment = Deployment(_ORGANIZATION, "Measured", "tenant", "admin", b"k" * 32)
    ends = SignInEnds(tables, clock, letters, Events(tables, continuations))
    reports = TokenReports(
        tables, clock, limits, Alerts(tables, clock, continuations), letters, deployment, continuations
    )
    look = TokenLook(clock, limits, _Redemptions(tables, latency_seconds), ends)
    return TokenChecks(tables, clock, time.monotonic, SystemTokens(), limits, look, reports)


if __name__ == "__main__":
    sys.exit(main())
