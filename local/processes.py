"""Child processes of the stack: start, wait until ready, stop; and recognizing one again by its identity."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOG_TAIL_BYTES = 4000
_POLL_SECONDS = 0.05
_PROC = Path("/proc/self/stat")


class ProcessFailed(Exception):
    """A process ended by itself or did not become ready in time; the message ends with its last output."""


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return when the condition holds; raises TimeoutError naming `what` after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class ProcessIdentity:
    """A pid with what tells it from a later process of the same pid: boot and start time."""

    pid: int
    born: str

    def is_alive(self) -> bool:
        """Whether exactly this process still runs."""
        return _birth(self.pid) == self.born


def identity_of(pid: int) -> ProcessIdentity | None:
    """The identity of a running process, None if there is none."""
    born = _birth(pid)
    return ProcessIdentity(pid, born) if born else None


def _birth(pid: int) -> str | None:
    """Boot and start time of a live process; None if it is gone or only waits to be reaped."""
    if _PROC.exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
        return None if fields[0] in {"Z", "X"} else f"{boot} {fields[19]}"
    listing = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = listing.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def stop_process(identity: ProcessIdentity, *, seconds: float = 40.0) -> None:
    """End a process that may not be our child: ask, wait, then kill. One that is gone is fine."""
    for request, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10.0)):
        if not identity.is_alive():
            return
        os.kill(identity.pid, request)
        try:
            wait_until(lambda: not identity.is_alive(), seconds=patience, what=f"end of process {identity.pid}")
        except TimeoutError:
            continue
        return
    raise TimeoutError(f"process {identity.pid} does not end")


class ChildProcess:
    """One program of the stack, with its output in a log file.

    It gets a session of its own: Ctrl-C in a terminal reaches us alone, and we stop it in order. One that
    is forgotten is killed when our interpreter ends, unless it was told to outlive us.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        directory: Path,
        log_file: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Describe the process; `environment` is all it gets."""
        self.name = name
        self.log_file = log_file
        self._command = [str(part) for part in command]
        self._directory = directory
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; raises ProcessFailed if it was not started."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; the log is appended to."""
        if self.is_running:
            raise ProcessFailed(f"{self.name} is already running")
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.kill)

    def outlive_us(self) -> None:
        """Let it run on when this interpreter ends."""
        atexit.unregister(self.kill)

    def wait_ready(self, condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Return when the condition holds; raises ProcessFailed if the process ends first or time runs out."""

        def ready_or_ended() -> bool:
            return not self.is_running or condition()

        try:
            wait_until(ready_or_ended, seconds=seconds, what=f"{self.name} ready")
        except TimeoutError as fault:
            raise ProcessFailed(f"{fault}\n{self.log_tail()}") from fault
        if not self.is_running:
            raise ProcessFailed(f"{self.name} ended with exit code {self.returncode}\n{self.log_tail()}")

    def wait(self, *, seconds: float) -> int:
        """Wait for its own end; the exit code. Raises ProcessFailed when time runs out."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was not started")
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as fault:
            raise ProcessFailed(f"{self.name} did not end within {seconds:g} s\n{self.log_tail()}") from fault

    def stop(self, *, seconds: float = 40.0) -> None:
        """Ask it to end, and kill it if it does not in that many seconds."""
        if self._process is None or not self.is_running:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, without a chance to finish anything (kill -9)."""
        if self._process is not None and self.is_running:
            self._process.kill()
            self._process.wait(10)

    def log_tail(self) -> str:
        """The last lines of its output."""
        try:
            content = self.log_file.read_bytes()[-LOG_TAIL_BYTES:]
        except OSError:
            return f"(no output in {self.log_file})"
        return f"last output of {self.name} ({self.log_file}):\n{content.decode('utf-8', 'replace')}"
