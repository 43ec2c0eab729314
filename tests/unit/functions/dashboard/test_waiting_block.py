"""The block of the job page that says what a job waits for: bars without colour, the limit and whose it is, advice."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard import formatting
from functions.dashboard.job_page import job_live
from functions.dashboard.worker_time import wait_lines
from functions.domain.views import JobView, SharedAccount
from migrate_contract.jobs import JobState, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner
from tests.unit.functions.dashboard import samples


def shown(job: JobView) -> str:
    """The live part's text, on one line."""
    html = job_live(samples.frame(), samples.NOW, job)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@given(st.dictionaries(st.sampled_from(list(WaitReason)), st.floats(0.001, 1e9), min_size=1))
def test_bars_are_parts_of_one_whole_and_name_every_reason(waited):
    lines = wait_lines(samples.progress(recent_waited_seconds=waited))
    if not set(waited) - {WaitReason.NONE}:
        assert lines == []
        return
    assert sum(line.width for line in lines) == pytest.approx(100, abs=0.6)
    assert set(waited) - {WaitReason.NONE} <= {line.reason for line in lines}
    for line in lines:
        assert line.label
        assert (line.percent == "0%") == (not waited.get(line.reason))


def test_reasons_keep_their_order_and_place():
    quiet = [line.reason for line in wait_lines(samples.progress(recent_waited_seconds={WaitReason.DISK: 1.0}))]
    busy = [line.reason for line in wait_lines(samples.progress())]
    assert quiet == busy
    lost = [line.reason for line in wait_lines(samples.progress(recent_waited_seconds={WaitReason.NO_CONNECTION: 1.0}))]
    assert lost == [*quiet, WaitReason.NO_CONNECTION]


def test_before_a_second_report_the_bars_are_of_the_whole_time_and_say_so():
    first = samples.progress(waited_seconds={WaitReason.DISK: 3.0, WaitReason.IDLE: 1.0}, recent_waited_seconds={})
    assert [line.percent for line in wait_lines(first) if line.width] == ["75%", "25%"]
    assert "Of all workers together, since the agent took the job up." in shown(samples.job(progress=first))
    assert "Of all workers together, in the last half minute or so." in shown(samples.job())


def test_an_agent_that_does_not_account_for_its_time_has_no_bars():
    assert wait_lines(samples.progress_of_an_older_agent()) == []


def test_a_job_at_work_says_what_it_waits_for():
    words = shown(samples.job())
    assert "Throttled to 200 Mbps by the schedule until 18:00 (America/Chicago)." in words
    assert "Limit in force 200 Mbps by the schedule until 18:00 (America/Chicago)" in words
    assert "Requests in flight up to 24 tuned by the agent" in words
    assert "Speed now 190 Mbps 179 Mbps on average" in words
    for label, percent in (("Disk", "3%"), ("Bandwidth limit", "68%"), ("Access", "&lt; 1%"), ("Without work", "5%")):
        assert f"{label} {percent}" in words


def test_an_older_agent_has_no_empty_block():
    words = shown(samples.job(progress=samples.progress_of_an_older_agent()))
    assert "What it is waiting for" not in words
    assert "Speed now 190 Mbps limit 200 Mbps" in words


@pytest.mark.parametrize("state", [state for state in JobState if state not in (JobState.SCANNING, JobState.RUNNING)])
def test_only_a_job_at_work_waits_for_something(state):
    assert "What it is waiting for" not in shown(samples.job(state))


def test_the_others_on_a_busy_account_are_linked():
    html = job_live(samples.frame(), samples.NOW, samples.busy_job())
    assert '<a href="/jobs/job_p3v8c5n1r6tzc2w9n5r8l2fp">Media archive</a>' in html
    assert "and 1 job more" in shown(samples.busy_job())


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (SharedAccount(account="acc", jobs=[], others=0), "No other job is at work on storage account acc :"),
        (SharedAccount(account="acc", jobs=[], others=2), "2 jobs of clients that you may not see"),
    ],
)
def test_who_shares_the_account_is_said_where_nobody_can_be_named(shared, words):
    assert words in shown(samples.busy_job(shared_account=shared))


def test_what_an_agent_says_is_escaped():
    html = job_live(samples.frame(), samples.NOW, samples.job(progress=samples.progress(advice="<b>x</b>")))
    assert "<b>x" not in html


def test_there_is_no_percent_before_the_scan_is_complete():
    words = shown(samples.job(JobState.RUNNING, scan_complete=False))
    assert "48,897 files 248 GiB found so far; 30,995 decided, 151 GiB" in words
    assert "60%" not in words
    html = job_live(samples.frame(), samples.NOW, samples.job(scan_complete=False))
    assert "percent" not in re.search(r'data-announce="([^"]*)"', html).group(1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("limit", "rate", "reason"),
    [
        (LimitInForce(mbps=20, owner=LimitOwner.JOB), "20 Mbps", "by the job's own limit"),
        (LimitInForce(mbps=0, owner=LimitOwner.SITE), "paused", "by the site's share"),
        (
            LimitInForce(mbps=2.5, owner=LimitOwner.SCHEDULE, until=datetime(2026, 5, 13, 6, tzinfo=UTC)),
            "2.5 Mbps",
            "by the schedule until Wed 06:00 (UTC)",
        ),
    ],
)
def test_a_limit_in_words(limit, rate, reason):
    assert (formatting.limit_rate(limit), formatting.limit_reason(limit, samples.NOW)) == (rate, reason)


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [("", ""), ("disk-bound", "Disk-bound."), ("Is it?", "Is it?"), ("two. ends.", "Two. ends.")],
)
def test_a_phrase_becomes_a_sentence(phrase, sentence):
    assert formatting.sentence(phrase) == sentence
