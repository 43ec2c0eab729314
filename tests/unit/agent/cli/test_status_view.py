"""`migrate-agent status` on a running job: throughput, the limit and whose it is, where the time goes, advice."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from migrate_agent.cli.status_view import transfer_lines
from migrate_agent.engine_results import Snapshot
from migrate_agent.runtime.progress_report import progress_of, status_of
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_contract.jobs import JobPhase, Progress, Tally, Waiting, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner
from tests.harness.scripted_engine import a_spec

NOW = datetime(2026, 5, 12, 14, 32, tzinfo=UTC)
SNAPSHOT = Snapshot(
    phase=JobPhase.RUNNING,
    scan_complete=True,
    files=Tally(scanned=10, transferred=4, pending=6),
    speed_bytes_per_second=2_437_500.4,
    average_bytes_per_second=2.5e6,
    eta_seconds=749.6,
    waiting=Waiting(reason=WaitReason.THROTTLE, detail="the bandwidth limit"),
    waited_seconds={"throttle": 90.04, "network": 10.0},
    limit=LimitInForce(
        mbps=20,
        owner=LimitOwner.SCHEDULE,
        until=datetime(2026, 5, 12, 23, 0, tzinfo=UTC),
        zone="America/Chicago",
    ),
    concurrency=8,
    advice="throttled to 20 Mbps by the schedule until 18:00 (America/Chicago)",
)


def lines(snapshot: Snapshot) -> dict[str, str]:
    """As the file says after a round through JSON."""
    return dict(transfer_lines(json.loads(json.dumps(status_of(snapshot))), NOW))


def test_everything_that_holds_a_transfer_is_shown():
    assert lines(SNAPSHOT) == {
        "Throughput": "19.5 Mbps now, 20 Mbps average",
        "Time left": "12:30",
        "Limit in force": "20 Mbps by the schedule until 18:00 (America/Chicago)",
        "Requests in flight": "up to 8",
        "Waits for": "the bandwidth limit",
        "Worker time": "bandwidth limit 90%, network 10%",
        "Advice": "throttled to 20 Mbps by the schedule until 18:00 (America/Chicago)",
    }


def test_what_is_not_known_is_not_shown():
    assert lines(Snapshot(phase=JobPhase.RUNNING)) == {"Limit in force": "none"}


def test_a_paused_window_is_a_limit_too():
    paused = Snapshot(phase=JobPhase.RUNNING, limit=LimitInForce(mbps=0, owner=LimitOwner.SCHEDULE))
    assert lines(paused)["Limit in force"] == "paused by the schedule"


def test_jobs_that_nobody_works_on_and_files_of_other_versions_have_no_lines():
    assert transfer_lines({"name": "job", "phase": "queued"}, NOW) == []
    other = {"speed_bytes_per_second": 5, "limit": {"mbps": "many"}, "waited_seconds": None, "advice": None}
    assert dict(transfer_lines(other, NOW)) == {"Throughput": "< 0.001 Mbps now"}


def test_the_report_carries_the_same(tmp_path):
    journal = JobJournal(tmp_path / "1.db")
    spec = a_spec()
    record = JobRecord(
        job_id=spec.job_id,
        attempt=spec.attempt,
        spec=spec,
        phase=JobPhase.RUNNING,
        sequence=2,
        approved=False,
        confirmed=True,
        reported=True,
        outcome=None,
        fault=None,
        accepted_at=NOW,
    )
    try:
        report = progress_of(record, 3, SNAPSHOT, journal)
        rested = progress_of(record, 4, None, journal)
    finally:
        journal.close()
    assert Progress.model_validate_json(report.model_dump_json()) == report
    assert report.limit == SNAPSHOT.limit
    assert (report.advice, report.concurrency) == (SNAPSHOT.advice, 8)
    assert report.average_bytes_per_second == 2.5e6
    assert report.waited_seconds == {WaitReason.THROTTLE: 90.04, WaitReason.NETWORK: 10.0}
    assert (rested.limit, rested.advice, rested.waited_seconds) == (None, "", {})
