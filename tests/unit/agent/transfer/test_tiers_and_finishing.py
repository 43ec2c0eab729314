"""Which tier is set when, and which source files count as safe to delete."""

from __future__ import annotations

import os
from typing import Any

import pytest

from migrate_agent.store.entries import Entry, FileState, Stored, Verdict
from migrate_agent.transfer.courier import Tries
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.finishing import Finisher
from migrate_agent.transfer.lane_wire import pack_task, pack_verdict, unpack_task, unpack_verdict
from migrate_agent.transfer.planner import Compare, Settled, Unchanged
from migrate_agent.transfer.tier import tier_after, tier_at_commit, tier_named
from migrate_contract.errors import ErrorCode, Fatal, Retryable, SkipRecord
from migrate_contract.jobs import (
    AccessTier,
    BlobDestination,
    Bucket,
    Grant,
    JobSpec,
    JobType,
    LocalSource,
    TransferSettings,
    Verification,
)

GRANT = Grant(container_url="https://h/c", sas_token="s", seconds_left=9, renew_in_seconds=5)


def test_archive_comes_after_the_verification_and_nothing_leaves_it() -> None:
    assert tier_at_commit(AccessTier.ARCHIVE) is None
    assert tier_at_commit(AccessTier.COLD) is AccessTier.COLD
    assert tier_at_commit(None) is None
    for wanted in AccessTier:
        assert tier_after(wanted, wanted) is None
        assert tier_after(wanted, AccessTier.ARCHIVE) is None
        assert tier_after(wanted, None) is wanted
    assert tier_after(None, AccessTier.HOT) is None
    assert tier_after(AccessTier.COOL, AccessTier.HOT) is AccessTier.COOL
    assert (tier_named("Archive"), tier_named("P30"), tier_named(None)) == (AccessTier.ARCHIVE, None, None)


class Service:
    """Writes down the tiers that are set; `fault` is raised instead."""

    def __init__(self) -> None:
        self.set: list[tuple[str, str]] = []
        self.fault: Exception | None = None

    client = property(lambda self: self)

    def send(self, call: Any, tries: object, *, waiting: object) -> Any:
        return call(GRANT)

    def set_tier(self, grant: Grant, name: str, tier: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.set.append((name, tier))


def finisher(root: Any, service: Service, kind: JobType = JobType.ARCHIVE, tier: AccessTier | None = None) -> Finisher:
    spec = JobSpec(
        job_id="job_abcdefghijkl000000000001",
        attempt=1,
        name="n",
        type=kind,
        source=LocalSource(path=str(root)),
        destination=BlobDestination(container="files", prefix="to"),
        transfer=TransferSettings(access_tier=tier),
    )
    return Finisher(spec, service)  # type: ignore[arg-type]


@pytest.fixture
def copied(tmp_path: Any) -> tuple[Any, Entry, Verdict]:
    """A file, its entry and the verdict of its verified copy."""
    (tmp_path / "a").write_bytes(b"12345")
    found = (tmp_path / "a").stat()
    entry = Entry(1, "a", 5, found.st_mtime_ns, FileState.COMMITTED)
    verdict = Verdict(
        FileState.FINAL,
        Bucket.TRANSFERRED,
        5,
        found.st_mtime_ns,
        verification=Verification.STORED,
        stored=Stored("e", "m"),
    )
    return tmp_path, entry, verdict


def test_a_verified_copy_is_archived_and_its_unchanged_source_is_safe_to_delete(copied: Any) -> None:
    root, entry, verdict = copied
    service = Service()
    done = finisher(root, service, tier=AccessTier.ARCHIVE).finish(entry, verdict, Tries())
    assert service.set == [("to/a", "Archive")]
    assert (done.access_tier, done.safe_to_delete) == (AccessTier.ARCHIVE, True)


@pytest.mark.parametrize("change", ["touched", "longer", "gone", "folder"])
def test_a_source_that_changed_after_its_copy_is_not_safe(copied: Any, change: str) -> None:
    root, entry, verdict = copied
    path = root / "a"
    match change:
        case "touched":
            os.utime(path, ns=(1, 1))
        case "longer":
            path.write_bytes(b"123456")
            os.utime(path, ns=(1, verdict.mtime_ns))
        case _:
            path.unlink()
            if change == "folder":
                path.mkdir()
    done = finisher(root, Service(), tier=AccessTier.COOL).finish(entry, verdict, Tries())
    assert not done.safe_to_delete


@pytest.mark.parametrize(
    "changes",
    [
        {"verification": Verification.BLOCK},
        {"verification": None},
        {"bucket": Bucket.FAILED},
        {"bucket": Bucket.EXCLUDED},
        {"state": FileState.RETRY},
    ],
)
def test_what_is_not_verified_is_never_safe(copied: Any, changes: dict[str, Any]) -> None:
    root, entry, verdict = copied
    done = finisher(root, Service(), tier=AccessTier.COOL).finish(entry, verdict._replace(**changes), Tries())
    assert not done.safe_to_delete


def test_an_ordinary_job_needs_no_last_step(copied: Any) -> None:
    root, entry, verdict = copied
    ordinary = finisher(root, Service(), JobType.MIGRATE_FILES)
    assert not ordinary.active
    assert ordinary.finish(entry, verdict, Tries()) is verdict
    tiered = finisher(root, Service(), JobType.MIGRATE_FILES, AccessTier.COOL).finish(entry, verdict, Tries())
    assert (tiered.access_tier, tiered.safe_to_delete) == (AccessTier.COOL, False)


def test_a_refused_tier_fails_the_file_and_a_busy_service_lets_it_be_tried_again(copied: Any) -> None:
    root, entry, verdict = copied
    service = Service()
    archive = finisher(root, service, tier=AccessTier.ARCHIVE)
    service.fault = SkipRecord(ErrorCode.TARGET_REFUSED, "no tiers here")
    ((_, failed),) = archive.finish_all([(entry, verdict)], last_pass=True)
    assert (failed.bucket, failed.code, failed.state) == (Bucket.FAILED, ErrorCode.TIER_NOT_SET, FileState.FINAL)
    assert "no tiers here" in (failed.detail or "")
    service.fault = Retryable(ErrorCode.TARGET_BUSY, "busy")
    ((_, again),) = archive.finish_all([(entry, verdict)], last_pass=False)
    assert again.state is FileState.RETRY
    service.fault = Fatal(ErrorCode.TARGET_ACCESS_DENIED, "no")
    with pytest.raises(Fatal):
        list(archive.finish_all([(entry, verdict)], last_pass=False))


def test_lanes_hear_of_tiers_and_tell_of_them(copied: Any) -> None:
    _, entry, verdict = copied
    bare = entry._replace(stored=None, note=None)
    for decision in (
        Unchanged("m", "Hot"),
        Compare("m", Settled(Bucket.EXCLUDED, ErrorCode.TARGET_KEPT, "d"), "Cool"),
    ):
        task = FileTask(bare, decision, last_pass=True)
        assert unpack_task(pack_task(task)) == task
    told = verdict._replace(access_tier=AccessTier.COLD, safe_to_delete=True)
    assert unpack_verdict(pack_verdict(7, told)) == (7, told)
