"""A worker process that ends at the worst moment: between being chosen for a file and getting it."""

from __future__ import annotations

import os
import signal

from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.entries import Entry, FileState
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.lane_process import LaneProcess, LaneSetup
from migrate_agent.transfer.parts import Parts
from migrate_agent.transfer.workforce import Hears, Workforce
from tests.harness.blob_endpoint import blob_endpoint
from tests.harness.conditions import eventually
from tests.harness.copy_engine import QUICK, make_tree
from tests.harness.endpoint_copy import endpoint_copy


class Unlucky(Workforce):
    """The first lane that is chosen is gone before it gets its file."""

    killed = False

    def _roomiest(self, size_bytes: int) -> LaneProcess | None:
        lane = super()._roomiest(size_bytes)
        if lane is not None and not self.killed:
            self.killed = True
            os.kill(lane.pid, signal.SIGKILL)
            eventually(lambda: lane not in self._lanes, seconds=20, what="the lane's end is noticed", every=0.01)
        return lane


def test_a_file_that_is_given_to_a_lane_that_has_just_died_is_not_lost(certificates, tmp_path):
    source = make_tree(tmp_path / "source", {"file": b"content"})
    with blob_endpoint(certificates) as endpoint:
        copy, stop, done = endpoint_copy(endpoint, source, tmp_path / "journal.db"), StopSignal(), []
        journal = copy.open_journal()
        engine = copy.engine(journal)
        parts: Parts = engine._parts
        setup = LaneSetup(copy.spec(), QUICK, copy.network or Network(), 1 << 20, 1 << 25, parts.crew.device)
        hears = Hears(
            verdict=lambda task, verdict: done.append((task.entry.path, verdict.bucket.value)),
            committed=lambda commits: done.extend(("committed", str(commit)) for commit in commits),
            retried=lambda count: None,
            fatal=lambda error: done.append(("fatal", str(error))),
            begun=lambda: None,
        )
        workforce = Unlucky(parts.crew, setup, parts._access, parts.bucket, stop, hears, lanes=1)
        workforce.set_workers(2)
        info = (source / "file").stat()
        workforce.put(FileTask(Entry(1, "file", 7, info.st_mtime_ns, FileState.PENDING), None, False))
        workforce.drain()
        workforce.close()
        journal.close()
        assert done == [("file", "transferred")]
        assert list(endpoint.store.blobs) == ["file"]
