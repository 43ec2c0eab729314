"""The expected gifts, attendance and prayer requests, the funds that the gifts need, and the sums of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from local.church import reading
from local.church.expected import ExpectedMission, ExpectedTotals, Record, Skip
from local.church.model import Account, Alias, Attendance, Line, Prayer
from local.church.reading import label, local_time, trimmed
from local.church.scope import Scope, attendance_campus, attended_on, gift_date, line_campus, occurrence_key, whom
from local.church.words_of_mission import named, of_rock

CONTRIBUTION_FLAGS = ("gift-not-positive", "gift-date-missing", "foreign-currency")


def expect_contributions(scope: Scope, mission: ExpectedMission, fund_ids: Mapping[str, str]) -> None:
    """Every gift line in scope, its fund, and the sums."""
    for line in scope.lines:
        if gift_date(line)[0] is None:
            mission.errored["contributions"][line.id] = Skip("gift-undated")
            continue
        record = _line(scope, line, fund_ids)
        mission.records["contributions"][line.id] = record
        flags = {note for note in record["notes"] if note in CONTRIBUTION_FLAGS}
        if flags:
            mission.flagged["contributions"][line.id] = flags
    for account in {line.account for line in scope.lines}:
        mission.funds[account.guid.lower()] = _fund(mission.install, account, fund_ids)
    _add_up(scope, mission)


def _fund_id(install: str, account: Account, fund_ids: Mapping[str, str]) -> str:
    guid = account.guid.lower()
    return fund_ids.get(guid) or of_rock(install, "FinancialAccount", guid)


def _fund(install: str, account: Account, fund_ids: Mapping[str, str]) -> Record:
    return {
        "external_id": _fund_id(install, account, fund_ids),
        "name": trimmed(account.name),
        "parent": None if account.parent is None else _fund_id(install, account.parent, fund_ids),
        "is_active": account.is_active,
    }


def class_of(line: Line) -> str:
    """Result: gift, refund, correction or zero (F4)."""
    if line.header.is_refund:
        return "refund"
    return "gift" if line.cents > 0 else "correction" if line.cents < 0 else "zero"


def _missing(alias: Alias | None) -> str | None:
    if alias is None:
        return "no-alias"
    if alias.person is None:
        return "alias-of-nobody"
    return "anonymous" if reading.is_anonymous(alias.person) else None


def _line(scope: Scope, line: Line, fund_ids: Mapping[str, str]) -> Record:
    install, header = scope.model.install, line.header
    day, source = gift_date(line)
    assert day is not None
    missing = _missing(header.alias)
    donor = None if missing else whom(header.alias)
    original = header.refund_of if header.is_refund else None
    notes = [
        ("gift-not-positive", line.cents <= 0),
        ("gift-date-missing", source != "transaction"),
        ("foreign-currency", header.foreign_currency is not None),
        ("show-as-anonymous", header.show_as_anonymous),
    ]
    unit = None if donor is None else f"rock:{install}:giving:{reading.giving_unit(scope.model, donor)}"
    return {
        "external_id": of_rock(install, "FinancialTransactionDetail", line.id),
        "transaction_external_id": of_rock(install, "FinancialTransaction", header.id),
        "external_person_id": None if donor is None else of_rock(install, "Person", donor.id),
        "person_missing": missing,
        "giving_unit": unit,
        "fund_external_id": _fund_id(install, line.account, fund_ids),
        "amount": reading.money(line.cents),
        "currency": scope.wishes.currency,
        "gift_date": day.isoformat(),
        "gift_date_source": source,
        "class": class_of(line),
        "refund_of": None if original is None else of_rock(install, "FinancialTransaction", original.id),
        "transaction_type": label(header.type),
        "payment_method": None if header.payment is None else label(header.payment.method),
        "payment_source": label(header.source),
        "batch": named(install, header.batch),
        "campus": named(install, line_campus(line)),
        "is_foreign_currency": header.foreign_currency is not None,
        "notes": [note for note, is_so in notes if is_so],
    }


def _add_up(scope: Scope, mission: ExpectedMission) -> None:
    totals = ExpectedTotals()
    cents: Counter[str] = Counter()
    records = mission.records["contributions"]
    for line in scope.lines:
        if line.id not in records:
            continue
        record = records[line.id]
        cents[record["class"]] += line.cents
        year, batch = record["gift_date"][:4], record["batch"]
        _add(totals.by_fund_year, (record["fund_external_id"], year), line.cents)
        _add(totals.by_batch, batch["external_id"] if batch else None, line.cents)
        _add(totals.by_payment_method, record["payment_method"], line.cents)
        _add(totals.by_giving_unit_year, (record["giving_unit"], year), line.cents)
        totals.counts[record["class"]] = totals.counts.get(record["class"], 0) + 1
    totals.gross, totals.refunds, totals.corrections = cents["gift"], cents["refund"], cents["correction"]
    mission.totals = totals


def _add[Key](sums: dict[Key, tuple[int, int]], key: Key, cents: int) -> None:
    count, total = sums.get(key, (0, 0))
    sums[key] = (count + 1, total + cents)


def expect_attendance(scope: Scope, mission: ExpectedMission) -> None:
    """One record per person and occurrence."""
    seen: set[tuple[int, str]] = set()
    for row in reading.in_order(scope.attendances):
        who = whom(row.alias)
        if who is None or reading.is_anonymous(who):
            mission.skipped["attendance"][row.id] = Skip("attendance-without-person")
            continue
        key = occurrence_key(scope.model, row)
        if (who.id, key) in seen:
            mission.skipped["attendance"][row.id] = Skip("attendance-doubled")
            continue
        seen.add((who.id, key))
        mission.records["attendance"][row.id] = _attendance(scope, row, who.id, key)


def _attendance(scope: Scope, row: Attendance, who: int, key: str) -> Record:
    install, meeting = scope.model.install, row.occurrence
    group = meeting.group
    return {
        "external_id": of_rock(install, "Attendance", row.id),
        "external_person_id": of_rock(install, "Person", who),
        "occurrence_external_id": of_rock(install, "AttendanceOccurrence", key),
        "group_external_id": of_rock(install, "Group", group.id) if group and group.id in scope.sent_groups else None,
        "date": attended_on(row).isoformat(),
        "started_at": local_time(row.started),
        "campus": named(install, attendance_campus(row)),
        "location": None if meeting.location is None else trimmed(meeting.location.name),
        "schedule": None if meeting.schedule is None else trimmed(meeting.schedule.name),
        "first_time": row.first_time,
        "notes": [],
    }


def expect_prayers(scope: Scope, mission: ExpectedMission) -> None:
    """Every prayer request in scope."""
    for prayer in scope.prayers:
        mission.records["prayer-requests"][prayer.id] = _prayer(scope, prayer)
        if reading.email_of(prayer.email)[1]:
            mission.flagged["prayer-requests"][prayer.id] = {"email-invalid"}


def _prayer(scope: Scope, prayer: Prayer) -> Record:
    install, group = scope.model.install, prayer.group
    asker = whom(prayer.alias)
    is_known = asker is not None and not reading.is_anonymous(asker)
    return {
        "external_id": of_rock(install, "PrayerRequest", prayer.id),
        "first_name": trimmed(prayer.first),
        "last_name": trimmed(prayer.last),
        "email": reading.email_of(prayer.email)[0],
        "text": prayer.text,
        "answer": prayer.answer if trimmed(prayer.answer) else None,
        "entered_at": local_time(prayer.entered),
        "expires_on": None if prayer.expires is None else prayer.expires.isoformat(),
        "is_public": bool(prayer.is_public),
        "is_approved": bool(prayer.is_approved),
        "is_active": bool(prayer.is_active),
        "is_urgent": bool(prayer.is_urgent),
        "allow_comments": bool(prayer.allow_comments),
        "prayer_count": max(prayer.prayer_count or 0, 0),
        "external_person_id": of_rock(install, "Person", asker.id) if asker is not None and is_known else None,
        "category": trimmed(prayer.category.name) if prayer.category and prayer.category.is_prayer else None,
        "campus": named(install, prayer.campus),
        "group_external_id": of_rock(install, "Group", group.id) if group and group.id in scope.sent_groups else None,
    }
