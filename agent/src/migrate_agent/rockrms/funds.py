"""Which fund in Mission each RockRMS account becomes: the operator's choices against what Mission has. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from migrate_agent.rockrms.mission.port import Fund
from migrate_agent.rockrms.records import AccountRow
from migrate_contract.rockrms import FundAnswer, FundChoice, FundRow


@dataclass(slots=True)
class FundMap:
    """The answer for every account that gifts in scope name."""

    rows: list[FundRow] = field(default_factory=list)
    there: dict[str, str] = field(default_factory=dict)
    """Account guid to the id of its fund, where that is one of Mission's own."""
    create: list[Fund] = field(default_factory=list)
    """Funds that are ours to make, parents first."""
    missing: list[str] = field(default_factory=list)
    """Sentences: what was chosen and is not there."""


def map_funds(
    used: Sequence[FundRow],
    accounts: Iterable[AccountRow],
    choices: Iterable[FundChoice],
    mission: Sequence[Fund],
    new_id: Callable[[str], str],
) -> FundMap:
    """Result: what becomes of each account in `used`. An account that nobody has decided about becomes a new fund."""
    by_id = {fund.external_id: fund for fund in mission}
    chosen = {choice.account_guid: choice for choice in choices}
    known = {account.guid: account for account in accounts}
    found = FundMap()
    for row in used:
        same = _same(row, by_id, mission, new_id(row.account_guid))
        choice = chosen.get(row.account_guid)
        answer = choice.choice if choice else None
        external_id: str | None = new_id(row.account_guid)
        if answer is FundAnswer.OTHER and choice is not None:
            external_id = choice.external_fund_id if choice.external_fund_id in by_id else None
            if external_id is None:
                found.missing.append(f"account {row.name}: Mission has no fund {choice.external_fund_id}")
        elif answer is FundAnswer.SAME:
            external_id = same
            if external_id is None:
                found.missing.append(f"account {row.name}: Mission does not have exactly one fund of that name")
        if external_id is not None and external_id != new_id(row.account_guid):
            found.there[row.account_guid] = external_id
        found.rows.append(
            row.model_copy(
                update={
                    "choice": answer,
                    "suggested": FundAnswer.NEW if same is None else FundAnswer.SAME,
                    "external_fund_id": external_id,
                    "mission_name": by_id[external_id].name[:256] if external_id in by_id else None,
                }
            )
        )
    found.create = _to_create(found, known, new_id)
    return found


def _same(row: FundRow, by_id: Mapping[str, Fund], mission: Sequence[Fund], new_id: str) -> str | None:
    """Result: the fund that we made of this account earlier, or else the only one of exactly its name."""
    if new_id in by_id:
        return new_id
    named = [fund.external_id for fund in mission if fund.name.strip() == row.name.strip()]
    return named[0] if len(named) == 1 else None


def _to_create(found: FundMap, known: Mapping[str, AccountRow], new_id: Callable[[str], str]) -> list[Fund]:
    ours = {row.account_guid for row in found.rows if row.external_fund_id == new_id(row.account_guid)}
    by_number = {account.id: account for account in known.values()}
    made: dict[str, Fund] = {}

    def make(guid: str, seen: frozenset[str]) -> None:
        account = known.get(guid)
        if guid in made or account is None:
            return
        above = by_number.get(account.parent_id) if account.parent_id is not None else None
        parent = None
        if above is not None and above.guid not in seen:
            if above.guid in ours:
                make(above.guid, seen | {guid})
                parent = new_id(above.guid)
            else:
                parent = found.there.get(above.guid)
        made[guid] = Fund(new_id(guid), account.name, parent, account.is_active)

    for row in found.rows:
        if row.account_guid in ours:
            make(row.account_guid, frozenset({row.account_guid}))
    return list(made.values())
