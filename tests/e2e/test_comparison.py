"""The demonstration's own comparison finds each kind of difference and names it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azurite import Azurite
from local.certificates import Certificates
from local.comparison import DifferenceKind, compare, list_folder
from tests.fixtures_stack import DATA_ACCOUNT

LARGE = 5 * 1024 * 1024 + 1


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with small, empty, large and oddly named files, and entries that are no files."""
    root = tmp_path / "source"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty folder").mkdir()
    (root / "one.txt").write_bytes(b"one")
    (root / "empty").write_bytes(b"")
    (root / "deep" / "er" / "näme with #? %.bin").write_bytes(b"two")
    (root / "large").write_bytes(os.urandom(LARGE))
    (root / "link").symlink_to("one.txt")
    (root / "folder link").symlink_to("deep")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture
def container(azurite: Azurite, certificates: Certificates, source: Path) -> Iterator[ContainerClient]:
    """A container that holds the source's regular files."""
    account = azurite.account(DATA_ACCOUNT)
    with BlobServiceClient.from_connection_string(
        account.connection_string, connection_verify=str(certificates.ca_file)
    ) as service:
        client = service.create_container(f"compare-{uuid.uuid4().hex}")
        for name in list_folder(source).file_bytes:
            client.upload_blob(name, (source / name).read_bytes())
        yield client


def test_an_equal_copy_is_equal_and_its_entries_are_counted(source: Path, container: ContainerClient):
    seen: list[tuple[int, int]] = []
    result = compare(source, container, on_progress=lambda done, total: seen.append((done, total)))
    assert result.is_equal
    assert (result.equal_files, result.equal_bytes) == (4, 6 + LARGE)
    assert result.entries == 7
    assert seen[-1] == (4, 4)


def test_every_kind_of_difference_is_named(source: Path, container: ContainerClient):
    container.delete_blob("empty")
    container.upload_blob("extra/blob", b"x")
    container.upload_blob("one.txt", b"onE", overwrite=True)
    content = bytearray((source / "large").read_bytes())
    content[LARGE // 2] ^= 1
    container.upload_blob("large", bytes(content), overwrite=True)
    container.upload_blob("deep/er/näme with #? %.bin", b"two!", overwrite=True)
    result = compare(source, container)
    assert {(each.name, each.kind) for each in result.differences} == {
        ("empty", DifferenceKind.MISSING),
        ("extra/blob", DifferenceKind.ADDED),
        ("one.txt", DifferenceKind.CONTENT),
        ("large", DifferenceKind.CONTENT),
        ("deep/er/näme with #? %.bin", DifferenceKind.SIZE),
    }
    assert result.equal_files == 0


def test_a_name_that_is_no_text_is_missing_unless_it_is_left_out(source: Path, container: ContainerClient):
    (source / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    result = compare(source, container)
    assert [(each.name, each.kind) for each in result.differences] == [("bad\\xff", DifferenceKind.MISSING)]
    assert compare(source, container, left_out={"bad\\xff"}).is_equal


def test_what_is_left_out_must_not_be_there(source: Path, container: ContainerClient):
    result = compare(source, container, left_out={"one.txt", "link"})
    assert [(each.name, each.kind) for each in result.differences] == [("one.txt", DifferenceKind.ADDED)]
    container.delete_blob("one.txt")
    result = compare(source, container, left_out={"one.txt", "link"})
    assert result.is_equal
    assert (result.left_out_files, result.equal_files) == (1, 3)
