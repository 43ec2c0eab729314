"""One line of a check: what was looked at, what was found, and the code whose fix helps.

Nouns: a *line* is one thing looked at; its *verdict* is ok, warning (works now, and will not for long or for all),
failed (jobs cannot work), or skipped (cannot be looked at before another line is right).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from migrate_contract.errors import CATALOGUE, ErrorCode, MigrateError


@unique
class Verdict(StrEnum):
    """Set by the check of the line."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """`detail` is one sentence without secrets; `fix` overrides the catalogue's where the control plane knew more."""

    name: str
    verdict: Verdict
    detail: str
    code: ErrorCode | None = None
    own_fix: str = ""

    @property
    def fix(self) -> str:
        """Result: what to do; empty where nothing is to be done."""
        if self.code is None:
            return ""
        return self.own_fix or CATALOGUE[self.code].fix

    def as_json(self) -> dict[str, str | None]:
        """Result: the line for scripts."""
        code = self.code.value if self.code else None
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "detail": self.detail,
            "code": code,
            "fix": self.fix or None,
        }


def ok(name: str, detail: str) -> Line:
    """Result: the line of what is right."""
    return Line(name, Verdict.OK, detail)


def warning(name: str, code: ErrorCode, detail: str) -> Line:
    """Result: the line of what works, and should be looked at."""
    return Line(name, Verdict.WARNING, detail, code)


def failed(name: str, code: ErrorCode, detail: str) -> Line:
    """Result: the line of what keeps jobs from working."""
    return Line(name, Verdict.FAILED, detail, code)


def failed_by(name: str, error: MigrateError) -> Line:
    """Result: the line of an error of the catalogue, with the fix that it carries."""
    return Line(name, Verdict.FAILED, error.detail, error.code, error.fix)


def skipped(name: str, because: str) -> Line:
    """Result: the line of what could not be looked at."""
    return Line(name, Verdict.SKIPPED, because)


def worst(lines: Iterable[Line]) -> Verdict:
    """Result: the verdict of all of them: failed before warning before ok; skipped lines count as ok."""
    verdicts = {line.verdict for line in lines}
    return next((each for each in (Verdict.FAILED, Verdict.WARNING) if each in verdicts), Verdict.OK)
