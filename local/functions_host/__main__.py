"""The command line of the functions host: `python -m local.functions_host --app DIR --port N ...`.

App settings are the environment variables of this process, as in Azure. The process ends by itself after
SIGTERM or SIGINT, when what is running has finished; exit code 3 means that the app could not be started.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

import uvicorn

from local.functions_host.application import Application
from local.functions_host.easyauth import EasyAuth, read_sign_in
from local.functions_host.host import Host, HostOptions
from local.functions_host.http_exchange import MAX_HEADER_BYTES
from local.functions_host.queues import MESSAGE_LEASE_SECONDS

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="the folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bind", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--state", type=Path, required=True, help="the folder for what timers remember")
    parser.add_argument("--sign-in", type=Path, required=True, help="the operators to sign in (JSON)")
    parser.add_argument("--ca-file", type=Path, help="trusted for storage endpoints")
    parser.add_argument("--certificate", type=Path, help="serve https with this certificate chain")
    parser.add_argument("--key", type=Path, help="the certificate's private key")
    parser.add_argument("--drain-seconds", type=int, default=30, help="how long running requests may finish")
    parser.add_argument("--message-lease-seconds", type=int, default=MESSAGE_LEASE_SECONDS)
    return parser.parse_args()


def main() -> None:
    """Run the host until it is told to stop."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    for noisy in ("azure", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # What the platform tells an app that runs behind its authentication.
    os.environ["WEBSITE_AUTH_ENABLED"] = "True"
    app_directory = arguments.app.resolve()
    state_directory, sign_in = arguments.state.resolve(), read_sign_in(arguments.sign_in)
    ca_file = arguments.ca_file.resolve() if arguments.ca_file else None
    host = Host(
        HostOptions(
            app_directory=app_directory,
            state_directory=state_directory,
            settings=os.environ,
            ca_file=ca_file,
            message_lease_seconds=arguments.message_lease_seconds,
        )
    )
    application = Application(
        host,
        EasyAuth(sign_in),
        hostnames=frozenset(LOOPBACK_NAMES | {arguments.bind}),
        home_page=os.environ.get("AzureWebJobsDisableHomepage", "").lower() != "true",
    )
    config = uvicorn.Config(
        application,
        host=arguments.bind,
        port=arguments.port,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # A little above the limit that we answer ourselves, so that the answer is a clear one.
        h11_max_incomplete_event_size=2 * MAX_HEADER_BYTES,
        timeout_graceful_shutdown=arguments.drain_seconds,
        ssl_certfile=arguments.certificate,
        ssl_keyfile=arguments.key,
    )
    os.chdir(app_directory)
    # The server handles these signals itself and raises them again when it has ended in order; by then
    # there is nothing left to do, and the exit code says so.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(3)


if __name__ == "__main__":
    main()
