"""Bodies of jobs on the wire: what of them is refused before anybody works with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from migrate_contract.jobs import JobPhase, LocalSource, Progress, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner


@pytest.mark.parametrize("path", ["/", "/srv/files", "D:\\Files", "d:/files", "\\\\server\\share", "/with\nnewline"])
def test_a_full_path_is_a_source(path: str) -> None:
    assert LocalSource(path=path).path == path


@pytest.mark.parametrize(
    "path", ["", "files", "./files", "~/files", "C:files", "\\files", "\\\\\\x", "/a\x00b", " /srv"]
)
def test_a_path_that_depends_on_where_a_process_was_started_is_no_source(path: str) -> None:
    with pytest.raises(ValidationError):
        LocalSource(path=path)


REPORT = '{"attempt": 1, "sequence": 2, "phase": "running"'


def test_an_older_agent_s_report_says_nothing_of_limits_and_waiting() -> None:
    report = Progress.model_validate_json(REPORT + "}")
    assert (report.limit, report.advice, report.concurrency, report.waited_seconds) == (None, "", 0, {})
    assert report.average_bytes_per_second == 0.0


def test_a_newer_agent_s_reasons_are_left_out_and_the_rest_of_its_report_counts() -> None:
    report = Progress.model_validate_json(REPORT + ', "waited_seconds": {"disk": 1.5, "moon": 3, "idle": 2}}')
    assert report.waited_seconds == {WaitReason.DISK: 1.5, WaitReason.IDLE: 2.0}


@pytest.mark.parametrize(
    "waited", ["[1]", '{"disk": -1}', '{"disk": "1"}', '{"disk": null}', '{"disk": 1e999}', '"disk"']
)
def test_what_is_no_time_is_refused(waited: str) -> None:
    with pytest.raises(ValidationError):
        Progress.model_validate_json(REPORT + f', "waited_seconds": {waited}}}')


@pytest.mark.parametrize("limit", ['{"mbps": -1, "owner": "job"}', '{"mbps": 1}', '{"mbps": 1, "owner": "me"}', "20"])
def test_a_limit_has_a_rate_and_an_owner(limit: str) -> None:
    with pytest.raises(ValidationError):
        Progress.model_validate_json(REPORT + f', "limit": {limit}}}')


def test_a_report_survives_the_way_there() -> None:
    report = Progress(
        attempt=1,
        sequence=2,
        phase=JobPhase.RUNNING,
        limit=LimitInForce(mbps=0.5, owner=LimitOwner.SITE),
        concurrency=24,
        advice="disk-bound: raising concurrency will not help",
        waited_seconds={WaitReason.COMMIT: 0.25},
    )
    assert Progress.model_validate_json(report.model_dump_json()) == report
