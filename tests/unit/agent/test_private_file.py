from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from migrate_agent.identity import Credentials, KeyRing, install_id, load_credentials, save_credentials
from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_contract.errors import ErrorCode, Fatal

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's; Windows has access lists")


@posix
def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    old = os.umask(0)
    try:
        write_private(path, "text")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path], "no partial file is left"


@posix
def test_a_secret_that_is_open_to_others_is_closed_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret"
    path.write_text("text")
    path.chmod(0o644)
    assert read_private(path) == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "open to other accounts" in caplog.text


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("text")
    os.chown(path, 12345, 12345)
    with pytest.raises(Fatal) as caught:
        read_private(path)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "12345" in caught.value.detail


@posix
def test_a_new_folder_is_closed(tmp_path: Path) -> None:
    assert stat.S_IMODE(private_folder(tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_private(tmp_path / "none") is None


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fatal) as caught:
        write_private(tmp_path / "no" / "such" / "folder", "text")
    assert "no/such/folder" in caught.value.detail


def test_the_install_id_is_made_once(tmp_path: Path) -> None:
    first = install_id(tmp_path)
    assert install_id(tmp_path) == first
    assert len(first) >= 32


def test_a_damaged_key_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "agent.key").write_text("{half")
    with pytest.raises(Fatal) as caught:
        load_credentials(tmp_path)
    assert "register again" in caught.value.detail


def test_a_new_key_is_on_the_disk_before_it_is_used(tmp_path: Path) -> None:
    class Watching(KeyRing):
        pass

    save_credentials(tmp_path, Credentials(agent_key="the-first-key"))
    ring = Watching(Credentials(agent_key="the-first-key"), tmp_path / "gone" / "away")
    (tmp_path / "gone").write_text("a file where a folder should be")
    with pytest.raises(Fatal):
        ring.replace("the-second-key")
    assert ring.key == "the-first-key", "what is not on the disk is not used"


def test_a_refused_key_falls_back_once(tmp_path: Path) -> None:
    ring = KeyRing(Credentials(agent_key="the-first-key"), tmp_path)
    ring.replace("the-second-key")
    assert ring.fall_back("the-second-key")
    assert ring.key == "the-first-key"
    assert ring.fall_back("the-second-key"), "another thread's refusal finds the change already made"
    assert not ring.fall_back("the-first-key")


def test_keys_are_in_no_representation() -> None:
    assert "the-first-key" not in repr(Credentials(agent_key="the-first-key", previous_key="the-first-key"))
