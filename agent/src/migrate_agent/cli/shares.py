r"""`migrate-agent share add`, `list` and `remove`: credentials of shares that the service's account cannot read."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from migrate_agent.cli.output import note, say
from migrate_agent.cli.settings import chosen_of
from migrate_agent.redaction import redactor
from migrate_agent.runtime.shares import system_sessions
from migrate_agent.share_credentials import ShareCredential, forget_share, keep_share, known_shares
from migrate_agent.transfer.windows_paths import share_of

app = typer.Typer(
    name="share",
    no_args_is_help=True,
    help="User names and passwords of shares that the agent's account cannot read (Windows). They are kept on this "
    "machine, readable by its owner only, and never sent to the control plane. Linux and macOS: mount the share with "
    "its credentials instead.",
)

Share = Annotated[str, typer.Argument(metavar=r"\\SERVER\SHARE", help=r"The share, or a path below it.")]


def _share(path: str) -> str:
    share = share_of(path)
    if share is None:
        raise typer.BadParameter(r"write the share as \\server\share")
    return share


@app.command()
def add(
    context: typer.Context,
    share: Share,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help=r"DOMAIN\name, or name@domain.")],
) -> None:
    """Keep who signs in at a share. The password is asked for, or read from standard input if that is no terminal."""
    password = getpass.getpass(f"Password of {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    redactor.hide(password)
    try:
        credential = ShareCredential(share=_share(share), user=user, password=password)
    except ValidationError as error:
        fields = ", ".join(str(found["loc"][0]) for found in error.errors(include_input=False))
        raise typer.BadParameter(f"too short or too long: {fields}") from None
    keep_share(chosen_of(context).config().state_dir, credential)
    say(f"{credential.share} is read as {user}.")
    if system_sessions() is None:
        note("On this system that has no effect: mount the share with its credentials, and copy from the mount.")


@app.command("list")
def listing(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As a JSON list.")] = False
) -> None:
    """Show the shares and users that are kept; never a password."""
    kept = known_shares(chosen_of(context).config().state_dir)
    if as_json:
        say(json.dumps([{"share": known.share, "user": known.user} for known in kept], indent=2))
        return
    for known in kept:
        say(f"{known.share}  {known.user}")
    if not kept:
        say("None: every share is read as the account that runs the agent.")


@app.command()
def remove(context: typer.Context, share: Share) -> None:
    """Forget who signs in at a share."""
    name = _share(share)
    if not forget_share(chosen_of(context).config().state_dir, name):
        raise typer.BadParameter(f"nothing is kept for {name}")
    say(f"{name} is read as the account that runs the agent.")
