"""The page that asks for an import's settings: a new one, or those of its next attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from functions.dashboard.check_words import suggested_zone
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.import_form import typed_from
from functions.dashboard.import_page import ENTITY_OPTIONS
from functions.dashboard.import_words import STATUS_WORDS, amount
from functions.dashboard.rendering import render
from functions.dashboard.rockrms_cards import agent_choices, keeper
from functions.domain.rockrms_views import RockRmsView
from functions.domain.views import JobView, ProjectView
from migrate_contract.rockrms import ImportReport, ImportSettings, RockTestReport, StatusMeaning

CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"
"""The transaction type that is always imported (Rock's own guid)."""
_COPY = " (copy)"
_NAME_LENGTH = 120
_UNSET = "UTC"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A transaction status that the last dry run has found, and what it means."""

    status: str
    options: list[tuple[str, str]]
    chosen: str
    hint: str


def new_import_page(
    frame: Frame, project: ProjectView, view: RockRmsView, form: Form = EMPTY_FORM, *, like: JobView | None = None
) -> str:
    """Result: the form for a new import; `like`: one whose settings are filled in."""
    if not form.values and like is not None and like.rockrms is not None:
        values = {**typed_from(like, like.rockrms), "name": [like.name[: _NAME_LENGTH - len(_COPY)] + _COPY]}
        form = Form(values)
    return _page(
        frame,
        project,
        view,
        form,
        heading="New import" if like is None else f"New import like {like.name}",
        action=f"/projects/{project.project_id}/new-import",
        submit="Create import",
        back=f"/projects/{project.project_id}",
        editing=False,
        name_default="RockRMS to Mission",
    )


def edit_import_page(
    frame: Frame,
    project: ProjectView,
    view: RockRmsView,
    job: JobView,
    report: ImportReport | None,
    form: Form = EMPTY_FORM,
) -> str:
    """Result: the form with the job's settings, or with what was typed last."""
    settings = job.rockrms
    typed = typed_from(job, settings) if settings else {}
    return _page(
        frame,
        project,
        view,
        form if form.values else Form(typed, refusal=form.refusal),
        report,
        settings,
        heading=f"Edit {job.name}",
        action=f"/jobs/{job.job_id}/edit-import",
        submit="Save",
        back=f"/jobs/{job.job_id}",
        editing=True,
        name_default=job.name,
    )


def status_rows(report: ImportReport | None, settings: ImportSettings | None) -> list[StatusRow]:
    """Result: a choice for each status that the last report has found or that the settings name."""
    chosen = dict(settings.statuses) if settings else {}
    found = {each.status: each for each in report.statuses} if report else {}
    return [
        StatusRow(
            status=name,
            options=[
                (f"{name}|", "Not decided: its lines count as gifts"),
                *((f"{name}|{meaning.value}", _sentence(STATUS_WORDS[meaning])) for meaning in StatusMeaning),
            ],
            chosen=f"{name}|{chosen[name].value if name in chosen else ''}",
            hint=f"{found[name].lines:,} lines, {amount(found[name].amount, report.currency)}"
            if report and name in found
            else "",
        )
        for name in dict.fromkeys([*found, *chosen])
    ]


def _page(
    frame: Frame,
    project: ProjectView,
    view: RockRmsView,
    form: Form,
    report: ImportReport | None = None,
    settings: ImportSettings | None = None,
    **context: Any,
) -> str:
    test = view.rock_test.rock if view.rock_test and view.rock_test.rock else RockTestReport()
    zone = suggested_zone(view.rock_test)
    known = project.time_zone if project.time_zone != _UNSET else ""
    return render(
        "import_form.html",
        frame,
        project=project,
        form=form,
        no_rock=not view.held,
        no_mission=view.mission_connection is None,
        tested=bool(test.entities),
        agents=agent_choices(view.agents) or [("", "The client's only agent, or the first to register")],
        agent_default=keeper(view),
        entity_options=ENTITY_OPTIONS,
        entities_default=[value for value, _ in ENTITY_OPTIONS],
        campus_options=_campuses(test, form.values.get("campus_ids", ())),
        campuses_default=[],
        type_options=type_options(test, report, form.values.get("transaction_types", ())),
        types_default=[],
        status_rows=status_rows(report, settings),
        start_default="",
        currency_default="USD",
        zone_default=known or zone or "",
        zone_hint=f"Rock's campuses say {zone}." if zone else "The clock that Rock's times were written by.",
        **context,
    )


def type_options(test: RockTestReport, report: ImportReport | None, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Result: the transaction types beside Contribution: of the last test, of the last report, and those in use."""
    found = {kind.guid: _with_lines(kind.name, kind.lines) for kind in test.transaction_types}
    for kind in report.other_types if report else ():
        found[kind.code] = _with_lines(kind.label, kind.count)
    for guid in chosen:
        found.setdefault(guid, f"Type {guid}")
    return [(guid, words) for guid, words in found.items() if guid != CONTRIBUTION]


def _with_lines(name: str, lines: int | None) -> str:
    return name if lines is None else f"{name} ({lines:,} lines)"


def _campuses(test: RockTestReport, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Result: the campuses of the last test, and those that the job names and the test does not."""
    known = [
        (str(campus.campus_id), campus.name + (" (inactive)" if campus.is_active is False else ""))
        for campus in test.campuses
    ]
    ids = {value for value, _ in known}
    return [*known, *((value, f"Campus {value}") for value in chosen if value not in ids)]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
