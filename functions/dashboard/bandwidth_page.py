"""A project's bandwidth schedule: the sentence of what is in force now and next, and the page that changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from functions.dashboard.fields import FormModel, like, must_be, number
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.dashboard.schedule_text import (
    exception_lines,
    exceptions_of,
    limit_of,
    number_text,
    window_lines,
    windows_of,
)
from functions.domain.views import BandwidthLimitBody, BandwidthScheduleBody, ProjectView
from migrate_contract.errors import Fatal
from migrate_contract.schedule import BandwidthSchedule, in_words, known_zones, limit_at, mbps_in_words

_LIMIT_RULE = "A number above 0, at most 1,000,000; leave it empty for no limit."
_ZONE_RULE = "Choose a time zone of the list."
_MANY_RULE = "At most 50 weekly windows and 60 lines of dates."


class LimitForm(FormModel):
    """One limit in Mbps; blank lifts it."""

    limit_mbps: Annotated[
        float | None, number(float, _LIMIT_RULE), like(BandwidthLimitBody, "limit_mbps", _LIMIT_RULE)
    ] = None

    def body(self) -> BandwidthLimitBody:
        """Result: the body of the API's call."""
        return BandwidthLimitBody(limit_mbps=self.limit_mbps)


def _at_most(most: int, read: Any) -> AfterValidator:
    def check(text: str) -> str:
        if len(read(text)) > most:
            raise ValueError(_MANY_RULE)
        return text

    return AfterValidator(check)


def _limit(text: str) -> str:
    if text:
        limit_of(text)
    return text


class ScheduleForm(FormModel):
    """A schedule as it is typed: lines of windows, lines of dates, and what holds outside."""

    zone: Annotated[str, must_be(BandwidthScheduleBody.model_fields["zone"].rebuild_annotation(), _ZONE_RULE)] = ""
    windows: Annotated[str, _at_most(50, windows_of)] = ""
    exceptions: Annotated[str, _at_most(60, exceptions_of)] = ""
    outside: Annotated[str, AfterValidator(_limit)] = ""

    def body(self) -> BandwidthScheduleBody:
        """Result: the body of the API's call."""
        return BandwidthScheduleBody(
            zone=self.zone,
            windows=windows_of(self.windows),
            exceptions=exceptions_of(self.exceptions),
            outside_mbps=limit_of(self.outside) if self.outside else None,
        )


def in_force(schedule: BandwidthSchedule, now: datetime) -> str:
    """Result: what the schedule says now and next: "20 Mbps until 18:00 (America/Chicago), then no limit"."""
    try:
        said = limit_at(schedule, now)
        following = f", then {mbps_in_words(limit_at(schedule, said.until).mbps)}" if said.until else ""
    except Fatal as unknown:
        return f"Not known: {unknown.detail}"
    sentence = in_words(said.mbps, said.until, schedule.zone, now)
    return f"{sentence[:1].upper()}{sentence[1:]}{following}"


def schedule_lines(schedule: BandwidthSchedule) -> list[str]:
    """Result: the whole schedule, a line for each window and date."""
    lines = [*window_lines(schedule), *exception_lines(schedule)]
    return [*lines, f"otherwise {number_text(schedule.outside_mbps)}"]


def typed_from(schedule: BandwidthSchedule | None) -> Mapping[str, Sequence[str]]:
    """Result: the form's values as if this schedule had been typed."""
    if schedule is None:
        return {}
    outside = schedule.outside_mbps
    return {
        "zone": [schedule.zone],
        "windows": ["\n".join(window_lines(schedule))],
        "exceptions": ["\n".join(exception_lines(schedule))],
        "outside": ["" if outside is None else number_text(outside)],
    }


def bandwidth_page(frame: Frame, now: datetime, project: ProjectView, form: Form = EMPTY_FORM) -> str:
    """Result: the form with the project's schedule, or with what was typed last."""
    schedule = project.bandwidth_schedule
    return render(
        "bandwidth.html",
        frame,
        now=now,
        project=project,
        sentence=in_force(schedule, now) if schedule else "",
        form=form if form.values else Form(typed_from(schedule), refusal=form.refusal),
        zone_options=[("", "Choose a time zone"), *((name, name) for name in sorted(known_zones()))],
    )
