"""The mirror: what of ours is at the destination and gone from the source is listed, and deleted where that is allowed.

Careful in this order: nothing is listed after a scan that missed a folder; only blobs with our mark are looked at; a
blob counts as surplus only if the scan has not met its file and the file system says that there is none; the list is
on the disk before the first deletion; the brake is asked before it; each deletion asks the file system again and holds
only for the ETag that was listed. Every surplus blob ends as a ledger row.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait

from migrate_agent.stop import StopSignal
from migrate_agent.store.beside import BesideFiles
from migrate_agent.store.entries import FileState, Surplus, Verdict
from migrate_agent.transfer.blob_answers import ConditionFailed
from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.names import blob_name, path_below
from migrate_agent.transfer.source import system_path
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode, Fatal, Retryable, SkipRecord
from migrate_contract.jobs import Bucket, JobSpec, WaitReason
from migrate_contract.sync import MirrorMode, MirrorOrder, MirrorTally

log = logging.getLogger(__name__)

_AT_ONCE = 8
_GONE = (errno.ENOENT, errno.ENOTDIR)

Persist = Callable[[Callable[[], None]], None]
"""Runs a write of the journal, and waits for room where the disk is full. Raises StopRequested."""


class Mirror:
    """One attempt's mirror; `run` may be called again after a crash, or after a preview, and goes on."""

    def __init__(
        self,
        spec: JobSpec,
        order: MirrorOrder,
        journal: BesideFiles,
        courier: Courier,
        *,
        list_pages: Callable[[], Iterable[BlobPage]],
        check_source: Callable[[], None],
        persist: Persist,
        stop: StopSignal,
    ) -> None:
        """`courier` brings the mirror's own grant; `check_source` raises Fatal if the whole source went away."""
        self._spec, self._order, self._journal, self._courier = spec, order, journal, courier
        self._list_pages, self._check_source, self._persist, self._stop = list_pages, check_source, persist, stop
        self._prefix = spec.blob.prefix

    def run(self) -> None:
        """Lists what is surplus and, if the order says so, deletes it. The scan is complete, the copy done.

        Raises Fatal(mirror-brake) with nothing deleted, StopRequested, and what the courier raises.
        """
        tally = self._journal.mirror_tally()
        if tally is None or not tally.complete or tally.mode is not self._order.mode:
            tally = self._listed()
        if not tally.complete:
            log.warning("the mirror does nothing: %s", tally.kept_because, extra={"job_id": self._spec.job_id})
            return
        if self._order.mode is MirrorMode.PREVIEW:
            self._keep_all(ErrorCode.MIRROR_PREVIEW, "its file is gone from the source")
        elif (over := over_the_brake(tally, self._order)) is not None:
            self._keep_all(ErrorCode.MIRROR_BRAKE, "its file is gone from the source; nothing was deleted")
            raise Fatal(ErrorCode.MIRROR_BRAKE, over)
        else:
            self._delete_all()

    # The list

    def _listed(self) -> MirrorTally:
        """Result: the tally of the whole list, or of none, with the reason."""
        mode = self._order.mode
        folder = self._journal.unreadable_folder()
        if folder is not None:
            because = f"{ErrorCode.MIRROR_SCAN_INCOMPLETE.value}: the folder {folder} could not be read"
            return self._kept(MirrorTally(mode=mode, kept_because=because))
        self._check_source()
        self._persist(self._journal.forget_surplus)
        ours = files = size = 0
        for page in self._list_pages():
            self._stop.raise_if_requested()
            marked = [blob for blob in page.blobs if blob.marker is not None]
            found = self._surplus_of(marked)
            if found:
                self._persist(lambda found=found: self._journal.add_surplus(found))  # type: ignore[misc]
            ours, files, size = ours + len(marked), files + len(found), size + sum(item[1] for item in found)
        tally = MirrorTally(mode=mode, complete=True, ours_files=ours, surplus_files=files, surplus_bytes=size)
        return self._kept(tally)

    def _kept(self, tally: MirrorTally) -> MirrorTally:
        self._persist(lambda: self._journal.keep_tally(tally))
        return tally

    def _surplus_of(self, marked: list[TargetBlob]) -> list[tuple[str, int, str]]:
        """Result: path, size and ETag of those whose file is gone."""
        by_path = {path: blob for blob in marked if (path := path_below(self._prefix, blob.name))}
        return [
            (path, by_path[path].size_bytes, by_path[path].etag)
            for path in self._journal.unknown(by_path)
            if self._not_gone(path) is None
        ]

    def _not_gone(self, path: str) -> str | None:
        """Result: why the file cannot be taken for gone; None where the file system says that there is none."""
        try:
            os.lstat(system_path(self._spec.folder.path, path))
        except ValueError:
            return None  # a name that no file can have
        except OSError as error:
            return None if error.errno in _GONE else f"the source cannot be asked: {error.strerror}"
        return "the source has it again"

    # What becomes of it

    def _keep_all(self, code: ErrorCode, detail: str) -> None:
        """Every blob of the list stays, with `code` in the ledger."""
        for page in self._journal.surplus_pages():
            self._stop.raise_if_requested()
            self._settle([(surplus, _stays(surplus, code, detail)) for surplus in page])

    def _delete_all(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mirror") as pool:
            for page in self._journal.surplus_pages():
                self._check_source()
                begun = [(surplus, pool.submit(self._delete, surplus)) for surplus in page]
                wait(future for _, future in begun)
                # What is deleted is in the ledger, also where another one of the page ends the attempt.
                self._settle([(surplus, future.result()) for surplus, future in begun if not future.exception()])
                for _, future in begun:
                    future.result()

    def _delete(self, surplus: Surplus) -> Verdict:
        self._stop.raise_if_requested()
        reason = self._not_gone(surplus.path)
        if reason is not None:
            return _stays(surplus, ErrorCode.MIRROR_KEPT, reason)
        name = blob_name(self._prefix, surplus.path)
        try:
            was_there = self._courier.send(
                lambda grant: self._courier.client.delete_blob(grant, name, surplus.etag),
                Tries(),
                waiting=WaitReason.COMMIT,
            )
        except ConditionFailed:
            # Said of a blob that is gone, too: an answer to the deletion may have been lost.
            found = self._courier.send(
                lambda grant: self._courier.client.head(grant, name), Tries(limited=False), waiting=WaitReason.COMMIT
            )
            if found is not None:
                return _stays(surplus, ErrorCode.MIRROR_KEPT, "it was written again after it was listed")
            was_there = False
        except Fatal:
            raise
        except (Retryable, SkipRecord) as error:
            return _stays(surplus, ErrorCode.MIRROR_KEPT, error.detail)
        detail = None if was_there else "it was gone already"
        return Verdict(FileState.FINAL, Bucket.DELETED, surplus.size_bytes, detail=detail)

    def _settle(self, settled: list[tuple[Surplus, Verdict]]) -> None:
        if not settled:
            return
        before = self._journal.mirror_tally()
        assert before is not None
        deleted = [verdict.size_bytes for _, verdict in settled if verdict.bucket is Bucket.DELETED]
        tally = before.model_copy(
            update={
                "deleted_files": before.deleted_files + len(deleted),
                "deleted_bytes": before.deleted_bytes + sum(deleted),
            }
        )
        self._persist(lambda: self._journal.settle_surplus(settled, tally))


def over_the_brake(tally: MirrorTally, order: MirrorOrder) -> str | None:
    """Result: a sentence with the numbers where the list is longer than the brake allows; None where it is not."""
    percent = 100 * tally.surplus_files / tally.ours_files if tally.ours_files else 0.0
    if tally.surplus_files <= order.max_delete_files and percent <= order.max_delete_percent:
        return None
    return (
        f"{tally.surplus_files:,} of {tally.ours_files:,} blobs ({percent:.1f} %) are gone from the source; "
        f"at most {order.max_delete_files:,} and {order.max_delete_percent:g} % may be deleted in one attempt"
    )


def _stays(surplus: Surplus, code: ErrorCode, detail: str) -> Verdict:
    return Verdict(FileState.FINAL, Bucket.SURPLUS, surplus.size_bytes, code=code, detail=detail)
