"""What is sealed here opens at the agent it is for and nowhere else: our adapter against the agent's own keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.adapters.sealing import X25519Sealer
from functions.domain.ports import Sealer
from migrate_agent.sealing import SealingKeys
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.sealing_format import associated_data, read_sealed, write_key, write_sealed

PLACE = {"organization": "acme", "agent": "agt_000000000001", "project": "prj_000000000001"}
PLAIN = "Server=sql01;Database=Rock;User Id=reader;Password=pässwörd;"


@pytest.fixture
def keys(tmp_path: Path) -> SealingKeys:
    return SealingKeys.of(tmp_path)


@pytest.fixture
def sealer() -> Sealer:
    return X25519Sealer()


def sealed_for(sealer: Sealer, keys: SealingKeys) -> str:
    return sealer.seal(keys.public, PLAIN, associated_data(**PLACE))


def test_it_opens_at_its_agent(sealer: Sealer, keys: SealingKeys) -> None:
    assert keys.open(sealed_for(sealer, keys), **PLACE) == PLAIN


def test_the_same_text_is_sealed_differently_each_time(sealer: Sealer, keys: SealingKeys) -> None:
    assert sealed_for(sealer, keys) != sealed_for(sealer, keys)


@pytest.mark.parametrize("part", PLACE)
def test_it_opens_for_no_other_place(part: str, sealer: Sealer, keys: SealingKeys) -> None:
    sealed = sealed_for(sealer, keys)
    with pytest.raises(Fatal) as caught:
        keys.open(sealed, **{**PLACE, part: "other"})
    assert caught.value.code is ErrorCode.SEALED_TEXT_UNREADABLE
    assert PLAIN not in str(caught.value)


def test_it_opens_at_no_other_agent(sealer: Sealer, keys: SealingKeys, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Fatal):
        SealingKeys.of(other).open(sealed_for(sealer, keys), **PLACE)


@pytest.mark.parametrize("part", ["ephemeral", "nonce", "ciphertext"])
def test_a_changed_text_does_not_open(part: str, sealer: Sealer, keys: SealingKeys) -> None:
    sealed = read_sealed(sealed_for(sealer, keys))
    content = getattr(sealed, part)
    changed = sealed._replace(**{part: bytes([content[0] ^ 1]) + content[1:]})
    with pytest.raises(Fatal) as caught:
        keys.open(write_sealed(changed), **PLACE)
    assert caught.value.code is ErrorCode.SEALED_TEXT_UNREADABLE


@pytest.mark.parametrize("key", ["", "not base64!", write_key(b"short"), write_key(b"\0" * 32)])
def test_what_is_no_public_key_is_refused(key: str, sealer: Sealer) -> None:
    with pytest.raises(Fatal) as caught:
        sealer.seal(key, PLAIN, b"")
    assert caught.value.code is ErrorCode.SEALED_TEXT_UNREADABLE
