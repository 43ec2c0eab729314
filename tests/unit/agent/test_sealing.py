"""What the control plane seals opens at the agent that it was sealed to, for its project, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.adapters.sealing import X25519Sealer
from migrate_agent.private_file import write_private
from migrate_agent.sealing import SEALING_KEY_FILE, SealingKeys, forget_sealing_keys
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.sealing_format import associated_data

TEXT = "Server=rock;Database=RockRMS;User Id=reader;Password=pässword;"
PLACE = {"organization": "acme", "agent": "agt_000000000001", "project": "prj_000000000001"}


def sealed_for(keys: SealingKeys) -> str:
    """As the dashboard does it."""
    return X25519Sealer().seal(keys.public, TEXT, associated_data(*PLACE.values()))


def test_the_text_opens_for_the_key_it_was_sealed_to(tmp_path: Path) -> None:
    sealed = sealed_for(SealingKeys.of(tmp_path))
    assert SealingKeys.of(tmp_path).open(sealed, **PLACE) == TEXT
    assert (tmp_path / SEALING_KEY_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("changed", ["organization", "agent", "project"])
def test_it_opens_in_no_other_place(tmp_path: Path, changed: str) -> None:
    keys = SealingKeys.of(tmp_path)
    with pytest.raises(Fatal) as refusal:
        keys.open(sealed_for(keys), **{**PLACE, changed: "other"})
    assert refusal.value.code is ErrorCode.SEALED_TEXT_UNREADABLE


def test_it_opens_for_no_other_agent_and_not_when_it_was_changed(tmp_path: Path) -> None:
    keys = SealingKeys.of(tmp_path / "one")
    sealed = sealed_for(keys)
    other = SealingKeys.of(tmp_path / "two")
    with pytest.raises(Fatal):
        other.open(sealed, **PLACE)
    last = "A" if sealed[-6] != "A" else "B"
    with pytest.raises(Fatal):
        keys.open(sealed[:-6] + last + sealed[-5:], **PLACE)
    with pytest.raises(Fatal):
        keys.open("AAAA", **PLACE)


def test_an_install_that_is_forgotten_has_another_key(tmp_path: Path) -> None:
    before = SealingKeys.of(tmp_path).public
    forget_sealing_keys(tmp_path)
    assert SealingKeys.of(tmp_path).public != before


def test_a_damaged_key_file_is_said_without_its_content(tmp_path: Path) -> None:
    write_private(tmp_path / SEALING_KEY_FILE, "c2VjcmV0LWhhbGYta2V5\n")
    with pytest.raises(Fatal) as refusal:
        SealingKeys.of(tmp_path)
    assert refusal.value.code is ErrorCode.CONFIG_INVALID
    assert "c2Vj" not in str(refusal.value)
