"""`migrate-agent copy SOURCE CONTAINER_SAS_URL`: one copy with no control plane."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal

import typer
from pydantic import ValidationError

from migrate_agent.cli import filter_options as options
from migrate_agent.cli.copy_progress import CopyProgress
from migrate_agent.cli.copy_view import ExcludedFiles, describe, describe_dry, dry_json, failure_json, report_json
from migrate_agent.cli.output import COPY_FAILED, DONE, SOME_FAILED, note, say, show_error
from migrate_agent.cli.settings import chosen_of
from migrate_agent.logs import write_logs
from migrate_agent.redaction import redactor
from migrate_agent.runtime.connection import network_of
from migrate_agent.runtime.local_copy import (
    CopyReport,
    CopyRequest,
    digest_of_manifest,
    ended,
    forget_copy,
    run_copy,
    run_dry,
)
from migrate_agent.runtime.shares import ShareOpener
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.transfer.access import SasUrlAccess
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.jobs import (
    AccessTier,
    FileFilters,
    JobPhase,
    Outcome,
    Overwrite,
    SymlinkPolicy,
    TransferSettings,
    Verification,
)

ENV_SAS_URL = "MIGRATE_SAS_URL"
_MOST_CONCURRENCY = 64
_MOST_MBPS = 1_000_000
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DRY_RUN = "Before the copy"

HELP = "\n\n".join(
    (
        "Copy one folder to one container, without a control plane and with the same engine.",
        "Broken off, the same command goes on where it was. What is verified in the container is not sent again.",
        "[bold]Examples[/bold]\n"
        "  migrate-agent copy /srv/share - --dry-run < sas-url.txt\n"
        "  MIGRATE_SAS_URL=... migrate-agent copy /srv/share --prefix 2026/share\n"
        "  migrate-agent copy /srv/share \"https://...\" --exclude '*.tmp' --json\n"
        "  migrate-agent copy /srv/share - --include '*.pdf' --max-size 2GiB --modified-after 2024-01-01\n"
        "  migrate-agent copy /srv/share - --manifest wave-1.csv --dry-run --check-readable --at-mbps 100",
        "[bold]Which files[/bold]\n"
        "Every filter that is set has to let a file through. What is left out is counted as excluded, with the rule; "
        "--list-excluded names each file. Lock files, thumbnails, recycle bins and the like are left out unless "
        "--no-default-excludes says otherwise.",
        "Exits 0 where nothing failed (files with names that Blob cannot hold are listed as unsupported), 1 where some "
        "files failed, 2 where the copy as a whole failed or was interrupted.",
    )
)


@dataclass(frozen=True)
class Preflight:
    """What to find out before the first byte, and at which speed to say how long the rest takes."""

    dry_run: bool
    check_readable: bool
    mbps: float | None


def _folder(text: str) -> Path:
    """An empty SOURCE is an unset variable of a script, not the folder that the script happens to stand in."""
    if not text:
        raise typer.BadParameter("SOURCE is empty; the folder you are in is written '.'")
    return Path(text)


def copy(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", parser=_folder, help="The folder to copy.")],
    container_sas_url: Annotated[
        str | None,
        typer.Argument(
            metavar="CONTAINER_SAS_URL",
            help="https://ACCOUNT.blob.core.windows.net/CONTAINER?SIGNATURE with create, write, list and read. "
            f"'-' reads it from standard input; left out, it is taken from {ENV_SAS_URL}: other accounts of this "
            "machine can see a command's arguments.",
        ),
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", metavar="PATH", help="Folder in the container.")] = "",
    include: options.Include = None,
    exclude: options.Exclude = None,
    include_from: options.IncludeFrom = None,
    exclude_from: options.ExcludeFrom = None,
    no_default_excludes: options.NoDefaultExcludes = False,
    min_size: options.MinSize = None,
    max_size: options.MaxSize = None,
    modified_after: options.ModifiedAfter = None,
    modified_before: options.ModifiedBefore = None,
    exclude_hidden: options.ExcludeHidden = False,
    exclude_system: options.ExcludeSystem = False,
    max_depth: options.MaxDepth = None,
    manifest: options.ManifestFile = None,
    overwrite: Annotated[
        Overwrite, typer.Option("--overwrite", help="Where the container holds a different blob already.")
    ] = Overwrite.IF_SOURCE_NEWER,
    symlinks: Annotated[SymlinkPolicy, typer.Option("--symlinks", help="Skip or follow.")] = SymlinkPolicy.SKIP,
    posix_properties: Annotated[
        bool,
        typer.Option("--posix-properties", help="Keep owner, group, mode and times in the metadata, as AzCopy does."),
    ] = False,
    folder_markers: Annotated[
        bool, typer.Option("--folder-markers", help="Keep folders, also empty ones, as blobs with hdi_isfolder.")
    ] = False,
    verification: Annotated[
        Verification, typer.Option("--verification", help="How each copy is proved right.")
    ] = Verification.STORED,
    readback_percent: Annotated[
        float,
        typer.Option(
            "--readback-percent",
            metavar="PERCENT",
            help="With --verification readback: download so many files of a hundred again; the others are 'stored'.",
        ),
    ] = 100.0,
    memory_limit_mib: Annotated[
        int,
        typer.Option(
            "--memory-limit-mib", min=16, max=65536, help="File content held in memory at once; blocks shrink to fit."
        ),
    ] = 192,
    concurrency: Annotated[
        str, typer.Option("--concurrency", metavar="N", help="Files or blocks in flight, 1 to 64, or auto.")
    ] = "auto",
    chunk_size_mib: Annotated[
        int, typer.Option("--chunk-size-mib", min=1, max=256, help="Size of a block; 32 or more for large files.")
    ] = 8,
    bandwidth_limit_mbps: Annotated[
        float | None,
        typer.Option("--bandwidth-limit-mbps", metavar="MBPS", help="Megabits per second at most."),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", metavar="FILE", help="Write what happened to each file (JSON lines).")
    ] = None,
    access_tier: Annotated[
        AccessTier | None,
        typer.Option(
            "--access-tier", help="Where the copies end; archive is set after the verification. Default: the account's."
        ),
    ] = None,
    safe_to_delete: Annotated[
        Path | None,
        typer.Option(
            "--safe-to-delete",
            metavar="FILE",
            help="Write a CSV list of the source files that are verified and unchanged. Nothing is deleted.",
        ),
    ] = None,
    list_excluded: Annotated[
        bool, typer.Option("--list-excluded", help="Name each file that is left out, with the rule.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be done, what cannot be copied and why; write nothing.",
            rich_help_panel=_DRY_RUN,
        ),
    ] = False,
    check_readable: Annotated[
        bool,
        typer.Option(
            "--check-readable",
            help="With --dry-run: open each file that would be read, and count those that cannot be.",
            rich_help_panel=_DRY_RUN,
        ),
    ] = False,
    at_mbps: Annotated[
        float | None,
        typer.Option(
            "--at-mbps",
            metavar="MBPS",
            help="With --dry-run: say how long it takes at this speed (if absent, at --bandwidth-limit-mbps).",
            rich_help_panel=_DRY_RUN,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Copy one folder to one container, as the help says."""
    try:
        code = _copy(
            context,
            source,
            container_sas_url,
            prefix=prefix,
            filters=options.filters_of(
                include=options.patterns_of(include, include_from, "--include-from"),
                exclude=options.patterns_of(exclude, exclude_from, "--exclude-from"),
                no_default_excludes=no_default_excludes,
                min_size=min_size,
                max_size=max_size,
                modified_after=modified_after,
                modified_before=modified_before,
                exclude_hidden=exclude_hidden,
                exclude_system=exclude_system,
                max_depth=max_depth,
                manifest=manifest,
            ),
            transfer=TransferSettings(
                concurrency=_concurrency(concurrency),
                chunk_size_mib=chunk_size_mib,
                memory_limit_mib=memory_limit_mib,
                readback_percent=readback_percent,
                bandwidth_limit_mbps=bandwidth_limit_mbps,
                overwrite=overwrite,
                symlinks=symlinks,
                verification=verification,
                posix_properties=posix_properties,
                folder_markers=folder_markers,
                access_tier=access_tier,
            ),
            ledger=ledger,
            safe_to_delete=safe_to_delete,
            preflight=_preflight(dry_run, check_readable, at_mbps, bandwidth_limit_mbps),
            as_json=as_json,
            list_excluded=list_excluded,
        )
    except ValidationError as error:
        raise typer.BadParameter(_first_message(error)) from None
    except MigrateError as error:
        # Not 1, which says that all but some files were copied.
        show_error(error)
        if as_json:
            say(json.dumps(failure_json(error, COPY_FAILED), indent=2))
        code = COPY_FAILED
    raise typer.Exit(code)


