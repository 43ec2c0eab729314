"""What Mission holds of this Rock beyond the import: outside of its filter, gone from Rock, or kept by a decision."""

from __future__ import annotations

from collections.abc import Mapping

from migrate_agent.rockrms.reconcile.lines import Bucket
from migrate_agent.rockrms.reconcile.mission_side import TABLES, MissionSide
from migrate_agent.rockrms.reconcile.ports import Scope
from migrate_agent.rockrms.reconcile.workbook import Finding, Workbook
from migrate_contract.rockrms import Entity, GoneAnswer

_FILTERED = frozenset({Bucket.BEFORE.value, Bucket.CAMPUS.value, Bucket.TYPE.value})
"""Lines that an earlier import with a wider filter may have brought; nothing is wrong with them."""


def judge_surplus(book: Workbook, side: MissionSide, scope: Scope, entity: Entity) -> None:
    """Sets aside what is there for a reason, and names the rest as gone.

    A line whose transaction failed or is not charged any more counts as gone: its money must not be in Mission.
    """
    decided: Mapping[str, GoneAnswer] = {each.external_id: each.decision for each in scope.settings.gone}
    sorted_out: dict[str, list[int]] = {"outside": [], "kept": [], "gone": []}
    buckets = _buckets(book) if entity is Entity.CONTRIBUTIONS else {}
    for key, known in book.surplus(entity):
        name = scope.facts.external_id(TABLES[entity], key)
        if known and _filtered(scope, entity, buckets.get(key)):
            sorted_out["outside"].append(key)
        elif decided.get(name) is GoneAnswer.KEEP:
            sorted_out["kept"].append(key)
        else:
            sorted_out["gone"].append(key)
    for why, ids in sorted_out.items():
        side.put_aside(entity, ids, why)
    book.find(
        Finding(
            entity, key, scope.facts.external_id(TABLES[entity], key), "gone", (), "in Mission, not in Rock any more"
        )
        for key in sorted_out["gone"]
    )


def _filtered(scope: Scope, entity: Entity, bucket: str | None) -> bool:
    if entity is Entity.CONTRIBUTIONS:
        return bucket in _FILTERED
    return bool(scope.settings.campus_ids) or (
        entity is Entity.ATTENDANCE and scope.settings.date_range_start is not None
    )


def _buckets(book: Workbook) -> dict[int, str]:
    return dict(
        book.query(
            """SELECT l.id, l.bucket FROM line l JOIN held h ON h.entity = 'contributions' AND h.id = l.id
            WHERE l.bucket <> 'scope'"""
        )
    )
