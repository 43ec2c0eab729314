"""The commands' tree and the entry point: global options, `--register`, and errors turned into exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from migrate_agent import __version__
from migrate_agent.cli import checking, copying, process, registration, rockrms, shares
from migrate_agent.cli.output import INTERRUPTED, exit_code_of, say, show_error
from migrate_agent.cli.settings import Chosen
from migrate_contract.errors import MigrateError

_HELP = "\n\n".join(
    (
        "OneMigrate's agent: copies folders of this machine to Azure Blob Storage, steered by a control plane or on "
        "its own.",
        "[bold]First steps[/bold]\n"
        "  migrate-agent --register ABCD2345 --service\n"
        "      [dim]register with a code of the Agents page, and run as a service[/dim]\n"
        "  migrate-agent status\n"
        "      [dim]is it running and connected, what does it do, what went wrong[/dim]\n"
        "  migrate-agent check\n"
        "      [dim]what keeps it from working: name, port, proxy, certificate, clock, key, service, disk[/dim]\n"
        "  migrate-agent logs -f --job job_...\n"
        "      [dim]follow the log of one job[/dim]",
        "[bold]Without a control plane[/bold]\n"
        '  migrate-agent copy /srv/share "https://ACCOUNT.blob.core.windows.net/CONTAINER?SIGNATURE"',
        "[bold]Configuration[/bold]\n"
        "agent.toml, in /etc/migrate-agent (root on Linux), in the account's configuration folder (otherwise), or "
        "where --home, --config or MIGRATE_AGENT_HOME say:",
        "  \\[api]\n"
        '  url = "https://api.theonemigrate.app"\n'
        "  \\[network]\n"
        '  proxy = "http://proxy.example:8080"\n'
        '  ca_bundle = "/etc/ssl/company.pem"',
        "MIGRATE_API_URL and MIGRATE_AGENT_KEY replace the file's values. HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and the "
        "operating system's certificate store are honoured.",
        "[bold]Exit codes[/bold]\n"
        "  0   done\n"
        "  1   failed; copy: some files failed\n"
        "  2   wrong usage; copy: the copy as a whole failed\n"
        "  3   the agent is not running\n"
        "  4   check: all works, with warnings\n"
        "  75  the control plane is not reached\n"
        "  78  configuration, key or session not accepted: starting again cannot help\n"
        "  130 interrupted",
    )
)

app = typer.Typer(
    name="migrate-agent",
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True, help=_HELP)
def root(
    context: typer.Context,
    register: Annotated[
        str | None,
        typer.Option(
            "--register", metavar="CODE", help="Register this machine with a code of the Agents page (works once)."
        ),
    ] = None,
    api_url: Annotated[str | None, typer.Option("--api-url", metavar="URL", help="The control plane.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What operators will see; the host name if absent.")
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="With --register: install and start the service, too.")
    ] = False,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="Folder of configuration, key, journal and log.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Another configuration file.")] = None,
    state_dir: Annotated[Path | None, typer.Option("--state-dir", metavar="DIR", hidden=True)] = None,
) -> None:
    """Global options, and registration."""
    chosen = Chosen(home=home, config_path=config, state_dir=state_dir, api_url=api_url)
    context.obj = chosen
    if context.invoked_subcommand is not None:
        if register is not None:
            raise typer.BadParameter("--register stands alone, without a command")
        return
    if register is None:
        say(context.get_help())
        raise typer.Exit(0)
    raise typer.Exit(registration.register(chosen, code=register, name=name, service=service))


app.command()(process.start)
app.command()(process.stop)
app.command()(process.status)
app.command()(process.logs)
app.command(help=checking.HELP)(checking.check)
app.command()(registration.unregister)
app.command(help=copying.HELP)(copying.copy)
app.add_typer(shares.app)
app.add_typer(rockrms.app)


@app.command()
def version() -> None:
    """Print the agent's version."""
    say(__version__)


def main() -> None:
    """Entry point of the console script; never ends with a traceback for an error of the catalogue."""
    try:
        app()
    except MigrateError as error:
        show_error(error)
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
