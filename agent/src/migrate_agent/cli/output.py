"""What commands print: results on standard output, everything else on standard error, errors with cause and fix."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from migrate_agent.redaction import redactor
from migrate_contract.errors import ErrorCode, MigrateError

DONE = 0
SOME_FAILED = 1
"""A command failed; of a copy: some files did."""
COPY_FAILED = 2
NOT_RUNNING = 3
UNREACHABLE = 75
"""EX_TEMPFAIL: try again later."""
NO_RESTART = 78
"""EX_CONFIG: starting again cannot help."""
INTERRUPTED = 130

_NO_RESTART_CODES = frozenset(
    {
        ErrorCode.CONFIG_INVALID,
        ErrorCode.NOT_REGISTERED,
        ErrorCode.JOURNAL_UNREADABLE,
        ErrorCode.AGENT_KEY_INVALID,
        ErrorCode.AGENT_KEY_EXPIRED,
        ErrorCode.AGENT_KEY_MISSING,
        ErrorCode.AGENT_REVOKED,
        ErrorCode.AGENT_CLONED,
        ErrorCode.SESSION_SUPERSEDED,
    }
)
_UNREACHABLE_CODES = frozenset(
    {ErrorCode.CONTROL_PLANE_UNREACHABLE, ErrorCode.TLS_NOT_TRUSTED, ErrorCode.PROXY_REFUSED}
)


def exit_code_of(error: MigrateError) -> int:
    """Result: what a command that ends with `error` exits with."""
    if error.code in _NO_RESTART_CODES:
        return NO_RESTART
    if error.code in _UNREACHABLE_CODES:
        return UNREACHABLE
    if error.code is ErrorCode.NOT_RUNNING:
        return NOT_RUNNING
    return SOME_FAILED


def printable(text: str) -> str:
    """Result: `text` on one line, with what would steer a terminal or hide itself written as an escape.

    Names of files are anybody's: a line break, an escape sequence or a right-to-left mark in one must not forge output.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def say(text: str = "") -> None:
    """One line of a result."""
    sys.stdout.write(redactor.clean(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line that is not the result: what is going on."""
    sys.stderr.write(redactor.clean(text) + "\n")
    sys.stderr.flush()


def errors_console() -> Console:
    """Result: standard error, with colours where it is a terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: MigrateError) -> None:
    """Title, detail and fix, as the catalogue (or the control plane) words them."""
    console = errors_console()
    console.print(Text.assemble(("Error: ", "bold red"), (redactor.clean(error.title), "bold")))
    if error.detail and error.detail != error.title:
        console.print(Text(f"  {printable(redactor.clean(error.detail))}"))
    console.print(Text.assemble(("  Fix: ", "green"), redactor.clean(error.fix)))
    console.print(Text(f"  Code: {error.code.value}", style="dim"))
