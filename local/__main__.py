"""The local stack's command line: `python -m local COMMAND`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console

from local import core_tools
from local.azurite import AzuriteMissing
from local.background import BackgroundStack, StackBusy
from local.demo import DemoFailed, Destination, default_source, run_demo
from local.demo_display import DemoDisplay
from local.functions_host.easyauth import read_sign_in
from local.operator_api import ApiRefused
from local.processes import ProcessFailed
from local.rock_demo import PEOPLE, run_rock_demo
from local.sign_in_front import serve
from local.stack import APP_DIRECTORY, SIGN_IN_FILE, Stack

STACK_DIRECTORY = APP_DIRECTORY / ".local"


def _print_addresses(description: dict[str, Any], stack_file: Path) -> None:
    seed = description["seed"]
    print(f"Dashboard          {description['dashboard_url']}")
    print(f"  sign in at       {description['sign_in_url']}")
    print(f"API                {description['api_url']}/api/health")
    print(f"Copies go to       {description['storage']['blob_endpoint']} (container {seed['container']})")
    customer = description["customer"]
    print(f"Customer's account {customer['account']} (sign in as {customer['people'][0]['name']})")
    print(f"Sent mail          {description['mail']['page_url']}")
    rock, mission = description["rockrms"], description["mission"]
    print(f"RockRMS database   {rock['connection_string'].partition(';User')[0]} (the whole string is in stack.json)")
    print(f"  time zone        {rock['time_zone']}")
    print(f"Mission            {mission['url']} (key {mission['key']}); what it holds: {mission['page_url']}")
    print(f"CA certificate     {description['ca_file']}")
    print(f"Everything else    {stack_file}")


def up() -> int:
    """Start the stack in the background, or say that it runs."""
    background = BackgroundStack(STACK_DIRECTORY)
    description, ran_already = background.up()
    print("The local stack is already up." if ran_already else "The local stack is up.")
    _print_addresses(description, background.stack_file)
    print("End it with: make down (its data stays; make clean removes it)")
    return 0


def down() -> int:
    """End the background stack."""
    ended = BackgroundStack(STACK_DIRECTORY).down()
    print("The local stack is down." if ended else "The local stack was not running.")
    return 0


def status() -> int:
    """Say whether the background stack runs; exit code 1 when it does not."""
    background = BackgroundStack(STACK_DIRECTORY)
    if not background.is_up():
        print("The local stack is not running. Start it with: make up")
        return 1
    print("The local stack is up.")
    _print_addresses(background.description(), background.stack_file)
    return 0


def local_settings() -> int:
    """Write local.settings.json for the Core Tools."""
    settings_file, bundle = core_tools.write_local_settings(Stack(STACK_DIRECTORY), APP_DIRECTORY)
    print(f"Wrote {settings_file}. Azurite runs after `make up`. Then type, in two terminals:")
    print(f"  SSL_CERT_FILE={bundle} func start")
    print("  make sign-in-front")
    return 0


def sign_in_front() -> int:
    """Serve the sign-in front of the Core Tools until interrupted."""
    sign_in = read_sign_in(STACK_DIRECTORY / SIGN_IN_FILE)
    print(f"The app of the Core Tools, with an operator signed in: {core_tools.FRONT_URL}/.auth/login/aad")
    serve(f"http://127.0.0.1:{core_tools.PORT}", core_tools.FRONT_PORT, sign_in)
    return 0


def demo(source: Path | None, destination: Destination) -> int:
    """Run the demonstration; exit code 0 only if every byte is equal."""
    with DemoDisplay(Console(highlight=False)) as display:
        try:
            folder = (source or default_source()).expanduser().resolve()
            report = run_demo(folder, display, destination=destination, check=_end_if_asked)
        except DemoFailed as fault:
            display.failure(fault.cause, fault.fix)
            return 1
        display.report(report)
        return 1 if report.problems else 0


def demo_rockrms(people: int, certificate: Path) -> int:
    """Run the demonstration of an import; exit code 0 only if Mission holds exactly what the church has."""
    with DemoDisplay(Console(highlight=False)) as display:
        try:
            found = run_rock_demo(display, certificate.expanduser().resolve(), people=people, check=_end_if_asked)
        except DemoFailed as fault:
            display.failure(fault.cause, fault.fix)
            return 1
        display.import_report(found)
        return 1 if found.problems else 0


_asked_to_end: list[str] = []


def _end_in_order(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    _asked_to_end.append(name)
    raise KeyboardInterrupt(name)


def _end_if_asked() -> None:
    """Raises again what a signal has raised: inside a finalizer the interpreter swallows it."""
    if _asked_to_end:
        raise KeyboardInterrupt(_asked_to_end[0])


COMMANDS: Mapping[str, Callable[[], int]] = {
    "up": up,
    "down": down,
    "status": status,
    "local-settings": local_settings,
    "sign-in-front": sign_in_front,
}


def main() -> int:
    """Parse the command line and run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=(command.__doc__ or "").partition("\n")[0])
    demonstration = commands.add_parser("demo", help="Copy a folder through the whole system and compare every byte")
    demonstration.add_argument("--source", type=Path)
    demonstration.add_argument(
        "--storage", type=Destination, choices=list(Destination), default=Destination.CUSTOMER, help="whose account"
    )
    church = commands.add_parser("demo-rockrms", help="Import a generated church through the whole system and verify")
    church.add_argument("--people", type=int, default=PEOPLE)
    church.add_argument("--certificate", type=Path, default=Path("rockrms-certificate.html"))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end_in_order)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, _end_in_order)
    try:
        if arguments.command == "demo":
            return demo(arguments.source, arguments.storage)
        if arguments.command == "demo-rockrms":
            return demo_rockrms(arguments.people, arguments.certificate)
        return COMMANDS[arguments.command]()
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130
    except (ProcessFailed, AzuriteMissing, StackBusy, ApiRefused, httpx.TransportError, TimeoutError) as fault:
        print(f"FAILED: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
