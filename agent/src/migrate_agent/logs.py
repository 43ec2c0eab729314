"""The agent's log: JSON lines in a rotating file, readable lines on a terminal; both without secrets.

One line is one object: `at` (UTC), `level`, `message`, `logger`, and where known `code`, `detail`, `fix`, `job_id`,
`attempt`, `correlation_id`. Code logs with `extra={"job_id": ...}`; errors of the catalogue are logged by `log_fault`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from migrate_agent.private_file import private_folder
from migrate_agent.redaction import redactor
from migrate_contract.errors import MigrateError

FIELDS = ("code", "detail", "fix", "job_id", "attempt", "correlation_id", "host", "status", "seconds")
_ROTATE_AT_BYTES = 10 * 1024 * 1024
_KEPT_FILES = 5
_COLOURS = {"DEBUG": "\033[2m", "WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[31m"}
_PLAIN = "\033[0m"
ROOT = "migrate_agent"


def utc(seconds: float) -> str:
    """Result: a Unix time as RFC 3339 text in UTC, milliseconds included."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    """One JSON object a line, cleaned of secrets as a whole, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Result: the line."""
        line: dict[str, Any] = {
            "at": utc(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= {field: getattr(record, field) for field in FIELDS if getattr(record, field, None) is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redactor.clean(json.dumps(line, ensure_ascii=False, default=str))


class Readable(logging.Formatter):
    """`14:02:11 message (job job_..)`: for a person at a terminal."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Result: the line, with its fix below where one is known."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        job = getattr(record, "job_id", None)
        text = f"{at} {record.getMessage()}" + (f"  ({job})" if job else "")
        if fix := getattr(record, "fix", None):
            text += f"\n         {fix}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        text = redactor.clean(text)
        start = _COLOURS.get(record.levelname, "") if self._colour else ""
        return f"{start}{text}{_PLAIN}" if start else text


class _LogFile(logging.handlers.RotatingFileHandler):
    """The log's file. Where it cannot be written (a full disk), that is said once, and work goes on."""

    _silent = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """The standard way prints a traceback with the line's arguments, which no redactor has seen."""
        if not self._silent and sys.stderr is not None:
            self._silent = True
            with contextlib.suppress(OSError):
                sys.stderr.write(f"the log {self.baseFilename} cannot be written: {sys.exc_info()[1]}\n")


class _Screen(logging.StreamHandler[IO[str]]):
    """The terminal. Where it is gone there is nobody to tell; the file has the line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Nothing: see `_LogFile.handleError`."""


def write_logs(log_path: Path, *, level: str, terminal: IO[str] | None = None) -> None:
    """Result: everything under `migrate_agent` goes to `log_path`, and to `terminal` where one is given.

    Other libraries' loggers reach neither: some of them log whole URLs. Raises Fatal(config-invalid).
    """
    private_folder(log_path.parent)
    logger = logging.getLogger(ROOT)
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.setLevel(level.upper())
    logger.propagate = False
    file = _LogFile(log_path, maxBytes=_ROTATE_AT_BYTES, backupCount=_KEPT_FILES, encoding="utf-8")
    file.setFormatter(JsonLines())
    logger.addHandler(file)
    if terminal is not None:
        screen = _Screen(terminal)
        screen.setFormatter(Readable(colour=terminal.isatty()))
        logger.addHandler(screen)


def terminal_or_none() -> IO[str] | None:
    """Result: standard error where a person (or a supervisor that keeps it) reads it."""
    return sys.stderr if sys.stderr is not None else None


def log_fault(
    logger: logging.Logger, message: str, error: MigrateError, *, level: int = logging.ERROR, **fields: Any
) -> None:
    """One line for an error of the catalogue: what we were doing, its code, detail and fix."""
    logger.log(
        level,
        "%s: %s: %s",
        message,
        error.title,
        error.detail,
        extra={"code": error.code.value, "detail": error.detail, "fix": error.fix, **fields},
    )