def _copy(
    context: typer.Context,
    source: Path,
    container_sas_url: str | None,
    *,
    prefix: str,
    filters: FileFilters,
    transfer: TransferSettings,
    ledger: Path | None,
    safe_to_delete: Path | None,
    preflight: Preflight,
    as_json: bool,
    list_excluded: bool,
) -> int:
    """Result: the exit code. Raises ValidationError for wrong options, and errors of the catalogue."""
    config = chosen_of(context).config()
    write_logs(config.log_path, level=config.log_level)
    url = _sas_url(container_sas_url)
    request = CopyRequest(
        source=Path(os.path.abspath(source.expanduser())),  # noqa: PTH100 - resolve() would follow links
        access=SasUrlAccess(url),
        prefix=prefix.strip("/"),
        filters=filters,
        transfer=transfer,
        check_readable=preflight.check_readable,
        manifest_digest=digest_of_manifest(filters.manifest),
    )
    request.spec()
    stop = StopSignal()
    _listen_to_signals(stop)
    network, folder = network_of(config), config.state_dir / "copies"
    ShareOpener(config.state_dir).open(str(request.source))
    excluded = ExcludedFiles(list_excluded, as_json)
    if preflight.dry_run:
        try:
            plan = run_dry(request, folder, network, stop, excluded=excluded.heard)
        except StopRequested as stopped:
            raise Fatal(ErrorCode.INTERRUPTED, "the dry run was stopped") from stopped
        if as_json:
            say(json.dumps(dry_json(request, plan, preflight.mbps) | excluded.as_json(), indent=2))
        else:
            describe_dry(request, plan, preflight.mbps)
        return DONE
    if safe_to_delete is not None and transfer.verification is Verification.BLOCK:
        raise typer.BadParameter("--safe-to-delete needs --verification stored or readback")
    lists = [path for path in (ledger, safe_to_delete) if path is not None]
    with _room_for(lists), _opened(ledger) as stream, _opened(safe_to_delete) as safe, CopyProgress() as progress:
        report = run_copy(
            request,
            folder,
            network,
            stop,
            watch=progress.show,
            ledger=stream if ledger is not None else None,
            safe=safe if safe_to_delete is not None else None,
            excluded=excluded.heard,
        )
    if ended(report.result):
        forget_copy(request, folder)
    code = _exit_code(report)
    if as_json:
        say(json.dumps(report_json(request, report, code) | excluded.as_json(), indent=2))
    else:
        describe(request, report)
    return code


