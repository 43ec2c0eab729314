"""The fund map: which fund in Mission each RockRMS account becomes, one choice a row.

Nouns: a *choice* is one value of a row's select: `<account guid>|same`, `|new`, or `|other|<Mission's id>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, ValidationError, field_validator

from functions.dashboard.fields import FormModel
from functions.dashboard.frame import Frame
from functions.dashboard.import_words import FUND_WORDS, amount
from functions.dashboard.rendering import render
from functions.domain.rockrms_views import FundsBody, RockRmsView
from functions.domain.views import JobView, ProjectView
from migrate_contract.problem import Problem
from migrate_contract.rockrms import FundAnswer, FundChoice, FundRow, ImportReport, MissionFund

_RULE = "Choose a fund of the list for each row."

type Groups = list[tuple[str, list[tuple[str, str]]]]


class FundsForm(FormModel):
    """The whole map as it was posted: one `fund` for each row."""

    fund: list[str] = Field(default_factory=list)

    @field_validator("fund")
    @classmethod
    def _can_be_read(cls, choices: list[str]) -> list[str]:
        for choice in choices:
            read_choice(choice)
        return choices

    def body(self, kept: Sequence[FundChoice]) -> FundsBody:
        """Result: the body of the API's call; accounts that the page did not show keep their choice."""
        chosen = [read_choice(choice) for choice in self.fund]
        shown = {choice.account_guid for choice in chosen}
        return FundsBody(funds=[*chosen, *(choice for choice in kept if choice.account_guid not in shown)])


def read_choice(text: str) -> FundChoice:
    """Result: the choice. Raises ValueError for a text that this page does not offer."""
    guid, _, rest = text.partition("|")
    answer, _, external = rest.partition("|")
    try:
        return FundChoice(account_guid=guid, choice=FundAnswer(answer), external_fund_id=external or None)
    except (ValidationError, ValueError):
        raise ValueError(_RULE) from None


def write_choice(choice: FundChoice) -> str:
    """Result: the choice as a select's value."""
    return "|".join(filter(None, (choice.account_guid, choice.choice.value, choice.external_fund_id)))


@dataclass(frozen=True, slots=True)
class MapRow:
    """One RockRMS account. `decided`: saved on the project; otherwise `chosen` is a suggestion."""

    name: str
    where: str
    lines: int
    amount: str
    missing: bool
    inactive: bool
    decided: bool
    chosen: str
    words: str
    options: Groups


def fund_map_page(
    frame: Frame,
    project: ProjectView,
    view: RockRmsView,
    *,
    job: JobView | None,
    report: ImportReport | None,
    refusal: Problem | None = None,
) -> str:
    """Result: the page, from the funds of the last report; reached from `job`, or else from the project."""
    rows = map_rows(report, view) if report else []
    back = f"/jobs/{job.job_id}" if job else f"/projects/{project.project_id}"
    crumbs = [
        ("Clients", "/clients"),
        (project.client_name, f"/clients/{project.client_id}"),
        (project.name, f"/projects/{project.project_id}"),
        *([(job.name, back)] if job else []),
        ("Fund map", None),
    ]
    return render(
        "fund_map.html",
        frame,
        crumbs=crumbs,
        rows=rows,
        undecided=sum(not row.decided for row in rows),
        mission_funds=view.mission_funds,
        action=f"{back}/funds",
        back=back,
        holds_from="It holds from the next attempt of this project's imports.",
        refusal=refusal,
    )


def map_rows(report: ImportReport, view: RockRmsView) -> list[MapRow]:
    """Result: a row for each fund that gifts in scope name: those not decided first, then by name."""
    saved = {choice.account_guid: choice for choice in view.funds}
    rows = [_row(fund, saved.get(fund.account_guid), view.mission_funds, report.currency) for fund in report.funds]
    return sorted(rows, key=lambda row: (row.decided, row.name.casefold()))


def suggestion(fund: FundRow, mission_funds: Sequence[MissionFund]) -> FundChoice:
    """Result: what the dry run suggests; an `other` of which Mission has no fund any more becomes `new`."""
    known = {found.external_fund_id for found in mission_funds}
    if fund.suggested is FundAnswer.OTHER and fund.external_fund_id in known:
        return FundChoice(
            account_guid=fund.account_guid, choice=FundAnswer.OTHER, external_fund_id=fund.external_fund_id
        )
    same = fund.suggested is FundAnswer.SAME
    return FundChoice(account_guid=fund.account_guid, choice=FundAnswer.SAME if same else FundAnswer.NEW)


def _row(fund: FundRow, saved: FundChoice | None, mission_funds: Sequence[MissionFund], currency: str) -> MapRow:
    choice = saved or suggestion(fund, mission_funds)
    names = {found.external_fund_id: found.name for found in mission_funds}
    same_words = f"Same: {fund.mission_name}" if fund.mission_name else f"Same: the one named {fund.name}"
    options: Groups = [
        (
            "",
            [
                (f"{fund.account_guid}|{FundAnswer.SAME.value}", same_words),
                (f"{fund.account_guid}|{FundAnswer.NEW.value}", f"New: create {fund.name}"),
            ],
        )
    ]
    others = [(f"{fund.account_guid}|{FundAnswer.OTHER.value}|{each}", name) for each, name in names.items()]
    gone = choice.external_fund_id is not None and choice.external_fund_id not in names
    if gone:
        others.insert(0, (write_choice(choice), f"{choice.external_fund_id} (not known in Mission now)"))
    if others:
        options.append(("Other fund of Mission", others))
    other_name = names.get(choice.external_fund_id or "", choice.external_fund_id)
    return MapRow(
        name=fund.name,
        where=" · ".join(filter(None, (fund.parent and f"under {fund.parent}", fund.campus))),
        lines=fund.lines,
        amount=amount(fund.amount, currency),
        missing=fund.suggested is not FundAnswer.SAME and choice.choice is not FundAnswer.OTHER,
        inactive=not fund.is_active,
        decided=saved is not None,
        chosen=write_choice(choice),
        words=f"{FUND_WORDS[choice.choice]}: {other_name}" if other_name else FUND_WORDS[choice.choice],
        options=options,
    )
