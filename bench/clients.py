"""The measured clients and their command lines. Those of the peers are fixed after a sweep: see peers.md.

Every client verifies the endpoint's certificate (SSL_CERT_FILE), keeps its own state (logs, plans, journals) in a fresh
folder on the disk, and gets no other environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bench.scenarios import Mode
from bench.sink.process import Sink

_AZCOPY = Path(__file__).parent / "node/node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64"
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")


@dataclass(frozen=True)
class Options:
    """What a tuned command line has beyond the plain one."""

    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        settings = [f"{name}={value}" for name, value in sorted(self.environment.items())]
        return " ".join([*settings, *self.flags]) or "(defaults)"


DEFAULTS = Options()


@dataclass(frozen=True)
class Errand:
    """One copy: from a folder into a container, with state in a folder of the client's own."""

    source: Path
    sink: Sink
    container: str
    state: Path
    options: Options = DEFAULTS
    mode: Mode = Mode.COPY


@dataclass(frozen=True)
class Command:
    """What to start."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


class ClientMissing(Exception):
    """A client is not installed; the message says how to install it."""


class Client(ABC):
    """One program under measurement."""

    name: str
    version_word = "--version"
    keeps_times = True
    """Whether it puts the files' times into the metadata, under rclone's key."""

    @property
    @abstractmethod
    def program(self) -> str:
        """Its path; raises ClientMissing."""

    @abstractmethod
    def command(self, errand: Errand) -> Command:
        """What to start for that copy."""

    def prefix(self, source: Path) -> str:
        """What it puts before the names in the container."""
        return ""

    def finished_well(self, errand: Errand, files: int) -> str:
        """What is missing after a run that ended with 0; empty when nothing is."""
        return ""

    def version(self) -> str:
        """As it says itself."""
        shown = subprocess.run([self.program, self.version_word], capture_output=True, text=True, check=True).stdout
        found = _VERSION.search(shown)
        return found.group() if found else shown.strip()

    def environment(self, errand: Errand, **more: str) -> Mapping[str, str]:
        """The whole environment of its process."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(errand.state),
            "SSL_CERT_FILE": str(errand.sink.ca_file),
            **more,
            **errand.options.environment,
        }


class AzCopy(Client):
    """AzCopy 10 with `--put-md5`; a rerun is `sync`, which compares times, as `copy` would send all again."""

    name = "azcopy"
    keeps_times = False

    @property
    def program(self) -> str:
        """What npm installed; npm leaves it without the right to run."""
        if not _AZCOPY.exists():
            raise ClientMissing("AzCopy is not installed: make bench does it (npm ci in bench/node).")
        if not os.access(_AZCOPY, os.X_OK):
            _AZCOPY.chmod(0o755)
        return str(_AZCOPY)

    def prefix(self, source: Path) -> str:
        """The folder itself, as `cp -r` has it."""
        return f"{source.name}/"

    def command(self, errand: Errand) -> Command:
        """`copy`, or `sync` for a rerun, which names the folder in the container."""
        url = errand.sink.container_url(errand.container)
        if errand.mode is Mode.RERUN:
            url = url.replace(f"/{errand.container}?", f"/{errand.container}/{errand.source.name}?")
        verb = "sync" if errand.mode is Mode.RERUN else "copy"
        fixed = ("--recursive", "--put-md5", "--from-to=LocalBlob")
        logs = {
            "AZCOPY_LOG_LOCATION": str(errand.state / "log"),
            "AZCOPY_JOB_PLAN_LOCATION": str(errand.state / "plan"),
        }
        return Command(
            (self.program, verb, str(errand.source), url, *fixed, *errand.options.flags),
            self.environment(errand, **logs),
        )


class Rclone(Client):
    """rclone with its default checks: it stores each file's MD5 and looks at every blob after its upload."""

    name = "rclone"

    @property
    def program(self) -> str:
        """Debian's."""
        found = shutil.which("rclone")
        if found is None:
            raise ClientMissing("rclone is not installed: make system-packages.")
        return found

    def command(self, errand: Errand) -> Command:
        """`copy` to a remote that is the container with its signature."""
        config = errand.state / "rclone.conf"
        config.write_text(
            f"[sink]\ntype = azureblob\nsas_url = {errand.sink.container_url(errand.container)}\n", "utf-8"
        )
        target = f"sink:{errand.container}"
        return Command(
            (self.program, "--config", str(config), "copy", str(errand.source), target, *errand.options.flags),
            self.environment(errand),
        )


class Agent(Client):
    """`migrate-agent copy` as anybody would type it, with its ledger. It is not tuned."""

    name = "agent"
    version_word = "version"

    @property
    def program(self) -> str:
        """The one of this environment."""
        return str(Path(sys.executable).with_name("migrate-agent"))

    def command(self, errand: Errand) -> Command:
        """`copy` with a ledger and nothing else."""
        url = errand.sink.container_url(errand.container)
        return Command(
            (self.program, "copy", str(errand.source), url, "--json", "--ledger", str(errand.state / "ledger.jsonl")),
            self.environment(errand, MIGRATE_AGENT_HOME=str(errand.state)),
        )

    def finished_well(self, errand: Errand, files: int) -> str:
        """The ledger must have a line for each file."""
        with (errand.state / "ledger.jsonl").open("rb") as ledger:
            lines = sum(chunk.count(b"\n") for chunk in iter(lambda: ledger.read(1 << 20), b""))
        return "" if lines >= files else f"its ledger has {lines} lines for {files} files"


CLIENTS: Mapping[str, Client] = MappingProxyType({each.name: each for each in (AzCopy(), Rclone(), Agent())})

_QUIET = "--log-level=ERROR"
TUNED: Mapping[tuple[str, str], Options] = MappingProxyType(
    {
        ("azcopy", "small"): Options((_QUIET,), {"AZCOPY_CONCURRENCY_VALUE": "32"}),
        ("azcopy", "large-1"): Options((_QUIET,), {"AZCOPY_CONCURRENCY_VALUE": "32"}),
        ("azcopy", "large-64"): Options((_QUIET,), {"AZCOPY_CONCURRENCY_VALUE": "32"}),
        ("rclone", "small"): Options(("--transfers=16", "--checkers=16")),
        ("rclone", "rerun"): Options(("--checkers=16",)),
    }
)
"""Fixed by `make bench-sweep`; what is not here runs at its defaults."""


def options_for(client: str, tuning: str) -> Options:
    """The fixed settings of a client for a kind of work."""
    return TUNED.get((client, tuning), DEFAULTS)
