"""`migrate-agent rockrms set-connection`: a project's RockRMS connection string, kept on this machine."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from collections.abc import Callable
from enum import StrEnum, unique
from typing import Annotated

import typer

from migrate_agent.cli.output import note, say
from migrate_agent.cli.settings import chosen_of
from migrate_agent.config import Config
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore, Keyring, system_keyring
from migrate_agent.runtime.service_choice import service_manager
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import HeldConnection

_PROJECT = re.compile(r"^prj_[a-z0-9]{12}$")


@unique
class KeepIn(StrEnum):
    """Where to; typed."""

    AUTO = "auto"
    KEYRING = "keyring"
    FILE = "file"


def set_connection(
    context: typer.Context,
    project: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help="The project's id (prj_...), as its page shows it.")
    ] = None,
    keep_in: Annotated[
        KeepIn,
        typer.Option(
            "--keep-in",
            help="The system's keyring, a file that only its owner reads, or (auto) the keyring unless a service runs "
            "the agent: a service does not see your keyring.",
        ),
    ] = KeepIn.AUTO,
    show: Annotated[
        bool, typer.Option("--show", help="Show server, port, instance, database and user; never the password.")
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Destroy what is kept for the project.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --show: as a JSON list.")] = False,
) -> None:
    """Keep a project's RockRMS connection string on this machine. It is never sent to the control plane.

    It is asked for (and not shown while you type), or read from standard input if that is no terminal. ADO.NET and ODBC
    are understood, and Rock's web.ConnectionStrings.config as it is.
    """
    config = chosen_of(context).config()
    store = ConnectionStore(config.state_dir, _keyring_for(config, keep_in))
    if show:
        _show([held for held in store.held() if project in (None, held.project_id)], as_json=as_json)
        return
    if project is None or not _PROJECT.match(project):
        raise typer.BadParameter("name the project: prj_ and 12 letters or digits, as the project's page shows it")
    if forget:
        if not store.forget(project):
            raise typer.BadParameter(f"nothing is kept for {project}")
        say(f"Nothing is kept for {project} any more.")
        return
    _say_kept(store.keep(project, _typed()), keep_in)


def _typed() -> str:
    typed = getpass.getpass("Connection string (not shown): ") if sys.stdin.isatty() else sys.stdin.read()
    text = typed.strip()
    redactor.hide(text)
    if not text:
        raise Fatal(ErrorCode.SQL_CONNECTION_STRING_INVALID, "nothing was given")
    return text


def _keyring_for(config: Config, keep_in: KeepIn) -> Callable[[], Keyring | None]:
    if keep_in is KeepIn.FILE:
        return lambda: None
    if keep_in is KeepIn.KEYRING:
        if system_keyring() is None:
            raise Fatal(ErrorCode.SECRET_STORE_UNAVAILABLE, "this account has no keyring that can be used")
        return system_keyring
    for_a_service = (hasattr(os, "geteuid") and os.geteuid() == 0) or _is_service_installed(config)
    return (lambda: None) if for_a_service else system_keyring


def _is_service_installed(config: Config) -> bool:
    try:
        return service_manager(config).installed()
    except Fatal:
        return False


def _say_kept(held: HeldConnection, keep_in: KeepIn) -> None:
    say(f"Kept for {held.project_id}, in {_where(held)}: {_words(held)}")
    if keep_in is KeepIn.AUTO and held.kept_in == "file":
        note("It is in a file that only its owner reads: no keyring can be used where a service runs the agent.")


def _show(connections: list[HeldConnection], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps([held.model_dump(mode="json") for held in connections], indent=2))
        return
    for held in connections:
        say(f"{held.project_id}  {_words(held)}  ({_where(held)})")
    if not connections:
        say("No connection string is kept here.")


def _where(held: HeldConnection) -> str:
    return "the keyring" if held.kept_in == "keyring" else "an owner-only file"


def _words(held: HeldConnection) -> str:
    shown = held.shown
    server = shown.server + (f"\\{shown.instance}" if shown.instance else "") + (f",{shown.port}" if shown.port else "")
    return f"server {server}, database {shown.database}, user {shown.user or '(Windows sign-in)'}"
