"""This machine: registered, service, process, disk, and the folders to copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from migrate_agent.checks.line import Line, failed, failed_by, ok, skipped, warning
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

ENOUGH_BYTES = 1 << 30
"""A journal takes some 300 bytes a file: a million files fit into a third of this."""
TOO_LITTLE_BYTES = 50 << 20
_LOOKED_AT = 2000
"""Entries of a source that are opened: enough to meet folders of other owners, few enough to be done in seconds."""
_SHOWN = 3


def registration_line(name: str, agent_id: str) -> Line:
    """Result: who this machine is."""
    return ok("registration", f"{name or agent_id} ({agent_id})")


def not_registered_line(error: MigrateError, last_try: Mapping[str, str]) -> Line:
    """Result: that it is not registered, and what came of the last try where there was one."""
    if not last_try:
        return failed_by("registration", error)
    at = last_try.get("at", "")[:16].replace("T", " ")
    try:
        code = ErrorCode(last_try.get("code", ""))
    except ValueError:
        return failed_by("registration", error)
    return failed("registration", code, f"the last try ({at}) was refused: {last_try.get('detail', '')}")


def service_line(name: str, hint: str, *, installed: bool, running: bool) -> Line:
    """Result: whether the service is there."""
    if installed:
        return ok("service", f"{name} is installed ({hint})")
    if running:
        detail = "the agent runs in a terminal or by another program, and will not be there after a reboot"
        return warning("service", ErrorCode.SERVICE_NOT_INSTALLED, detail)
    return failed("service", ErrorCode.SERVICE_NOT_INSTALLED, "the agent is no service of this machine")


def process_line(running: Mapping[str, Any], status: Mapping[str, Any]) -> Line:
    """Result: whether the agent runs and is connected. `status`: what it wrote last."""
    if not running:
        ended = status.get("exit") or {}
        reason = ended.get("detail") or ended.get("title")
        detail = f"no agent process; the last one ended: {reason}" if reason else "no agent process"
        return failed("process", ErrorCode.NOT_RUNNING, detail)
    trouble = status.get("trouble") or {}
    if trouble:
        detail = f"process {running.get('pid')} runs without a connection: {trouble.get('detail', '')}"
        return warning("process", ErrorCode.CONTROL_PLANE_UNREACHABLE, detail)
    return ok("process", f"process {running.get('pid')} runs and is connected")


def disk_line(folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> Line:
    """Result: whether the journal has room."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = int(usage(folder).free)
    except OSError as error:
        return failed("disk", ErrorCode.DISK_FULL, f"{folder}: {error.strerror}")
    words = f"{free / (1 << 20):,.0f} MiB free for the journal in {folder}"
    if free < TOO_LITTLE_BYTES:
        return failed("disk", ErrorCode.DISK_FULL, words)
    if free < ENOUGH_BYTES:
        return warning("disk", ErrorCode.DISK_NEARLY_FULL, words)
    return ok("disk", words)


def source_line(path: Path, account: str) -> Line:
    """Result: whether the first entries of a folder can be listed and opened by this account."""
    name = f"source {path}"
    if not path.is_absolute():
        return failed(name, ErrorCode.SOURCE_NOT_FOUND, "a source is an absolute path")
    try:
        seen, refused = _look_through(path)
    except FileNotFoundError:
        return failed(name, ErrorCode.SOURCE_NOT_FOUND, f"{path} is not there")
    except NotADirectoryError:
        return failed(name, ErrorCode.SOURCE_NOT_FOUND, f"{path} is no folder")
    except OSError as error:
        return failed(name, ErrorCode.SOURCE_NOT_READABLE, f"{path} cannot be read by {account}: {error.strerror}")
    if refused:
        shown = ", ".join(refused[:_SHOWN])
        detail = f"{len(refused)} of the first {seen} entries cannot be read by {account}: {shown}"
        return failed(name, ErrorCode.SOURCE_DENIED, detail)
    return ok(name, f"the first {seen} entries can be read by {account}")


def _look_through(root: Path) -> tuple[int, list[str]]:
    """Result: how many entries were looked at, and those that cannot be opened. Raises OSError for the root."""
    seen, refused, folders = 0, [], [root]
    while folders and seen < _LOOKED_AT:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)[: _LOOKED_AT - seen]
        except PermissionError:
            if folder == root:
                raise
            refused.append(str(folder.relative_to(root)))
            continue
        for entry in found:
            seen += 1
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and not os.access(entry.path, os.R_OK):
                refused.append(str(Path(entry.path).relative_to(root)))
    return seen, refused


def unsupported_service_line(error: Fatal) -> Line:
    """Result: that this system has no service manager that we know."""
    return skipped("service", error.detail)
