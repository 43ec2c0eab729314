"""The token refresh checker: three times a hundred days, two instances, crashes, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from functions.domain.limits import Limits
from functions.domain.views import ListQuery, ProjectStatus
from functions.services.token_checks import TABLE
from migrate_contract.errors import ErrorCode, Retryable
from tests.memory.checker import Checked
from tests.memory.redemptions import OUR_SECRET, REVOKED, UNREACHABLE
from tests.memory.world import ADMIN, ORGANIZATION, STRANGER, limited

DOWN = Retryable(ErrorCode.STORAGE_UNAVAILABLE, "down")


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Tracebacks of faults that a test asks for are slow to print, and nobody reads them."""
    with capture_logs():
        yield


def open_alerts(checked: Checked) -> list[str]:
    return [alert.code for alert in checked.alerts.list(ADMIN, ListQuery()).items]


# A hundred days


def test_a_healthy_sign_in_is_renewed_weekly_without_a_gap_and_without_a_mail() -> None:
    checked = Checked()
    project_id = checked.project()
    for _ in range(100):
        checked.day()
    tried = checked.identity.tried[project_id]
    assert len(tried) == 14
    assert {later - earlier for earlier, later in pairwise(tried)} == {timedelta(days=7)}
    assert checked.letters.asked == 0
    assert open_alerts(checked) == []
    (look,) = checked.reports.checks(ADMIN, ListQuery()).items
    assert look.expires_at == tried[-1] + timedelta(days=90)


def test_a_service_that_is_away_from_day_5_brings_each_mail_once_and_then_the_end() -> None:
    checked = Checked()
    project_id = checked.project()
    mailed: dict[int, list[str]] = {}
    for number in range(1, 101):
        if number == 5:
            checked.identity.fault = UNREACHABLE
        before = checked.letters.kinds()
        checked.day()
        checked.checker.run()  # An hour later, and a restart: nothing is said again.
        if new := checked.letters.kinds()[len(before) :]:
            mailed[number] = new
        ended = checked.show(project_id).status is ProjectStatus.AUTH_REQUIRED
        assert ended is (number >= 90), number
    assert mailed == {
        76: ["connection-expiring 14"],
        83: ["connection-expiring 7"],
        87: ["connection-expiring 3"],
        89: ["connection-expiring 1"],
        90: ["connection-expired"],
    }
    assert open_alerts(checked) == ["identity-unavailable"]
    end = checked.show(project_id).sign_in_end
    assert end is not None
    assert end.reason.startswith("the sign-in could not be renewed since 2026-03-02, and one ends after 90 days")


def test_a_revocation_on_day_40_brings_one_mail() -> None:
    checked = Checked()
    project_id = checked.project()
    for number in range(1, 101):
        if number == 40:
            checked.identity.fault = REVOKED
        checked.day()
        ended = checked.show(project_id).status is ProjectStatus.AUTH_REQUIRED
        assert ended is (number >= 42), number
    assert checked.letters.kinds() == ["connection-expired"]
    (letter,) = checked.letters.posted.values()
    assert letter.facts == {"reason": REVOKED.detail, "account": "customerdata", "ended_on": "2026-04-13"}
    assert len(checked.identity.tried[project_id]) == 6, "a sign-in that has ended is not tried again"
    assert open_alerts(checked) == []


# What is looked at


def test_a_finished_project_is_quiet() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.close(project_id)
    checked.identity.fault = REVOKED
    for _ in range(10):
        tally = checked.day()
    assert tally.counts == {ORGANIZATION: {"quiet": 1}}
    assert (checked.identity.tried, checked.letters.asked) == ({}, 0)


def test_a_connection_of_the_deployment_and_a_project_without_one_are_not_looked_at() -> None:
    checked = Checked()
    client_id = checked.world.client()
    checked.world.project(client_id)
    checked.world.project(client_id, connected=False)
    assert checked.day().counts == {}


def test_what_is_remembered_of_a_project_goes_with_it() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.day()
    checked.world.services.connections.disconnect(ADMIN, project_id)
    checked.day()
    assert checked.world.tables.everything()[TABLE] == []


