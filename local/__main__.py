"""The local stack's command line: `python -m local up | down | status | demo | local-settings`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console

from local.azurite import AzuriteMissing
from local.background import BackgroundStack, StackBusy
from local.core_tools import write_local_settings
from local.demo import DemoFailed, default_source, run_demo
from local.demo_display import DemoDisplay
from local.operator_api import ApiRefused
from local.processes import ProcessFailed
from local.stack import APP_DIRECTORY, Stack

STACK_DIRECTORY = APP_DIRECTORY / ".local"


def _print_addresses(description: dict[str, Any], stack_file: Path) -> None:
    seed = description["seed"]
    print(f"Dashboard          {description['dashboard_url']}")
    print(f"  sign in at       {description['sign_in_url']}")
    print(f"API                {description['api_url']}/api/health")
    print(f"Copies go to       {description['storage']['blob_endpoint']} (container {seed['container']})")
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
    settings_file, bundle = write_local_settings(Stack(STACK_DIRECTORY), APP_DIRECTORY)
    print(f"Wrote {settings_file}. Start Azurite with `make up`, then type:")
    print(f"  SSL_CERT_FILE={bundle} func start")
    return 0


def demo(source: Path | None) -> int:
    """Run the demonstration; exit code 0 only if every byte is equal."""
    with DemoDisplay(Console(highlight=False)) as display:
        try:
            report = run_demo((source or default_source()).expanduser().resolve(), display)
        except DemoFailed as fault:
            display.failure(fault.cause, fault.fix)
            return 1
        display.report(report)
        return 1 if report.problems else 0


def _end_in_order(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Parse the command line and run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status", "local-settings"):
        commands.add_parser(name)
    commands.add_parser("demo").add_argument("--source", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        if arguments.command == "demo":
            return demo(arguments.source)
        return {"up": up, "down": down, "status": status, "local-settings": local_settings}[arguments.command]()
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130
    except (ProcessFailed, AzuriteMissing, StackBusy, ApiRefused, httpx.TransportError, TimeoutError) as fault:
        print(f"FAILED: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
