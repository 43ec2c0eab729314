"""`python -m tests.torture.soak --minutes 60`: one agent, job after job at full speed; its figures must not grow.

Each minute the resident memory and the open files of the agent's whole process tree are printed, at their highest. The
first tenth of the time is for warming up; then the last third must not be above the first third by more than 10 % and
16 MiB, or by more than 8 files. The endpoint throws contents away; every job's files are counted and compared in size.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from local.certificates import certificates_in
from migrate_contract.jobs import JobPhase
from tests.harness.blob_endpoint import BlobEndpoint
from tests.harness.conditions import eventually
from tests.harness.granting_plane import GrantingPlane, registered_agent
from tests.harness.process_tree import session_of
from tests.torture.trees import MIB, torture_tree

_SPARE_BYTES, _SPARE_SHARE, _SPARE_FILES = 16 * MIB, 1.10, 8
_JOB_SECONDS = 900.0


@dataclass
class Minute:
    """The highest of one minute."""

    rss_bytes: int = 0
    open_files: int = 0
    processes: int = 0
    main_bytes: int = 0
    """Resident memory of the agent's own process, which alone outlives a job."""

    def take(self, leader: int) -> None:
        """Looks at the process tree of `leader`."""
        tree = session_of(leader)
        self.rss_bytes = max(self.rss_bytes, sum(process.rss_bytes for process in tree))
        self.open_files = max(self.open_files, sum(process.open_files() for process in tree))
        self.processes = max(self.processes, len(tree))
        self.main_bytes = max(self.main_bytes, *(process.rss_bytes for process in tree if process.pid == leader), 0)


def growth(minutes: list[Minute]) -> list[str]:
    """Result: a sentence for each figure that has grown. Pure."""
    steady = minutes[-(-len(minutes) // 10) :]
    third = len(steady) // 3
    if not third:
        return ["too short to say anything: three minutes and more are needed"]
    early, late = steady[:third], steady[-third:]
    found = []
    for name, spare, share in (
        ("rss_bytes", _SPARE_BYTES, _SPARE_SHARE),
        ("open_files", _SPARE_FILES, 1.0),
        ("processes", 0, 1.0),
        ("main_bytes", _SPARE_BYTES, _SPARE_SHARE),
    ):
        first, last = (max(getattr(minute, name) for minute in part) for part in (early, late))
        if last > first * share + spare:
            found.append(f"{name} grew from {first} to {last}")
    return found


class Soak:
    """The agent, its control plane and the endpoint, for as long as it is used as a context."""

    def __init__(self, directory: Path, *, small: int, large: int, large_mib: int) -> None:
        self._endpoint = BlobEndpoint(certificates_in(directory / "tls"), keep_contents=False)
        self._endpoint.record.keep = False
        self._plane = GrantingPlane(self._endpoint)
        self._plane.interval = 1.0
        self._source = torture_tree(
            directory / "source", random.Random(1), small=small, large=large, large_mib=large_mib
        )
        self._files = small + large
        self._home = directory / "home"
        self.jobs = self.copied_bytes = 0

    def __enter__(self) -> Soak:
        self._plane.start()
        self._agent = registered_agent(self._home, self._plane, self._endpoint)
        self._agent.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._agent.stop()
        self._agent.close()
        self._plane.stop()
        self._endpoint.down()

    def run(self, seconds: float, minute_seconds: float = 60.0) -> list[Minute]:
        """Result: the figures of each minute; prints them. AssertionError for a job that does not end well."""
        began, minute = time.monotonic(), Minute()
        minutes: list[Minute] = []
        print("minute   RSS MiB   of the agent   files   processes   jobs   copied GiB", flush=True)
        while time.monotonic() - began < seconds:
            job = self._plane.start_copy(self._source, prefix=f"job {self.jobs}")
            job_began = time.monotonic()
            while self._plane.ended(job) is None:
                assert self._agent.process is not None
                assert self._agent.process.poll() is None, self._agent.output()
                assert time.monotonic() - job_began < _JOB_SECONDS, self._plane.last(job)
                minute.take(self._agent.process.pid)
                if time.monotonic() - began >= (len(minutes) + 1) * minute_seconds:
                    minutes.append(minute)
                    self._say(len(minutes), minute)
                    minute = Minute()
                time.sleep(0.25)
            self._check(job)
        return minutes

    def _say(self, number: int, minute: Minute) -> None:
        print(
            f"{number:6} {minute.rss_bytes / MIB:9.1f} {minute.main_bytes / MIB:14.1f} "
            f"{minute.open_files:7} {minute.processes:11} "
            f"{self.jobs:6} {self.copied_bytes / (1 << 30):12.2f}",
            flush=True,
        )

    def _check(self, job: str) -> None:
        last = self._plane.last(job)
        assert last is not None
        assert last.phase is JobPhase.COMPLETED, last
        assert last.files.transferred == self._files, last
        eventually(lambda: len(self._endpoint.store.blobs) == self._files, seconds=5, what="every file is there")
        self.jobs += 1
        self.copied_bytes += last.bytes.transferred
        self._endpoint.store.blobs.clear()
        self._plane.forget(job)


def main() -> int:
    """Result: the exit code: 1 if something grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--small", type=int, default=5000)
    parser.add_argument("--large", type=int, default=2)
    parser.add_argument("--large-mib", type=int, default=256)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as scratch,
        Soak(Path(scratch), small=given.small, large=given.large, large_mib=given.large_mib) as soak,
    ):
        minutes = soak.run(given.minutes * 60)
    grown = growth(minutes)
    for sentence in grown:
        print(f"GREW: {sentence}")
    print(
        f"{soak.jobs} jobs, {soak.copied_bytes / (1 << 30):.1f} GiB: " + ("nothing grew" if not grown else "not flat")
    )
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