def _sas_url(argument: str | None) -> str:
    """The URL, from where it was given; its signature appears nowhere from here on."""
    url = sys.stdin.readline() if argument == "-" else argument or os.environ.get(ENV_SAS_URL, "")
    if not url.strip():
        raise Fatal(
            ErrorCode.SAS_URL_INVALID, f"none was given: as an argument, on standard input (-), or {ENV_SAS_URL}"
        )
    redactor.hide(url.strip().partition("?")[2])
    return url.strip()


def _preflight(dry_run: bool, check_readable: bool, at_mbps: float | None, limit_mbps: float | None) -> Preflight:
    if not dry_run and (check_readable or at_mbps is not None):
        raise typer.BadParameter("--check-readable and --at-mbps belong to --dry-run")
    if at_mbps is not None and not 0 < at_mbps <= _MOST_MBPS:
        raise typer.BadParameter("--at-mbps is a number of megabits per second above 0")
    return Preflight(dry_run, check_readable, at_mbps or limit_mbps)


def _concurrency(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_CONCURRENCY):
        raise typer.BadParameter("--concurrency is a number from 1 to 64, or auto")
    return int(text)


@contextlib.contextmanager
def _room_for(lists: list[Path]) -> Iterator[None]:
    """A full disk under a list is said as such. Raises Retryable(disk-full); the copy's journal is kept."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        named = " or ".join(str(path) for path in lists)
        raise Retryable(
            ErrorCode.DISK_FULL, f"{named} could not be written; the same command goes on and writes it anew"
        ) from error


def _opened(path: Path | None) -> IO[str]:
    """The file to write to; without one, a place where nothing is kept."""
    try:
        return (path or Path(os.devnull)).open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from error


def _listen_to_signals(stop: StopSignal) -> None:
    def asked(number: int, frame: object) -> None:
        if stop.requested:
            os._exit(128 + number)
        note("Stopping: finishing what is staged; a second signal ends at once.")
        stop.request(StopKind.STOP)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), asked)


def _exit_code(report: CopyReport) -> int:
    if report.result.stopped or report.result.phase is not JobPhase.COMPLETED:
        return COPY_FAILED
    return DONE if report.result.outcome is Outcome.COMPLETE else SOME_FAILED


def _first_message(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in found["loc"])
    words = found["msg"].removeprefix("Value error, ")
    return f"{where}: {words}" if where else words
