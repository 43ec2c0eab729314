"""The mirror's caution, on a disk of its own and a container in memory."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.blob_answers import ConditionFailed
from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.mirror import Mirror, over_the_brake
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import BlobDestination, Bucket, Grant, JobSpec, JobType, LocalSource
from migrate_contract.sync import MirrorMode, MirrorOrder, MirrorTally

GRANT = Grant(container_url="https://h/c", sas_token="s", seconds_left=9, renew_in_seconds=5)
DELETE = MirrorOrder(mode=MirrorMode.DELETE, max_delete_files=100, max_delete_percent=100)


def blob(name: str, *, marker: str | None = "job_x.1", etag: str = "0x1") -> TargetBlob:
    return TargetBlob(name, 10, etag, None, 1, 1, marker)


class Store:
    """A container: what it holds by name, and what was deleted. `on_delete` may interfere."""

    def __init__(self, *blobs: TargetBlob) -> None:
        self.blobs = {one.name: one for one in blobs}
        self.deleted: list[str] = []
        self.on_delete: Any = lambda name: None

    client = property(lambda self: self)

    def send(self, call: Any, tries: object, *, waiting: object) -> Any:
        return call(GRANT)

    def delete_blob(self, grant: Grant, name: str, etag: str) -> bool:
        self.on_delete(name)
        if name not in self.blobs:
            return False
        if self.blobs[name].etag != etag:
            raise ConditionFailed(ErrorCode.TARGET_CHANGED, name)
        self.deleted.append(name)
        del self.blobs[name]
        return True

    def head(self, grant: Grant, name: str) -> TargetBlob | None:
        return self.blobs.get(name)

    def pages(self) -> list[BlobPage]:
        listed = sorted(self.blobs.values(), key=lambda one: one.name)
        return [BlobPage(listed[start : start + 2], "m") for start in range(0, len(listed), 2)]


class Site:
    """A source folder, its journal and a mirror over both."""

    def __init__(self, tmp_path: Any, store: Store) -> None:
        self.root = tmp_path / "source"
        self.root.mkdir()
        self.journal = JobJournal(tmp_path / "a.db")
        self.store, self.stop = store, StopSignal()
        self.there = True

    def met(self, *paths: str, bucket: Bucket = Bucket.UNCHANGED) -> None:
        self.journal.add_found([Found(path, 10, 1, verdict=Verdict(FileState.FINAL, bucket, 10)) for path in paths])

    def mirror(self, order: MirrorOrder = DELETE) -> Mirror:
        spec = JobSpec(
            job_id="job_abcdefghijkl000000000001",
            attempt=2,
            name="n",
            type=JobType.SYNC,
            source=LocalSource(path=str(self.root)),
            destination=BlobDestination(container="files", prefix="to"),
            mirror=order,
        )

        def check() -> None:
            if not self.there:
                raise Fatal(ErrorCode.SOURCE_NOT_FOUND, "it went away")

        return Mirror(
            spec,
            order,
            self.journal.beside,
            self.store,  # type: ignore[arg-type]
            list_pages=self.store.pages,
            check_source=check,
            persist=lambda write: write(),
            stop=self.stop,
        )

    def rows(self) -> dict[str, tuple[str, str | None]]:
        rows = self.journal.ledger_rows(1, 100, [Bucket.SURPLUS, Bucket.DELETED])
        return {row.path: (row.bucket.value, row.code) for row in rows}


def test_only_our_own_blobs_below_the_prefix_whose_file_is_gone_are_deleted(tmp_path) -> None:
    store = Store(
        blob("to/gone"),
        blob("to/met"),
        blob("to/filtered"),
        blob("to/stranger", marker=None),
        blob("too/far"),
        blob("to/unmet but there"),
        blob("to/a/folder now"),
    )
    site = Site(tmp_path, store)
    with closing(site.journal):
        site.met("met")
        site.met("filtered", bucket=Bucket.EXCLUDED)
        (site.root / "unmet but there").write_bytes(b"")
        (site.root / "a" / "folder now").mkdir(parents=True)
        site.mirror().run()
        assert store.deleted == ["to/gone"]
        assert site.rows() == {"gone": ("deleted", None)}
        tally = site.journal.beside.mirror_tally()
        assert tally is not None
        assert (tally.ours_files, tally.surplus_files, tally.deleted_files, tally.deleted_bytes) == (6, 1, 1, 10)


def test_after_a_scan_that_missed_a_folder_nothing_is_listed_or_deleted(tmp_path) -> None:
    store = Store(blob("to/gone"))
    site = Site(tmp_path, store)
    with closing(site.journal):
        site.met("HR/", bucket=Bucket.FAILED)
        site.mirror().run()
        assert (store.deleted, site.rows()) == ([], {})
        tally = site.journal.beside.mirror_tally()
        assert tally is not None
        assert not tally.complete
        assert tally.kept_because == "mirror-scan-incomplete: the folder HR/ could not be read"


def test_a_source_that_went_away_ends_it_before_anything_is_deleted(tmp_path) -> None:
    store = Store(blob("to/gone"))
    site = Site(tmp_path, store)
    with closing(site.journal):
        site.there = False
        with pytest.raises(Fatal) as caught:
            site.mirror().run()
        assert caught.value.code is ErrorCode.SOURCE_NOT_FOUND
        assert store.deleted == []


def test_a_file_that_comes_back_and_a_blob_that_changes_before_their_turn_stay(tmp_path) -> None:
    store = Store(blob("to/back"), blob("to/changed"))
    site = Site(tmp_path, store)
    with closing(site.journal):
        listed = store.pages

        def pages() -> list[BlobPage]:
            found = listed()
            store.blobs["to/changed"] = blob("to/changed", etag="0x2")
            return found

        store.pages = pages  # type: ignore[method-assign]
        mirror = site.mirror()
        settled = mirror._listed()
        assert settled.surplus_files == 2
        (site.root / "back").write_bytes(b"")
        mirror.run()
        assert store.deleted == []
        assert site.rows() == {"back": ("surplus", "mirror-kept"), "changed": ("surplus", "mirror-kept")}


def test_an_interrupted_mirror_goes_on_and_what_was_deleted_unseen_still_gets_its_row(tmp_path) -> None:
    store = Store(*(blob(f"to/{n}") for n in range(30)))
    site = Site(tmp_path, store)
    with closing(site.journal):
        reached: list[str] = []

        def stop_at_the_tenth(name: str) -> None:
            reached.append(name)
            if len(reached) == 10:
                site.stop.request(StopKind.STOP)

        store.on_delete = stop_at_the_tenth
        with pytest.raises(StopRequested):
            site.mirror().run()
        assert 0 < len(store.deleted) < 30
        assert set(site.rows()) == {name.removeprefix("to/") for name in store.deleted}
        # A crash between the service's answer and our write:
        store.blobs.pop(next(iter(store.blobs)))
        site.stop = StopSignal()
        store.on_delete = lambda name: None
        site.mirror().run()
        assert site.rows() == {str(n): ("deleted", None) for n in range(30)}
        assert store.blobs == {}
        tally = site.journal.beside.mirror_tally()
        assert tally is not None
        assert (tally.surplus_files, tally.deleted_files) == (30, 30)


def test_an_interrupted_list_is_begun_anew(tmp_path) -> None:
    store = Store(blob("to/a"), blob("to/b"))
    site = Site(tmp_path, store)
    with closing(site.journal):
        site.journal.beside.add_surplus([("left from before", 1, "0x9")])
        site.mirror(DELETE.model_copy(update={"mode": MirrorMode.PREVIEW})).run()
        assert site.rows() == {"a": ("surplus", "mirror-preview"), "b": ("surplus", "mirror-preview")}
        site.mirror(DELETE.model_copy(update={"mode": MirrorMode.PREVIEW})).run()
        assert len(site.rows()) == 2
        assert store.deleted == []


@pytest.mark.parametrize(
    ("surplus", "ours", "files", "percent", "stops"),
    [
        (0, 0, 1, 1, False),
        (1, 10, 1, 10, False),
        (1, 10, 1, 9.9, True),
        (2, 1000, 1, 50, True),
        (10, 10, 10, 100, False),
    ],
)
def test_the_brake(surplus: int, ours: int, files: int, percent: float, stops: bool) -> None:
    tally = MirrorTally(mode=MirrorMode.DELETE, complete=True, ours_files=ours, surplus_files=surplus)
    order = MirrorOrder(mode=MirrorMode.DELETE, max_delete_files=files, max_delete_percent=percent)
    assert (over_the_brake(tally, order) is not None) is stops
