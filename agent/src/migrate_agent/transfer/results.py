"""What the copy engine takes and tells: its settings, and what a dry run found. How far it is: engine_results.py."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, Finding, Tally


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Limits in time and number, with the product page's values; tests shorten them. Seconds, bytes, counts."""

    max_tries: int = 20
    """Answers of the service about one file in one pass, before the pass gives it up."""
    retry_passes: int = 3
    """Passes over failed files after the first pass."""
    pass_delays_seconds: tuple[float, ...] = (1.0, 5.0, 15.0)
    """Before each retry pass; the last one repeats."""
    backoff_first_seconds: float = 1.0
    backoff_ceiling_seconds: float = 60.0
    probe_seconds: float = 30.0
    """Between probes of a lost connection, at most."""
    give_up_after_seconds: float | None = None
    """Without any connection for so long the copy fails; None: never (an agent's job waits for ever)."""
    access_patience_seconds: float = 900.0
    """Fresh grants refused for so long mean that access is denied (a new role takes up to 10 minutes to act)."""
    stop_grace_seconds: float = 10.0
    """After a stop or pause, requests that are not through by then are cut."""
    racy_seconds: float = 2.0
    """A file modified this short before it was read is read twice (file systems' clocks tick coarsely)."""
    flush_seconds: float = 0.2
    """How long a verdict may wait for its batch."""
    memory_limit_bytes: int | None = None
    """File content held in memory at once, over all workers; None: the job's own limit."""
    lanes: int | None = None
    """Worker processes beside the agent's own; None: as the cores and the number of files suggest, 0: none."""
    many_files: int = 1000
    many_bytes: int = 256 << 20
    """From so many files or bytes on, worker processes are worth their start."""
    single_put_max_bytes: int | None = None
    """Files up to this go up by one Put Blob; None: up to the chunk size."""
    list_page_size: int = 2000
    """Blobs of one page of a listing: the service allows 5,000, whose text would be several MiB, held several times."""
    head_verify_limit: int = 16
    """Up to so many committed files are read back one by one; more by listing."""


@dataclass(frozen=True, slots=True)
class DryRunFile:
    """One file that would not simply be copied, or (with no code) would be."""

    path: str
    bucket: str
    size_bytes: int
    code: str | None = None
    detail: str | None = None

    def ended(self, bucket: Bucket, code: ErrorCode | None = None, detail: str | None = None) -> DryRunFile:
        """Result: the same file, where it would end."""
        return DryRunFile(self.path, bucket.value, self.size_bytes, code.value if code else None, detail)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would do. `transferred` counts what would be sent; `compared` files of that would first be hashed.

    A file of equal size whose time differs is counted as to be sent, although its hash may prove equal.
    """

    files: Tally
    bytes: Tally
    compared_files: int
    attention: list[DryRunFile]
    """Failed and unsupported files, then those with a warning and those kept or skipped; at most 10,000.

    What a filter leaves out is in the findings.
    """
    attention_files: int = 0
    """How many there are of these in all."""
    findings: list[Finding] = field(default_factory=list)
    """Every kind of what was found, most files first."""
    checked_readable: bool = False
    """Each file that would be read was opened."""
