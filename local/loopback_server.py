"""A server of the local cloud: HTTPS for the product, and beside it a control API for tests, each on its own port.

The HTTPS side can be taken off the network and put back (an *outage*: connections are refused); the control side
stays. It speaks plain HTTP on 127.0.0.1, and the product never learns its port.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from local.certificates import Certificates
from local.ports import is_listening
from local.processes import ChildProcess

_REPOSITORY = Path(__file__).resolve().parent.parent
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "SystemRoot")
_OUTAGE = "/outage"
_SHUTDOWN_SECONDS = 1.0
"""Clients keep connections open: nothing is gained by waiting for them."""


class LoopbackServer:
    """Both sides of one server, in one event loop."""

    def __init__(
        self,
        ports: tuple[int, int],
        certificates: Certificates,
        application: Callable[[], web.Application],
        control: web.Application,
    ) -> None:
        """Serve `application()` on the first port and `control` on the second; nothing listens before `run`."""
        self._port, self._control_port = ports
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates.chain_file, certificates.key_file)
        self._application = application
        self._control = control
        self._control.router.add_post(_OUTAGE, self._set_outage)
        self._runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        await self._appear()
        runner = web.AppRunner(self._control, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._control_port).start()
        await ended.wait()
        await self._vanish()
        await runner.cleanup()

    async def _appear(self) -> None:
        if self._runner is None:
            self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls, reuse_address=True)
            await site.start()

    async def _vanish(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _set_outage(self, request: web.Request) -> web.Response:
        out = bool((await request.json())["out"])
        await (self._vanish() if out else self._appear())
        return web.json_response({"out": out})


class LoopbackProcess:
    """Such a server as a child process: `python -m MODULE CONFIG`, where CONFIG is a JSON file."""

    def __init__(
        self, name: str, module: str, directory: Path, ports: tuple[int, int], config: Callable[[], dict[str, Any]]
    ) -> None:
        """Describe it; `config()` is written down, readable by its owner only, at each start."""
        self._config = config
        self._config_file = directory / f"{name.replace(' ', '-')}.json"
        self.url = f"https://127.0.0.1:{ports[0]}"
        self.control_url = f"http://127.0.0.1:{ports[1]}"
        self._control_port = ports[1]
        self.process = ChildProcess(
            name,
            [sys.executable, "-m", module, self._config_file],
            directory=directory,
            log_file=directory / "logs" / f"{name.replace(' ', '-')}.log",
            environment={
                **{each: os.environ[each] for each in _INHERITED if each in os.environ},
                "PYTHONPATH": str(_REPOSITORY),
                "PYTHONUNBUFFERED": "1",
            },
        )

    def launch(self) -> None:
        """Start it, without waiting; `wait_ready` follows."""
        self._config_file.touch(mode=0o600)
        self._config_file.write_text(json.dumps(self._config(), indent=2), "utf-8")
        self.process.start()

    def wait_ready(self) -> None:
        """Return when it serves; raises ProcessFailed."""
        self.process.wait_ready(lambda: is_listening(self._control_port))

    def start(self) -> None:
        """Start it and wait until it serves; raises ProcessFailed."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End it in order."""
        self.process.stop()


class ControlClient:
    """Calls a control API; every method of a subclass may raise httpx.HTTPError."""

    def __init__(self, control_url: str) -> None:
        """Talk to the control API at this address."""
        self._http = httpx.Client(base_url=control_url, timeout=10, trust_env=False)

    def outage(self, out: bool = True) -> None:
        """Take the server off the network (connections are refused), or put it back."""
        self.call("POST", _OUTAGE, out=out)

    def call(self, method: str, path: str, **body: Any) -> Any:
        """The parsed answer of one call; arguments that are None are left out."""
        given = {name: value for name, value in body.items() if value is not None}
        answer = self._http.request(method, path, json=given or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def read_config(arguments: list[str]) -> dict[str, Any]:
    """The JSON file that the command line names."""
    document: dict[str, Any] = json.loads(Path(arguments[1]).read_text("utf-8"))
    return document
