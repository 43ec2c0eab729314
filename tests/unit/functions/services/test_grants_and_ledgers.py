"""Access to containers, and the ledger of what happened to each file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.domain.views import AzureConnectionBody, ConnectionKind, ListQuery
from functions.services.ledger_store import Counts
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.jobs import Bucket, GrantRequest, JobPhase, LedgerAnswer, LedgerChunk, LedgerRow, Verification
from tests.memory.world import ADMIN, Running, refused, running_job, taken_job, tally

AT = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


def row(number: int, bucket: Bucket = Bucket.TRANSFERRED, **fields: Any) -> LedgerRow:
    plain = LedgerRow(row=number, path=f"f{number}", bucket=bucket, finished_at=AT, size_bytes=10)
    return plain.model_copy(update=fields)


def ship(running: Running, first: int, last: int, *, attempt: int = 1) -> LedgerAnswer:
    chunk = LedgerChunk(attempt=attempt, rows=[row(number) for number in range(first, last + 1)])
    return running.world.services.ledgers.append(running.agent.caller(), running.job_id, chunk)


def paths(running: Running, **choice: Any) -> list[str]:
    found: list[str] = []
    query = ListQuery(limit=2)
    while True:
        page = running.world.services.ledgers.files(ADMIN, running.job_id, query, **choice)
        found += [item.path for item in page.items]
        if page.continuation is None:
            return found
        query = ListQuery(limit=2, continuation=page.continuation)


def test_a_grant_is_for_the_container_and_counts_seconds() -> None:
    running = running_job()
    caller = running.agent.caller()
    grant = running.world.services.grants.issue(caller, running.job_id, GrantRequest(attempt=1))
    assert grant.container_url.endswith("/files")
    assert (grant.seconds_left, grant.renew_in_seconds) == (3600, 1800)
    assert running.world.account.containers == {"files"}
    assert grant.sas_token not in repr(grant)
    assert grant.sas_token not in repr(running.world.tables.everything())
    assert running.job.grant_alive_until is None


def test_no_grant_before_the_job_is_taken() -> None:
    running = taken_job()
    world = running.world
    running.agent.grant(running.job)
    other = world.new_job(running.project_id, container="other", agent_id=running.agent.agent_id)
    refused(ErrorCode.GRANT_REFUSED, lambda: running.agent.grant(other))


@pytest.mark.parametrize("end", ["cancel-asked", "paused", "failed", "disconnected"])
def test_renewal_stops_and_the_page_says_until_when_the_last_one_lives(end: str) -> None:
    running = running_job()
    world = running.world
    running.agent.grant(running.job)
    alive_until = world.clock.now.replace(hour=15)
    match end:
        case "cancel-asked":
            world.services.lifecycle.cancel(ADMIN, running.job_id)
        case "disconnected":
            world.services.connections.disconnect(ADMIN, running.project_id)
        case _:
            running.agent.report(running.job, JobPhase(end))
    refused(ErrorCode.GRANT_REFUSED, lambda: running.agent.grant(running.job))
    assert running.world.job(running.job_id).grant_alive_until == alive_until
    world.clock.forward(3600)
    assert running.world.job(running.job_id).grant_alive_until is None
    assert world.account.granted == 1


def test_a_pause_that_was_asked_may_finish_what_is_staged() -> None:
    running = running_job()
    running.world.services.lifecycle.pause(ADMIN, running.job_id)
    assert running.agent.grant(running.job)


def test_no_grant_for_a_revoked_agent_or_another_attempt() -> None:
    running = running_job()
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.agent.grant(running.job, attempt=2))
    running.world.services.agents.revoke(ADMIN, running.agent.agent_id)
    refused(ErrorCode.AGENT_REVOKED, lambda: running.agent.grant(running.job))
    assert running.world.account.granted == 0


def test_a_project_that_was_connected_elsewhere_gives_no_grant() -> None:
    running = running_job()
    running.world.account.account = "anotheraccount"
    body = AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)
    running.world.services.connections.connect(ADMIN, running.project_id, body)
    refused(ErrorCode.GRANT_REFUSED, lambda: running.agent.grant(running.job))


def test_storage_that_does_not_answer_is_passed_on() -> None:
    running = running_job()
    running.world.account.fault = Retryable(ErrorCode.STORAGE_UNAVAILABLE, "down")
    refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: running.agent.grant(running.job))
    assert running.job.state == "running"


def test_chunks_follow_each_other_and_repeats_change_nothing() -> None:
    running = running_job()
    assert ship(running, 1, 3).next_row == 4
    assert ship(running, 1, 3).next_row == 4
    assert ship(running, 2, 5).next_row == 6
    assert ship(running, 9, 9).next_row == 6
    assert ship(running, 6, 6).next_row == 7
    assert ship(running, 1, 3).next_row == 7
    assert ship(running, 4, 6).next_row == 7
    assert paths(running) == ["f1", "f2", "f3", "f4", "f5", "f6"]


def test_a_chunk_whose_answer_was_lost_is_shipped_again_with_more() -> None:
    running = running_job()
    world = running.world

    def crash(table: str, pk: str, rk: str) -> None:
        if rk.startswith("ledg|"):
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.tables.before_write = crash
    refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: ship(running, 1, 2))
    world.tables.before_write = None
    assert ship(running, 1, 4).next_row == 5
    assert paths(running) == ["f1", "f2", "f3", "f4"]


def test_two_posts_at_once_leave_each_row_once() -> None:
    running = running_job()
    world = running.world

    def race(table: str, pk: str, rk: str) -> None:
        if rk.startswith("ledg|"):
            world.tables.before_write = None
            assert ship(running, 1, 2).next_row == 3

    world.tables.before_write = race
    assert ship(running, 1, 4).next_row == 5
    assert paths(running) == ["f1", "f2", "f3", "f4"]
    running.agent.report(
        running.job,
        JobPhase.COMPLETED,
        files=tally(transferred=4),
        bytes=tally(transferred=40),
    )
    report = world.services.reports.job_report(ADMIN, running.job_id)
    assert (report.ledger_rows, report.adds_up) == (4, True)


def test_each_attempt_has_a_ledger_of_its_own() -> None:
    running = running_job()
    ship(running, 1, 2)
    running.agent.report(running.job, JobPhase.FAILED)
    running.world.services.lifecycle.rerun(ADMIN, running.job_id)
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: ship(running, 3, 3, attempt=1))
    running.world.drain()
    running.agent.take(running.job)
    assert ship(running, 1, 1, attempt=2).next_row == 2
    assert paths(running) == ["f1"]
    assert paths(running, attempt=1) == ["f1", "f2"]


def mixed(running: Running) -> None:
    rows = [
        row(1, verification=Verification.STORED),
        row(2, Bucket.FAILED, code="source-locked", detail="by Word", path="=cmd|' /C calc'!A0"),
        row(3, Bucket.EXCLUDED, code="filtered-out"),
        row(4, Bucket.UNCHANGED, verification=Verification.STORED),
        row(5, Bucket.FAILED, code="a-newer-agents-code"),
    ]
    running.world.services.ledgers.append(running.agent.caller(), running.job_id, LedgerChunk(attempt=1, rows=rows))
    ship(running, 6, 7)


def test_files_are_listed_by_bucket_and_only_chunks_that_have_it_are_read() -> None:
    running = running_job()
    mixed(running)
    assert paths(running, bucket=Bucket.FAILED) == ["=cmd|' /C calc'!A0", "f5"]
    assert paths(running, bucket=Bucket.TRANSFERRED) == ["f1", "f6", "f7"]
    assert paths(running, bucket=Bucket.UNSUPPORTED) == []


def test_the_csv_has_every_row_and_no_formula() -> None:
    running = running_job()
    mixed(running)
    text = b"".join(running.world.services.ledgers.csv(ADMIN, running.job_id)).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["row"] for line in lines] == ["1", "2", "3", "4", "5", "6", "7"]
    assert (lines[1]["path"], lines[1]["code"], lines[1]["detail"]) == (
        "'=cmd|' /C calc'!A0",
        "source-locked",
        "by Word",
    )
    assert lines[0]["verification"] == "stored"
    failed = b"".join(running.world.services.ledgers.csv(ADMIN, running.job_id, bucket=Bucket.FAILED)).decode()
    assert len(failed.splitlines()) == 3


def test_the_report_adds_up_or_says_that_it_does_not() -> None:
    running = running_job()
    mixed(running)
    files = tally(transferred=3, failed=2, excluded=1, unchanged=1)
    sizes = tally(transferred=30, failed=20, excluded=10, unchanged=10)
    reports = running.world.services.reports
    running.agent.report(running.job, JobPhase.RUNNING, files=files, bytes=sizes)
    assert reports.job_report(ADMIN, running.job_id).adds_up is None
    running.agent.report(running.job, JobPhase.COMPLETED, files=files, bytes=sizes)
    report = reports.job_report(ADMIN, running.job_id)
    assert (report.adds_up, report.ledger_complete, report.ledger_rows) == (True, True, 7)
    assert {(r.bucket, r.code, r.title, r.files) for r in report.reasons} == {
        (Bucket.FAILED, "source-locked", "The file is locked by another program", 1),
        (Bucket.FAILED, "other", None, 1),
        (Bucket.EXCLUDED, "filtered-out", "Left out by a filter", 1),
    }
    assert {(v.level, v.files) for v in report.verification if v.files} == {(Verification.STORED, 2)}


def test_a_report_whose_bytes_differ_does_not_add_up() -> None:
    running = running_job()
    ship(running, 1, 2)
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(transferred=2), bytes=tally(transferred=21))
    assert running.world.services.reports.job_report(ADMIN, running.job_id).adds_up is False


def test_the_report_names_the_rules_of_filters_across_chunks() -> None:
    running = running_job()
    rules = ["excluded by '*, :é=%'", "smaller than 1 KiB", "excluded by '*, :é=%'"]
    for number, rule in enumerate(rules, 1):
        chunk = LedgerChunk(attempt=1, rows=[row(number, Bucket.EXCLUDED, code="filtered-out", detail=rule)])
        running.world.services.ledgers.append(running.agent.caller(), running.job_id, chunk)
    (reason,) = running.world.services.reports.job_report(ADMIN, running.job_id).reasons
    assert [(found.rule, found.files) for found in reason.rules] == [(rules[0], 2), (rules[1], 1)]


def test_many_rules_stay_within_what_metadata_can_hold() -> None:
    counts = Counts()
    for number in range(400):
        for _ in range(400 - number):
            counts.add(
                row(1, bucket=Bucket.EXCLUDED, code="filtered-out", detail=f"excluded by '{number}é*{'x' * 100}'")
            )
    metadata = counts.metadata()
    assert sum(len(name) + len(value) for name, value in metadata.items()) < 8_000
    assert all(value.isascii() for value in metadata.values())
    read = Counts.of(metadata)
    assert read.rules == Counter(dict(counts.rules.most_common(len(read.rules))))
    assert len(read.rules) > 10
    assert read.reasons == counts.reasons
