"""Connection strings by project: in a keyring or an owner-only file, and never shown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from migrate_agent.config import load_config
from migrate_agent.rockrms.connection_store import CONNECTIONS_FILE, ConnectionStore
from migrate_agent.runtime.enrolment import forget
from migrate_agent.sealing import SealingKeys
from migrate_contract.errors import ErrorCode, Fatal

PROJECT, OTHER = "prj_000000000001", "prj_000000000002"
SECRET = "a-password-of-some-length"
TEXT = f"Server=rock.example\\CHURCH,1444;Database=RockRMS;User Id=reader;Password={SECRET};"


class MemoryKeyring:
    """A keyring of this test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class BrokenKeyring(MemoryKeyring):
    """As on a machine without a session."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError("no session bus")


def test_without_a_keyring_it_is_in_an_owner_only_file(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path)
    held = store.keep(PROJECT, TEXT)
    assert (held.kept_in, held.shown.server, held.shown.instance, held.shown.port) == (
        "file",
        "rock.example",
        "CHURCH",
        1444,
    )
    assert (held.shown.database, held.shown.user) == ("RockRMS", "reader")
    assert store.connection_string(PROJECT) == TEXT
    assert store.connection(PROJECT).password == SECRET
    assert (tmp_path / CONNECTIONS_FILE).stat().st_mode & 0o077 == 0


def test_what_is_shown_holds_no_secret(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path)
    shown = store.keep(PROJECT, TEXT)
    assert SECRET not in shown.model_dump_json()
    assert SECRET not in repr(store.held())
    assert SECRET not in repr(store.connection(PROJECT))


def test_with_a_keyring_the_file_has_no_secret(tmp_path: Path) -> None:
    keyring = MemoryKeyring()
    store = ConnectionStore(tmp_path, lambda: keyring)
    assert store.keep(PROJECT, TEXT).kept_in == "keyring"
    assert SECRET not in (tmp_path / CONNECTIONS_FILE).read_text()
    assert store.connection_string(PROJECT) == TEXT
    assert store.forget(PROJECT)
    assert keyring.kept == {}


def test_a_keyring_that_cannot_be_used_gives_way_to_the_file(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path, BrokenKeyring)
    assert store.keep(PROJECT, TEXT).kept_in == "file"
    assert store.connection_string(PROJECT) == TEXT


def test_a_keyring_of_another_account_is_said(tmp_path: Path) -> None:
    keyring = MemoryKeyring()
    ConnectionStore(tmp_path, lambda: keyring).keep(PROJECT, TEXT)
    with pytest.raises(Fatal) as refusal:
        ConnectionStore(tmp_path, MemoryKeyring).connection_string(PROJECT)
    assert refusal.value.code is ErrorCode.SECRET_STORE_UNAVAILABLE
    assert "--keep-in file" in refusal.value.detail


def test_a_new_one_replaces_the_old_one_of_the_same_project_alone(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path)
    store.keep(OTHER, TEXT)
    store.keep(PROJECT, TEXT)
    store.keep(PROJECT, TEXT.replace("RockRMS", "Other"))
    assert [(held.project_id, held.shown.database) for held in store.held()] == [(PROJECT, "Other"), (OTHER, "RockRMS")]
    assert store.forget(PROJECT)
    assert not store.forget(PROJECT)
    assert [held.project_id for held in store.held()] == [OTHER]
    store.forget_all()
    assert store.held() == []


def test_what_is_not_there_or_damaged_is_said_with_a_fix(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path)
    with pytest.raises(Fatal) as missing:
        store.connection_string(PROJECT)
    assert missing.value.code is ErrorCode.NO_ROCKRMS_CONNECTION
    with pytest.raises(Fatal) as wrong:
        store.keep(PROJECT, f"Database=RockRMS;Password={SECRET}")
    assert wrong.value.code is ErrorCode.SQL_CONNECTION_STRING_INVALID
    assert SECRET not in str(wrong.value)
    (tmp_path / CONNECTIONS_FILE).write_text("{")
    with pytest.raises(Fatal) as damaged:
        store.held()
    assert damaged.value.code is ErrorCode.SECRET_STORE_UNAVAILABLE


def test_several_threads_keep_side_by_side(tmp_path: Path) -> None:
    store = ConnectionStore(tmp_path)
    projects = [f"prj_{number:012d}" for number in range(8)]
    threads = [threading.Thread(target=store.keep, args=(project, TEXT)) for project in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [held.project_id for held in store.held()] == projects


def test_an_agent_that_is_retired_leaves_no_secret_here(tmp_path: Path) -> None:
    config = load_config(home=tmp_path)
    keyring = MemoryKeyring()
    ConnectionStore(config.state_dir, lambda: keyring).keep(PROJECT, TEXT)
    ConnectionStore(config.state_dir).keep(OTHER, TEXT)
    before = SealingKeys.of(config.state_dir).public
    ConnectionStore(config.state_dir, lambda: keyring).forget_all()
    assert keyring.kept == {}
    ConnectionStore(config.state_dir).keep(OTHER, TEXT)
    forget(config)
    assert [path.name for path in config.state_dir.rglob("*") if path.is_file()] == []
    assert SealingKeys.of(config.state_dir).public != before
