"""Files that only their owner may read: written whole or not at all, checked when they are read.

On POSIX that is mode 0600 in a folder of mode 0700. On Windows it is an access list without inheritance that names
the file's owner, SYSTEM and the Administrators group (docs/agent-service.md shows it).
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import subprocess
from pathlib import Path

from migrate_contract.errors import ErrorCode, Fatal

log = logging.getLogger(__name__)

_WINDOWS = os.name == "nt"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WINDOWS_GRANTS = ("*S-1-5-18:F", "*S-1-5-32-544:F")
"""SYSTEM and Administrators by their identifiers, because their names are translated on localized systems."""


def private_folder(path: Path) -> Path:
    """Result: `path`, made if needed, closed to others where we made it. Raises Fatal(config-invalid)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"cannot make the folder {path}: {error.strerror}") from error
    return path


def write_private(path: Path, text: str) -> None:
    """Result: `path` holds exactly `text` for its owner only, also after a power cut. Raises Fatal(config-invalid)."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if _WINDOWS:
            _close_to_others_on_windows(partial)
        partial.replace(path)
        _settle(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise Fatal(ErrorCode.CONFIG_INVALID, f"cannot write {path}: {error.strerror}") from error


def read_private(path: Path) -> str | None:
    """Result: the file's text, None where there is none. A file open to others is closed first, and the log says so.

    Raises Fatal(config-invalid) where it belongs to another account or cannot be read or closed.
    """
    try:
        if not _WINDOWS:
            _close_to_others(path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Fatal(ErrorCode.CONFIG_INVALID, f"cannot read {path}: {reason}") from error


def _close_to_others(path: Path) -> None:
    found = path.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise Fatal(
            ErrorCode.CONFIG_INVALID,
            f"{path} holds a secret but belongs to user id {found.st_uid}, not to the account that runs the agent",
        )
    if found.st_mode & _OTHERS:
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
        log.warning("%s was open to other accounts; it is readable by its owner only now", path)


def _settle(folder: Path) -> None:
    """Makes the new name itself survive a power cut, where a folder can be synced."""
    if _WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close_to_others_on_windows(path: Path) -> None:
    owner = f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', 'SYSTEM')}:F"
    grants = [argument for grant in (owner, *_WINDOWS_GRANTS) for argument in ("/grant:r", grant)]
    done = subprocess.run(  # noqa: S603 - no shell, arguments are ours
        ["icacls", str(path), "/inheritance:r", *grants],  # noqa: S607 - a part of Windows
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(done.returncode, "icacls could not limit who may read it")
