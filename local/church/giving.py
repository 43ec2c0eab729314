"""Funds, batches, gifts, refunds and what only looks like a gift."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import zip_longest

from local.church import guids
from local.church.making import TODAY
from local.church.model import Account, Alias, Batch, Header, Line, Model, Payment, Person
from local.church.shapes import Shape

FIRST_SUNDAY = datetime.fromisoformat("2021-01-03 09:00")
AMOUNTS = (500, 1000, 2000, 2500, 5000, 10000, 10000, 15000, 20000, 50000, 100000, 3333, 1, 7, 123456, 9999)
METHODS = ("cash", "check", "check", "card", "card", "ach", "ach", "non-cash", "unknown-method", "paypal")
SOURCES = ("website", "kiosk", "mobile-app", "on-site", "on-site", "bank-check", None)
FINE_STATUSES = (None, None, None, None, None, "", "Complete", "success", "  Settled ")
ODD_STATUSES = ("Failed", "failed ", "  FAILED", "Pending", "Declined", "Voided?")
AROUND_NEW_YEAR = (
    "2022-12-31 23:59:59.997",
    "2023-01-01 00:00:00.000",
    "2023-12-31 23:59:59.000",
    "2024-01-01 00:00:00.003",
    "2025-12-31 23:30:00.000",
    "2026-01-01 00:30:00.000",
    "2025-03-09 02:30:00.000",
    "2025-11-02 01:30:00.000",
)
"""New Year's nights, an hour that does not exist in the church's zone, one that comes twice."""


def give(model: Model) -> None:
    """Add all money; people and groups exist already."""
    rng = model.random("giving")
    _accounts(model)
    _batches(model, rng)
    donors = _donors(model, rng)
    for _ in range(model.size * 3):
        _gift(model, rng, rng.choice(donors))
    _refunds(model, rng)
    _corrections(model, rng)
    _undated(model, rng)
    _controls(model, rng)


def _accounts(model: Model) -> None:
    model.skip_ids("FinancialAccount", 2)
    general = _account(model, "General Fund", None)
    general.guid, general.public_name = guids.GENERAL_FUND, "Tithes"
    missions = _account(model, "Missions", None)
    building = _account(model, "Building  Fund", None)
    _account(model, "Benevolence", None, is_active=False)
    model.trap("fund-inactive")
    for campus in model.campuses:
        _account(model, "Missions", missions, campus=campus)
        model.trap("fund-of-the-same-name")
    _account(model, "Roof & Café ☕", building)
    _account(model, "General Fund", general, campus=model.campuses[1], is_active=False)


def _account(model: Model, name: str, parent: Account | None, **fields: object) -> Account:
    row = model.next_id("FinancialAccount")
    account = Account(row, model.guid("FinancialAccount", row), name, parent, **fields)  # type: ignore[arg-type]
    model.accounts.append(account)
    return account


def _batches(model: Model, rng: random.Random) -> None:
    start = FIRST_SUNDAY
    while start < TODAY:
        for campus in (*model.campuses[:2], None):
            row = model.next_id("FinancialBatch")
            name = f"Sunday {start:%Y-%m-%d}" if campus else "Online Giving"
            model.batches.append(Batch(row, name, start, campus))
            if row % 97 == 0:
                model.batches[-1].start = None
                model.trap("batch-without-start")
        start += timedelta(days=7)
    for batch in model.batches[-3:]:
        batch.status = 1


def _donors(model: Model, rng: random.Random) -> list[Alias | None]:
    """Aliases to draw from: every donor about as often as in life, and each trap at its share."""
    values = model.values
    adults = [
        person
        for person in model.people
        if person.aliases
        and person.record_type in (values["person"], values["business"], None)
        and not person.is_system
        and person.guid != guids.GIVER_ANONYMOUS
        and (person.birth_year or 1980) < 2008
    ]
    givers = rng.sample(adults, len(adults) * 4 // 10)
    givers += [person for person in adults if len(person.aliases) > 1][:60]
    donors: list[Alias | None] = [rng.choice(person.aliases) for person in givers for _ in range(rng.randrange(1, 4))]
    special = [rng.choice(person.aliases) for person in model.people if person.aliases and _is_special(model, person)]
    nobody = [alias for alias in model.aliases if alias.person is None]
    rare = [one for three in zip_longest(special, [None] * (len(special) // 2), nobody) for one in three]
    many = len(donors) // 40 or 1
    return donors + [rare[number % len(rare)] for number in range(many)]


def _is_special(model: Model, person: Person) -> bool:
    """Whether the person is anonymous or no person at all: one that gifts name all the same."""
    if person.guid in (guids.GIVER_ANONYMOUS, guids.ANONYMOUS_VISITOR):
        return True
    return person.record_type is model.values["nameless"]


def _gift(model: Model, rng: random.Random, alias: Alias | None) -> Header:
    batch = rng.choice(model.batches)
    when = (batch.start or FIRST_SUNDAY) + timedelta(minutes=rng.randrange(0, 60 * 24 * 6), seconds=rng.randrange(60))
    if rng.random() < 0.01:
        when = datetime.fromisoformat(rng.choice(AROUND_NEW_YEAR))
        model.trap("around-new-year")
    header = new_header(model, alias, min(when, TODAY - timedelta(hours=3)), batch)
    _count_donor(model, header)
    method = rng.choice(METHODS)
    header.payment = Payment(model.next_id("FinancialPaymentDetail"), model.values[method])
    source = rng.choice(SOURCES)
    header.source = model.values[source] if source else None
    header.status = rng.choice(FINE_STATUSES)
    header.code = f"{rng.randrange(10**9):09}" if method in ("card", "ach", "check") else None
    accounts = rng.sample(model.accounts, rng.choice((1, 1, 1, 1, 2, 3)))
    for account in accounts:
        add_line(model, header, account, rng.choice(AMOUNTS))
    if len(accounts) > 1:
        model.trap("several-lines")
    if rng.random() < 0.03:
        add_line(model, header, accounts[0], 4200)
        model.trap("two-lines-of-one-fund")
    _header_traps(model, rng, header)
    return header


def _count_donor(model: Model, header: Header) -> None:
    alias = header.alias
    if alias is None:
        model.trap("gift-without-alias")
    elif alias.person is None:
        model.trap("gift-of-nobody")
    elif alias.person.guid in (guids.GIVER_ANONYMOUS, guids.ANONYMOUS_VISITOR):
        model.trap("gift-anonymous")
    elif alias.former_id != alias.person.id:
        model.trap("gift-through-merged-alias")
    elif alias.person.record_type is model.values["nameless"]:
        model.trap("gift-of-nameless")


def new_header(model: Model, alias: Alias | None, when: datetime | None, batch: Batch | None) -> Header:
    """Result: a Contribution without lines yet."""
    if model.next_id("gap") % 37 == 0:
        model.skip_ids("FinancialTransaction", 2)
    header = Header(model.next_id("FinancialTransaction"), alias, model.values["contribution"], when, batch)
    header.created = header.modified = (when or TODAY) + timedelta(hours=2)
    model.headers.append(header)
    return header


def add_line(model: Model, header: Header, account: Account, cents: int) -> Line:
    """Result: one more line of the header."""
    if model.next_id("gap") % 53 == 0:
        model.skip_ids("FinancialTransactionDetail", 3)
    line = Line(model.next_id("FinancialTransactionDetail"), header, account, cents)
    line.created = line.modified = header.created
    header.lines.append(line)
    return line


def _header_traps(model: Model, rng: random.Random, header: Header) -> None:
    """At most one of the peculiarities of a header."""
    values, is_current = model.values, model.shape is Shape.CURRENT
    roll = model.evenly("header")
    if roll < 0.02:
        header.batch = None
        model.trap("batch-missing")
    elif roll < 0.05:
        header.payment = None
        model.trap("payment-detail-missing")
    elif roll < 0.06:
        assert header.payment is not None
        header.payment.method = None
        model.trap("payment-method-null")
    elif roll < 0.08:
        header.type = values["registration"]
        model.trap("event-registration")
    elif roll < 0.09:
        header.type = values[rng.choice(("pledge-gift", "bookstore", "receipt"))]
        model.trap("other-transaction-type")
    elif roll < 0.105:
        header.status = rng.choice(ODD_STATUSES)
        model.trap("odd-status")
    elif roll < 0.11 and is_current:
        header.future = TODAY + timedelta(days=rng.randrange(1, 60))
        model.trap("future-processing")
    elif roll < 0.12 and is_current:
        header.foreign_currency = values[rng.choice(("eur", "cad"))]
        for line in header.lines:
            line.foreign_cents = line.cents * 91 // 100
        model.trap("foreign-currency")
    elif roll < 0.13 and model.shape is not Shape.V7:
        header.show_as_anonymous = True
        model.trap("show-as-anonymous")
    elif roll < 0.17 and is_current:
        for line in header.lines:
            line.fee_cents = 30 + line.cents * 29 // 1000
        model.trap("fee")
    elif 0.17 < roll < 0.18:
        header.lines[0].cents = 0
        model.trap("zero-line")
    elif 0.18 < roll < 0.1803:
        header.lines[0].cents = rng.choice((1_234_567_89, 1))
        model.trap("extreme-amount")
    elif 0.185 < roll < 0.20:
        header.foreign_key, header.summary = f"F1_{header.id}", "Imported; 'quoted' – 50 %\r\n"
        model.trap("foreign-key")


def _refunds(model: Model, rng: random.Random) -> None:
    gifts = [header for header in model.headers if header.type is model.values["contribution"] and header.moment]
    for number, original in enumerate(rng.sample(gifts, max(8, len(gifts) // 100))):
        refund = refund_of(model, original, (original.moment or TODAY) + timedelta(days=rng.randrange(0, 60)))
        kind = ("whole", "whole", "partial", "over", "original-null", "positive")[number % 6]
        if kind == "partial":
            refund.lines[0].cents = -1 - abs(refund.lines[0].cents) // 2
        elif kind == "over":
            refund.lines[-1].cents -= 1000
        elif kind == "original-null":
            refund.refund_of = None
        elif kind == "positive":
            refund.lines[0].cents = 1500
        model.trap(f"refund-{kind}")


def refund_of(model: Model, original: Header, when: datetime) -> Header:
    """Result: a second header with the negative of every line, in a batch of its own."""
    batch = None
    if original.batch is not None:
        name = f"{original.batch.name} - Refund"[:50]
        batch = Batch(model.next_id("FinancialBatch"), name, when, original.batch.campus)
        model.batches.append(batch)
    refund = new_header(model, original.alias, when, batch)
    refund.type, refund.source = original.type, original.source
    method = original.payment.method if original.payment else None
    refund.payment = Payment(model.next_id("FinancialPaymentDetail"), method)
    refund.is_refund, refund.refund_of = True, original
    for line in original.lines:
        add_line(model, refund, line.account, -line.cents)
    return refund


def _corrections(model: Model, rng: random.Random) -> None:
    gifts = [header for header in model.headers if header.alias and not header.is_refund]
    for gift in rng.sample(gifts, max(4, len(gifts) // 300)):
        correction = new_header(model, gift.alias, gift.moment, gift.batch)
        correction.summary = "Entered twice"
        add_line(model, correction, gift.lines[0].account, -abs(gift.lines[0].cents) - 1)
        model.trap("manual-correction")


def _undated(model: Model, rng: random.Random) -> None:
    """No TransactionDateTime: the batch's start, the header's creation, the line's creation."""
    gifts = [header for header in model.headers if not header.is_refund and header.created]
    startless = [batch for batch in model.batches if batch.start is None]
    for number, header in enumerate(rng.sample(gifts, max(12, len(gifts) // 100))):
        header.moment = None
        if number % 9 == 3:
            header.batch = startless[number % len(startless)]
            model.trap("batch-without-start-of-undated-gift")
        elif number % 3 == 1:
            header.batch = None
        elif number % 9 == 2:
            header.batch, header.created = None, None
            model.trap("gift-created-by-line-only")
        model.trap("gift-without-date")


def _controls(model: Model, rng: random.Random) -> None:
    sums: dict[int, int] = {}
    for header in model.headers:
        if header.batch is not None:
            sums[header.batch.id] = sums.get(header.batch.id, 0) + sum(line.cents for line in header.lines)
    for batch in model.batches:
        batch.control = sums.get(batch.id, 0)
        if rng.random() < 0.1:
            batch.control += rng.choice((-100, 1, 5000))
            model.trap("control-amount-wrong")
        if batch.control and rng.random() < 0.05:
            batch.control = 0
