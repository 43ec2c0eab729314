"""The error catalogue is whole: every code has its words, and somebody raises it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.problem import problem_for

ROOT = Path(__file__).resolve().parents[2]
RAISED = {
    name
    for folder in ("functions", "agent/src", "migrate_contract")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != ROOT / "migrate_contract" / "errors.py"
    for name in re.findall(r"\bErrorCode\.([A-Z_]+)\b", path.read_text(encoding="utf-8"))
}


def test_every_code_has_an_entry_and_no_entry_is_without_a_code() -> None:
    assert set(CATALOGUE) == set(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_used_and_its_words_are_whole(code: ErrorCode) -> None:
    assert code.name in RAISED, f"nothing raises {code.value}"
    entry = CATALOGUE[code]
    assert entry.title[0].isupper()
    assert not entry.title.endswith(".")
    assert entry.fix.endswith(".")
    assert 400 <= entry.status < 600


def test_a_problem_says_what_which_and_what_to_do() -> None:
    problem = problem_for(ErrorCode.REGISTRATION_CODE_USED, "It is agent fileserver-01's.", "correlation-1")
    assert problem.model_dump(exclude_defaults=True) == {
        "type": "/help/registration-code-used",
        "title": "Registration code already used",
        "status": 409,
        "detail": "It is agent fileserver-01's.",
        "code": "registration-code-used",
        "fix": CATALOGUE[ErrorCode.REGISTRATION_CODE_USED].fix,
        "retryable": False,
        "correlation_id": "correlation-1",
    }
