"""Codes, keys, rings of keys, ids, columns and continuation tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import rows
from functions.domain.ids import (
    CommandName,
    check_id,
    command_id,
    is_id,
    new_check,
    new_job_id,
    parse_check_id,
    parse_command_id,
    project_of,
)
from functions.domain.key_ring import KeyRing
from functions.domain.keys import (
    Continuations,
    agent_key,
    derive,
    keyed_hash,
    normal_code,
    parse_agent_key,
    same,
    secret_hash,
    shown_code,
)
from functions.domain.ports import Row
from migrate_contract.agents import CODE_ALPHABET
from migrate_contract.commands import CommandKind
from migrate_contract.errors import ErrorCode
from tests.memory.chance import CountingTokens
from tests.memory.world import refused

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["ABCDEFGH", "abcd-efgh", " ab cd ef gh ", "A-B-C-D-E-F-G-H", "abcd\u2013efgh", "abcd\tefgh"]
)
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert normal_code(typed) == "ABCDEFGH"


@pytest.mark.parametrize(
    "typed", ["", "ABCDEFG", "ABCDEFGHJ", "ABCDEFG0", "ABCDEFG1", "ABCDEFGI", "ABCDEFGÖ", "../../..", "ı" * 8]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert normal_code(typed) is None


@given(st.text(alphabet=CODE_ALPHABET, min_size=8, max_size=8))
def test_a_code_as_shown_is_read_back(code: str) -> None:
    assert normal_code(shown_code(code).lower()) == code


def test_purposes_have_keys_of_their_own() -> None:
    assert derive(b"s" * 32, "a") != derive(b"s" * 32, "b")
    assert derive(b"s" * 32, "a") != derive(b"t" * 32, "a")
    assert len(derive(b"s" * 32, "a")) == 32
    assert keyed_hash(b"1", "x") != keyed_hash(b"2", "x")
    assert same("ä", "ä")
    assert not same("a", "b")


def test_keys_follow_rfc_5869() -> None:
    """Test case of our own over the RFC's construction, computed with the cryptography package."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    assert derive(b"s" * 32, "p") == HKDF(SHA256(), 32, salt=None, info=b"p").derive(b"s" * 32)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "a.b",
        "acme.agt_000000000001",
        "acme.agt_000000000001.short",
        "ac|me.agt_000000000001." + "s" * 43,
        "acme.agt_00000000000|." + "s" * 43,
        "acme.agt_000000000001." + "s" * 400,
        "acme.agt_000000000001.a.b" + "s" * 43,
        "\x00",
    ],
)
def test_what_cannot_be_an_agent_key_is_none(header: str) -> None:
    assert parse_agent_key(header) is None


def test_an_agent_key_is_read_back() -> None:
    text = agent_key("acme", "agt_000000000001", "s" * 43)
    assert parse_agent_key(f" {text} ") == ("acme", "agt_000000000001", "s" * 43)


def test_a_ring_takes_the_current_key_and_replaced_ones_in_their_overlap() -> None:
    ring = KeyRing.first(secret_hash("one"), NOW)
    until = NOW + timedelta(hours=24)
    ring = ring.turned(secret_hash("two"), NOW, until)
    row = Row("p", "r", {k: v for k, v in ring.columns().items() if v is not None}, "e")
    ring = KeyRing.of(row)
    assert ring.judge("two", NOW) is True
    assert ring.judge("one", until - timedelta(seconds=1)) is False
    refused(ErrorCode.AGENT_KEY_EXPIRED, lambda: ring.judge("one", until))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: ring.judge("three", NOW))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: KeyRing.nobody().judge("one", NOW))


def test_a_key_is_due_by_age() -> None:
    ring = KeyRing.first("h", NOW)
    assert not ring.is_due(NOW + timedelta(days=29), 30 * 86_400)
    assert ring.is_due(NOW + timedelta(days=30), 30 * 86_400)


def test_continuations_are_ours_and_of_one_list() -> None:
    tokens = Continuations(b"k" * 32)
    sealed = tokens.seal('["a","b"]', "jobs|acme")
    assert sealed is not None
    assert tokens.open(sealed, "jobs|acme") == '["a","b"]'
    assert tokens.open(None, "x") is None
    assert tokens.seal(None, "x") is None
    refused(ErrorCode.REQUEST_INVALID, lambda: tokens.open(sealed, "jobs|rival"))
    refused(ErrorCode.REQUEST_INVALID, lambda: Continuations(b"l" * 32).open(sealed, "jobs|acme"))
    refused(ErrorCode.REQUEST_INVALID, lambda: tokens.open(sealed[:-2] + "AA", "jobs|acme"))


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_continuation(text: str) -> None:
    refused(ErrorCode.REQUEST_INVALID, lambda: Continuations(b"k" * 32).open(text, "s"))


def test_a_jobs_id_names_its_project() -> None:
    job_id = new_job_id("prj_abcdefghijkl", CountingTokens())
    assert is_id("job", job_id)
    assert project_of(job_id) == "prj_abcdefghijkl"


JOB_KINDS = [kind for kind in CommandKind if kind.value.endswith("_job")]


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_a_commands_id_says_what_it_is(kind: CommandKind) -> None:
    name = CommandName(kind, "job_000000000001000000000002", 12, 345)
    assert parse_command_id(command_id(name)) == name
    assert parse_check_id(command_id(name)) is None
    assert len(command_id(name)) <= 84


@pytest.mark.parametrize("kind", sorted({*CommandKind} - {*JOB_KINDS}))
def test_a_checks_id_says_what_it_is(kind: CommandKind) -> None:
    name = new_check(kind, "prj_000000000001", CountingTokens())
    assert parse_check_id(check_id(name)) == name
    assert parse_command_id(check_id(name)) is None
    assert len(check_id(name)) <= 84


@pytest.mark.parametrize("text", ["", "cmd_", "cmd_start-x-1-1", "cmd_other-000000000001000000000002-1-1", "x\n"])
def test_other_text_is_no_command(text: str) -> None:
    assert parse_command_id(text) is None


@given(st.text(max_size=40_000) | st.integers(1, 4).map(lambda n: "\U0001f600" * 14_999 * n))
def test_a_long_text_fits_its_columns_and_comes_back(content: str) -> None:
    columns = rows.long_text("report", content)
    assert all(
        len(part.encode("utf-16-le", "surrogatepass")) <= 64_000 for part in columns.values() if isinstance(part, str)
    )
    assert rows.joined_text(Row("p", "r", columns, "e"), "report") == content


def test_a_merge_of_a_shorter_text_leaves_nothing_of_the_longer_one() -> None:
    longer, shorter = rows.long_text("x", "a" * 40_000), rows.long_text("x", "b")
    assert rows.joined_text(Row("p", "r", {**longer, **shorter}, "e"), "x") == "b"
