"""The template engine: one environment per process, strict about undefined names, escaping everything.

Nouns: a *visit* is what a template knows of the request; a page is rendered from a visit and its own context.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from functions.dashboard import badges, formatting, import_bar, import_words, progress_bar, worker_time
from functions.dashboard.flashes import Flash, flash_for
from functions.dashboard.forms import EMPTY_FORM
from functions.dashboard.frame import Frame
from functions.domain.caller import Role

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
STATIC = _HERE / "static"
POLL_SECONDS = 10
"""How often a live part asks for newer numbers (product page, symptom 9)."""
CHECK_POLL_SECONDS = 3
"""As long as somebody waits for an agent's answer to a check."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a template knows of the request, beside the frame that the edge made."""

    frame: Frame

    @property
    def section(self) -> str:
        """Result: the first part of the path: which entry of the navigation is current."""
        return self.frame.path.partition("?")[0].strip("/").partition("/")[0]

    @property
    def flash(self) -> Flash | None:
        """Result: what was just done, from the address."""
        return flash_for(next(iter(parse_qs(urlsplit(self.frame.path).query).get("done", [])), None))

    @property
    def may_change(self) -> bool:
        """Result: whether to offer what changes something; the services decide, this only hides buttons."""
        return self.frame.caller is not None and self.frame.caller.role is not Role.READER

    @property
    def is_admin(self) -> bool:
        """Result: whether to offer what only administrators may do."""
        return self.frame.caller is not None and self.frame.caller.role is Role.ADMIN


def render(template: str, frame: Frame, **context: Any) -> str:
    """Result: the page or fragment as HTML; a page that shows times is given `now`.

    Raises jinja2.UndefinedError for a name that was not given.
    """
    return _environment().get_template(template).render(visit=Visit(frame), frame=frame, **context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(_FUNCTIONS)
    environment.globals.update(asset_version=asset_version(), poll_seconds=POLL_SECONDS, no_form=EMPTY_FORM)
    return environment


def asset_version() -> str:
    """Result: changes whenever a static file does, so that browsers may keep them for long."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


_FILTERS: Mapping[str, Any] = {
    "age": formatting.age,
    "age_seconds": formatting.age_seconds,
    "clock": formatting.clock,
    "duration": formatting.duration,
    "iso": formatting.iso,
    "moment": formatting.moment,
    "money": import_words.amount,
    "plural": formatting.plural,
    "right_now": formatting.right_now,
    "sentence": formatting.sentence,
    "size": formatting.size,
    "speed": formatting.speed,
    "thousands": formatting.count,
    "until": formatting.until,
}

_FUNCTIONS: Mapping[str, Any] = {
    "agent_badge": badges.agent_badge,
    "bar_segments": progress_bar.segments,
    "bar_sentence": progress_bar.sentence,
    "bar_weights": progress_bar.weights,
    "bucket_legend": progress_bar.legend,
    "bucket_words": {**badges.BUCKET_WORDS, **badges.MIRROR_WORDS},
    "code_badge": badges.code_badge,
    "done_percent": progress_bar.done_percent,
    "done_records": formatting.percent,
    "is_stale": formatting.is_stale,
    "job_badges": badges.job_badges,
    "limit_rate": formatting.limit_rate,
    "limit_reason": formatting.limit_reason,
    "move_tone": badges.move_tone,
    "project_badge": badges.project_badge,
    "record_totals": import_bar.totals,
    "state_words": badges.STATE_WORDS,
    "wait_lines": worker_time.wait_lines,
    "waits_are_recent": worker_time.is_recent,
    "was_dry_run": badges.was_dry_run,
}
