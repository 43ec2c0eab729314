"""The bridge: from all that Rock has of gift lines to what Mission has, step by step, and what is left. Pure.

Every step has a number, a sum and records; each line of Rock is in exactly one step, so what is left can only be what
nobody can explain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from migrate_agent.rockrms.reconcile.lines import Bucket, decimal_of
from migrate_contract.rockrms import BridgeLine, money


@dataclass(frozen=True, slots=True)
class Step:
    """Lines with one reason: how many, hundredths, and the first of them by external id."""

    count: int = 0
    cents: int = 0
    records: Sequence[str] = ()


NOTHING = Step()

_LABELS = {
    "all": "In Rock, all time, up to the import's last line",
    "before": "Dated before the filter's first day",
    "campus": "Of a campus that the filter leaves out",
    "type": "Of another transaction type",
    "future": "Not charged yet",
    "failed": "The status says that no money moved",
    "rule": "Left out by a rule",
    "errored": "Errored: not in Mission",
    "missing": "In scope, not errored, and yet not in Mission",
    "doubled": "Further copies of a line that Mission has more than once",
    "amount": "In Mission with another amount",
    "gone": "In Mission, gone from Rock, not decided",
    "kept": "In Mission, gone from Rock, kept by an operator's decision",
    "outside": "In Mission from an earlier import, outside this filter",
    "mission": "In Mission, all lines of this Rock",
}
_TAKEN_OFF = ("before", "campus", "type", "future", "failed", "rule", "errored")
_PUT_ON = ("outside", "kept", "gone")


@dataclass(frozen=True, slots=True)
class Bridge:
    """The lines in order, and what they leave: money and number of lines."""

    lines: list[BridgeLine]
    unexplained: Decimal
    unexplained_lines: int


def bridge(everything: Step, steps: Mapping[str, Step], mission: Step) -> Bridge:
    """Result: Rock - what is not in scope - errored + what Mission has beside = Mission, and what is left.

    `steps` are keyed by the codes of the labels above. What is left is Mission less the expected sum.
    """
    expected_cents, expected_count = everything.cents, everything.count
    lines = [_line("all", everything, 1)]
    for code in _TAKEN_OFF:
        step = steps.get(code, NOTHING)
        expected_cents, expected_count = expected_cents - step.cents, expected_count - step.count
        lines.append(_line(code, step, -1))
    for code in _PUT_ON:
        step = steps.get(code, NOTHING)
        expected_cents, expected_count = expected_cents + step.cents, expected_count + step.count
        lines.append(_line(code, step, 1))
    lines.append(_line("mission", mission, 1))
    return Bridge(lines, decimal_of(mission.cents - expected_cents), mission.count - expected_count)


def _line(code: str, step: Step, sign: int) -> BridgeLine:
    return BridgeLine(
        code=code, label=_LABELS[code], count=sign * step.count, amount=money(decimal_of(sign * step.cents)),
        records=list(step.records[:20]),
    )  # fmt: skip


OUT_OF_SCOPE = tuple(bucket.value for bucket in Bucket if bucket is not Bucket.SCOPE)
"""Buckets of Rock's lines that are steps of their own."""
