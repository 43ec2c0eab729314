"""When a sign-in is renewed, when somebody is told, when it has ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from functions.domain.expiry import (
    NOT_ENDED,
    SECRET_NOTICE_DAYS,
    EndKind,
    Notice,
    SignInEnd,
    days_left,
    end_of,
    expires_at,
    notice_due,
    redemption_due,
)
from functions.domain.ports import Row, Value
from functions.domain.views import AzureConnectionView, ConnectionKind

DAY_0 = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def connection(at: datetime = DAY_0) -> AzureConnectionView:
    return AzureConnectionView(kind=ConnectionKind.DEPLOYMENT, account="account", connected_at=at, connected_by="Ada")


def project(columns: dict[str, Value]) -> Row:
    return Row("acme", "prj_000000000001", columns, "v1")


def test_ninety_days_after_the_last_success() -> None:
    assert expires_at(DAY_0, 90) == day(90)


@pytest.mark.parametrize(
    ("after_days", "failing", "due"),
    [(0, False, False), (6, False, False), (7, False, True), (8, False, True), (1, True, True), (0, True, True)],
)
def test_weekly_and_daily_while_it_fails(after_days: int, failing: bool, due: bool) -> None:
    assert redemption_due(DAY_0, day(after_days), 7, failing=failing) is due


def test_a_look_at_an_earlier_hour_of_the_seventh_day_counts() -> None:
    assert redemption_due(DAY_0, day(7) - timedelta(hours=13), 7, failing=False)


@pytest.mark.parametrize(
    ("after_days", "days"),
    [(0, None), (75, None), (76, 14), (77, 14), (82, 14), (83, 7), (86, 7), (87, 3), (88, 3), (89, 1), (90, 1)],
)
def test_notices_at_14_7_3_1_days_left(after_days: int, days: int | None) -> None:
    notice = notice_due(day(90), day(after_days))
    assert (notice.days if notice else None) == days


def test_a_notice_has_one_name_however_late_it_is_found() -> None:
    names = {notice_due(day(90), day(number) + timedelta(hours=hour)) for number in (83, 84, 85) for hour in (0, 9)}
    assert names == {Notice(7, date(2026, 5, 24))}


def test_the_secret_is_announced_a_month_ahead() -> None:
    assert notice_due(day(30), DAY_0, SECRET_NOTICE_DAYS) == Notice(30, DAY_0.date())
    assert notice_due(day(31), DAY_0, SECRET_NOTICE_DAYS) is None


def test_days_left_are_those_of_the_calendar() -> None:
    assert days_left(day(14), day(0) - timedelta(hours=13)) == 14
    assert days_left(day(0), day(1)) == -1


def test_an_end_is_read_as_it_was_written() -> None:
    end = SignInEnd(DAY_0, day(40), EndKind.REFUSED, "AADSTS50173: the grant was revoked")
    assert end_of(project(end.columns), connection()) == end


def test_an_end_is_of_one_connection_only() -> None:
    end = SignInEnd(DAY_0, day(40), EndKind.REFUSED, "revoked")
    assert end_of(project(end.columns), connection(day(41))) is None
    assert end_of(project(end.columns), None) is None
    assert end_of(project({**end.columns, **NOT_ENDED}), connection()) is None
    assert end_of(project({}), connection()) is None