def test_a_look_is_made_once_a_day() -> None:
    checked = Checked()
    checked.project()
    assert checked.day().totals()["looked"] == 1
    checked.clock.forward(3600)
    assert checked.checker.run().totals()["looked"] == 0


# What ends and what begins again


def test_a_sign_in_makes_the_project_work_again_and_its_next_end_is_another_mail() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = REVOKED
    for _ in range(7):
        checked.day()
    assert checked.show(project_id).status is ProjectStatus.AUTH_REQUIRED
    checked.identity.fault = None
    checked.sign_in(project_id)
    assert checked.show(project_id).status is ProjectStatus.PLANNING
    checked.identity.fault = REVOKED
    for _ in range(8):
        checked.day()
    assert checked.letters.kinds() == ["connection-expired", "connection-expired"]


def test_a_reconnect_takes_back_mails_that_wait_within_the_hour() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = REVOKED
    for _ in range(7):
        checked.day()
    checked.identity.fault = None
    checked.clock.forward(3600)
    checked.sign_in(project_id)
    checked.clock.forward(3600)
    assert checked.checker.run().totals() == {"looked": 1, "not_due": 1}
    assert [project for project, _ in checked.letters.withdrawn] == [project_id]
    assert checked.checker.run().totals() == {"looked": 0}


def test_an_outage_that_ends_takes_its_mails_back() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = UNREACHABLE
    for _ in range(80):
        checked.day()
    assert checked.letters.kinds() == ["connection-expiring 14"]
    checked.identity.fault = None
    checked.day()
    (withdrawn,) = checked.letters.withdrawn
    assert withdrawn[0] == project_id
    for _ in range(30):
        checked.day()
    assert checked.letters.kinds() == ["connection-expiring 14"]
    assert open_alerts(checked) == []


def test_a_sign_in_that_outlived_its_ninety_days_is_taken_back() -> None:
    checked = Checked(Limits(token_life_days=20))
    project_id = checked.project()
    checked.identity.fault = UNREACHABLE
    for _ in range(21):
        checked.day()
    assert checked.show(project_id).status is ProjectStatus.AUTH_REQUIRED
    checked.identity.fault = None
    checked.day()
    assert checked.show(project_id).status is ProjectStatus.PLANNING


def test_a_lapse_that_proves_final_is_no_second_mail() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = UNREACHABLE
    for _ in range(91):
        checked.day()
    checked.identity.fault = None
    checked.day()
    assert checked.letters.kinds().count("connection-expired") == 1
    end = checked.show(project_id).sign_in_end
    assert end is not None
    assert "700082" in end.reason


# Whose turn it is


def test_our_own_misconfiguration_is_the_operators_turn_and_never_the_customers() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = OUR_SECRET
    for _ in range(95):
        checked.day()
    assert checked.show(project_id).status is ProjectStatus.PLANNING
    assert set(checked.letters.kinds()) == {"identity-provider-misconfigured"}
    assert {draft.project_id for draft in checked.letters.posted.values()} == {""}
    assert open_alerts(checked) == ["identity-misconfigured"]


def test_the_operators_alert_closes_with_the_first_success() -> None:
    checked = Checked()
    checked.project()
    checked.identity.fault = OUR_SECRET
    for _ in range(8):
        checked.day()
    checked.identity.fault = None
    checked.day()
    assert open_alerts(checked) == []


def test_an_outage_of_an_hour_alerts_nobody() -> None:
    checked = Checked()
    checked.project()
    checked.identity.fault = UNREACHABLE
    for _ in range(7):
        checked.day()
    assert open_alerts(checked) == []
    checked.day()
    assert open_alerts(checked) == ["identity-unavailable"]


def test_the_operator_is_warned_before_our_own_secret_ends() -> None:
    ends_on = Checked().clock.now.date() + timedelta(days=40)
    checked = Checked(secret_expires_on=ends_on)
    mailed: dict[int, str] = {}
    for number in range(1, 42):
        before = len(checked.letters.kinds())
        checked.day()
        if kinds := checked.letters.kinds()[before:]:
            mailed[40 - number] = kinds[0]
    assert mailed == {left: f"client-secret-expiring {left}" for left in (30, 14, 7, 3, 1)}
    assert open_alerts(checked) == ["client-secret-expiring"]


# Cut off, and side by side


