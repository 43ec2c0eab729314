"""Every known cause of trouble has a code, something that detects it, and a fix that says what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_contract.errors import CATALOGUE
from migrate_contract.known_causes import KNOWN_CAUSES, KnownCause

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("known", KNOWN_CAUSES, ids=lambda known: f"{known.code.value}: {known.cause}")
def test_a_known_cause_is_detected_named_and_mended(known: KnownCause) -> None:
    detector = ROOT / known.detector
    assert f"ErrorCode.{known.code.name}" in detector.read_text(encoding="utf-8")
    assert known.fix == CATALOGUE[known.code].fix
    assert [words for words in known.says if words not in known.fix] == []


def test_no_cause_is_listed_twice() -> None:
    assert len({(known.symptom, known.cause) for known in KNOWN_CAUSES}) == len(KNOWN_CAUSES)
