"""Lines of transactions to Mission's contributions (rules F1 to F11).

The one mapping that runs millions of times: a record's JSON is put together from parts that were encoded once (funds,
batches, labels, giving units) and numbers and dates, which need no encoding. The tests compare it with orjson's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Final

from migrate_agent.rockrms.mapping.context import Context
from migrate_agent.rockrms.mapping.texts import DIGEST_BYTES, json_text, trimmed
from migrate_agent.rockrms.records import Mapped, Note, Page, Skipped
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import FundAnswer, money

_REMEMBERED: Final = 50_000
"""Batches and giving units whose JSON is kept; beyond that it is made again, so that memory stays flat."""
_NO_BATCH: Final = (None, "")
_NOT_POSITIVE: Final = Note(ErrorCode.GIFT_NOT_POSITIVE, "the amount is zero or negative")
_FROM_BATCH: Final = Note(ErrorCode.GIFT_DATE_MISSING, "the date is its batch's")
_FROM_CREATION: Final = Note(ErrorCode.GIFT_DATE_MISSING, "the date is that of its entry")
_FOREIGN: Final = Note(ErrorCode.FOREIGN_CURRENCY, "given in another currency")


def _notes_text(notes: tuple[Note, ...], anonymous: object) -> str:
    codes = [note.code.value for note in notes]
    if anonymous:
        codes.append("show-as-anonymous")
    return json_text(codes)


class Contributions:
    """Maps pages of lines."""

    def __init__(self, context: Context, funds: Mapping[str, str]) -> None:
        """`funds`: account guid -> Mission's id, where it is not the one that we make."""
        self._context = context
        chosen = {
            each.account_guid: each.external_fund_id
            for each in context.settings.funds
            if each.choice is FundAnswer.OTHER and each.external_fund_id is not None
        } | dict(funds)
        self._accounts = {
            id_: (
                json_text(chosen.get(account.guid, context.id_of("FinancialAccount", account.guid))),
                account.campus_id,
            )
            for id_, account in context.facts.accounts.items()
        }
        self._campuses = {id_: json_text(named) for id_, named in context.campuses.items()}
        self._labels = {id_: json_text(label) for id_, label in context.labels.items()}
        self._batches: dict[int, tuple[str | None, str]] = {}
        self._units: dict[str, str] = {}
        self._no_notes = _notes_text((), False)

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        line_prefix = self._context.id_of("FinancialTransactionDetail", "")
        transaction_prefix = self._context.id_of("FinancialTransaction", "")
        person_prefix = self._context.id_of("Person", "")
        currency = self._context.settings.currency
        accounts, campuses, labels = self._accounts, self._campuses, self._labels
        batches, units = self._batches, self._units
        anonymous = self._context.facts.anonymous
        found: list[Mapped | Skipped] = []
        append = found.append
        for (
            source_id,
            transaction_id,
            amount,
            account_id,
            given,
            batch_start,
            created,
            alias_id,
            person_id,
            giving_id,
            giving_group,
            batch_id,
            batch_name,
            batch_campus,
            type_id,
            payment_source,
            payment_method,
            refund_id,
            original_id,
            foreign,
            show_as_anonymous,
        ) in page.rows:
            external_id = f"{line_prefix}{source_id}"
            account = accounts.get(account_id)
            moment: datetime | None = given or batch_start or created
            if account is None or moment is None:
                found.append(self._unmapped(source_id, external_id, account_id, moment))
                continue
            fund, campus_id = account
            if campus_id is None:
                campus_id = batch_campus
            text = str(amount)
            if text[-3:-2] != "." or text == "-0.00":
                text = money(amount)
            positive = text[0] != "-" and text != "0.00"
            notes: tuple[Note, ...] = ()
            date_source = "transaction"
            if not positive or given is None or foreign is not None:
                notes = self._notes(not positive, given, batch_start, foreign)
                date_source = "transaction" if given else "batch" if batch_start else "created"
            if refund_id is not None:
                kind = "refund"
            else:
                kind = "gift" if positive else "zero" if text == "0.00" else "correction"
            if person_id is None:
                person, unit = "null", "null"
                missing = '"no-alias"' if alias_id is None else '"alias-of-nobody"'
            elif person_id in anonymous:
                person, unit, missing = "null", "null", '"anonymous"'
            else:
                person, missing = f'"{person_prefix}{person_id}"', "null"
                unit = units.get(giving_id) or self._unit(person_id, giving_id, giving_group)
            refund_of = "null" if original_id is None else f'"{transaction_prefix}{original_id}"'
            if batch_id is None:
                batch = "null"
            else:
                known_name, batch = batches.get(batch_id, _NO_BATCH)
                if known_name != batch_name:
                    batch = self._batch(batch_id, batch_name)
            body = (
                f'{{"external_id":"{external_id}","transaction_external_id":"{transaction_prefix}{transaction_id}",'
                f'"external_person_id":{person},"person_missing":{missing},"giving_unit":{unit},'
                f'"fund_external_id":{fund},"amount":"{text}","currency":"{currency}",'
                f'"gift_date":"{moment.date().isoformat()}","gift_date_source":"{date_source}","class":"{kind}",'
                f'"refund_of":{refund_of},'
                f'"transaction_type":{labels.get(type_id, "null")},'
                f'"payment_method":{labels.get(payment_method, "null")},'
                f'"payment_source":{labels.get(payment_source, "null")},'
                f'"batch":{batch},'
                f'"campus":{campuses.get(campus_id, "null")},'
                f'"is_foreign_currency":{"true" if foreign is not None else "false"},'
                f'"notes":{_notes_text(notes, show_as_anonymous) if notes or show_as_anonymous else "[]"}}}'
            ).encode()
            append(Mapped(source_id, external_id, body, blake2b(body, digest_size=DIGEST_BYTES).digest(), notes))
        return found

    @staticmethod
    def _notes(not_positive: bool, given: object, batch_start: object, foreign: object) -> tuple[Note, ...]:
        notes = []
        if not_positive:
            notes.append(_NOT_POSITIVE)
        if given is None:
            notes.append(_FROM_CREATION if batch_start is None else _FROM_BATCH)
        if foreign is not None:
            notes.append(_FOREIGN)
        return tuple(notes)

    @staticmethod
    def _unmapped(source_id: int, external_id: str, account_id: int, moment: datetime | None) -> Skipped:
        if moment is None:
            return Skipped(source_id, external_id, ErrorCode.GIFT_UNDATED, "no date of its own, of a batch or of entry")
        return Skipped(source_id, external_id, ErrorCode.FUND_MISSING, f"account {account_id} came while we read")

    def _unit(self, person_id: int, giving_id: str | None, giving_group: int | None) -> str:
        unit = json_text(self._context.giving_unit(person_id, giving_id, giving_group))
        if giving_id is not None and unit.endswith(f':{giving_id}"'):
            if len(self._units) >= _REMEMBERED:
                self._units.clear()
            self._units[giving_id] = unit
        return unit

    def _batch(self, batch_id: int, name: str) -> str:
        text = json_text({"external_id": self._context.id_of("FinancialBatch", batch_id), "name": trimmed(name)})
        if len(self._batches) >= _REMEMBERED:
            self._batches.clear()
        self._batches[batch_id] = (name, text)
        return text