def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next() -> None:
    checked = Checked(Limits(token_check_workers=1, token_check_seconds=10))
    projects = [checked.project() for _ in range(5)]
    checked.clock.now += timedelta(days=6)

    def slow(_: str) -> None:
        checked.elapsed += 4

    checked.identity.before = slow
    assert checked.day().totals() == {"left": 2, "looked": 3, "redeemed": 3}
    assert checked.checker.run().totals() == {"looked": 2, "redeemed": 2}
    assert sorted(checked.identity.tried) == sorted(projects)
    assert {len(times) for times in checked.identity.tried.values()} == {1}
    newest, older = checked.reports.runs(ADMIN, ListQuery()).items
    assert {(run.looked, run.left) for run in (newest, older)} == {(2, 0), (3, 2)}


def test_two_instances_make_each_look_once() -> None:
    checked = Checked(Limits(token_check_workers=4))
    projects = [checked.project() for _ in range(20)]
    checked.clock.now += timedelta(days=6)
    other = checked.instance()
    runs = []

    def meanwhile(_: str) -> None:
        checked.identity.before = None
        runs.append(other.run())

    checked.identity.before = meanwhile
    runs.append(checked.day())
    totals = [run.totals() for run in runs]
    assert sum(total["looked"] for total in totals) == 20
    assert {project: len(times) for project, times in checked.identity.tried.items()} == dict.fromkeys(projects, 1)


@pytest.mark.parametrize("crash", range(8))
def test_a_crash_at_any_step_is_made_good_and_the_mail_is_one(crash: int) -> None:
    """The run dies at its n-th write or post; the next instance goes on when the claim is old."""
    checked = Checked(Limits(token_check_workers=1))
    project_id = checked.project()
    checked.identity.fault = REVOKED
    checked.clock.now += timedelta(days=7)
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps > crash:
            raise DOWN

    checked.world.tables.before_write = step
    checked.letters.before_post = step
    try:
        checked.checker.run()
    except ExceptionGroup:
        assert crash < steps
    checked.world.tables.before_write = None
    checked.letters.before_post = None
    checked.clock.forward(checked.world.limits.token_claim_seconds)
    checked.instance().run()
    checked.day()
    assert checked.letters.kinds() == ["connection-expired"]
    assert checked.show(project_id).status is ProjectStatus.AUTH_REQUIRED


def test_storage_that_is_away_ends_the_run_early() -> None:
    checked = Checked(Limits(token_check_workers=1))
    for _ in range(50):
        checked.project()
    checked.clock.now += timedelta(days=6)
    checked.identity.fault = DOWN
    with pytest.raises(ExceptionGroup):
        checked.day()
    (run,) = checked.reports.runs(ADMIN, ListQuery()).items
    assert (run.broken, run.left) == (20, 30)


@pytest.mark.parametrize("write", range(4))
def test_a_look_that_the_storage_cuts_off_once_is_made_again_in_the_same_run(write: int) -> None:
    checked = Checked(Limits(token_check_workers=1))
    for _ in range(3):
        checked.project()
    checked.clock.now += timedelta(days=7)
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == write + 1:
            raise DOWN

    checked.world.tables.before_write = step
    checked.checker.run()
    (run,) = checked.reports.runs(ADMIN, ListQuery()).items
    assert (run.redeemed, run.broken, run.left) == (3, 0, 0)


# What is shown


def test_a_member_sees_the_looks_of_their_clients_only() -> None:
    checked = Checked()
    client_id = checked.world.client()
    mine = checked.project(client_id)
    checked.project()
    checked.day()
    found = checked.reports.checks(limited(client_id), ListQuery()).items
    assert [look.project_id for look in found] == [mine]
    assert [look.result for look in found] == ["not-due"]
    assert checked.reports.runs(limited(client_id), ListQuery()).items == []
    assert checked.reports.runs(STRANGER, ListQuery()).items == []
    assert checked.reports.checks(STRANGER, ListQuery()).items == []


def test_runs_of_long_ago_are_forgotten() -> None:
    checked = Checked(Limits(token_report_days=5))
    checked.project()
    for _ in range(12):
        checked.day()
    assert len(checked.reports.runs(ADMIN, ListQuery()).items) == 6
