"""A running endpoint: started on a free loopback port, asked and set through its control addresses, ended by pid."""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.sink.build import built_program
from local.certificates import Certificates

ACCOUNT = "benchaccount"
_SAS = "sv=2023-11-03&sr=c&sp=racwl&se=2099-01-01T00%3A00%3A00Z&sig=bm90LWEtc2VjcmV0"
"""The endpoint asks for a signature and accepts any; the rest is what clients look at before they start."""


@dataclass(frozen=True)
class Behaviour:
    """How the endpoint answers, beyond what it answers."""

    delay_ms: int = 0
    chunked: bool = False
    close_each: bool = False
    always_continue: bool = False

    @property
    def query(self) -> str:
        """The same for its control address."""
        return (
            f"delay_ms={self.delay_ms}&chunked={int(self.chunked)}"
            f"&close={int(self.close_each)}&continue={int(self.always_continue)}"
        )


class SinkFailed(Exception):
    """The endpoint did not start, or refused a control request."""


class Sink:
    """The control side of one running endpoint."""

    def __init__(self, process: subprocess.Popen[str], port: int, certificates: Certificates) -> None:
        self._process, self.port, self.ca_file = process, port, certificates.ca_file
        self._tls = ssl.create_default_context(cafile=str(certificates.ca_file))

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def address(self) -> str:
        """Where the account answers, without a container."""
        return f"https://127.0.0.1:{self.port}/{ACCOUNT}"

    def container_url(self, container: str) -> str:
        """A container's address with a signature that every client takes."""
        return f"{self.address}/{container}?{_SAS}"

    def new_container(self) -> str:
        """The name of a fresh, empty container."""
        name = f"bench-{secrets.token_hex(5)}"
        self._ask("PUT", f"/{ACCOUNT}/{name}?restype=container&{_SAS}")
        return name

    def stats(self) -> dict[str, Any]:
        """What it has counted since it was told to forget: times are seconds since 1970."""
        return dict(json.loads(self._ask("GET", "/__sink/stats")))

    def digests(self, container: str) -> str:
        """One line a blob: percent-encoded name, size, label (MD5), mtime, then `size:kind:digest` of every body."""
        return self._ask("GET", f"/__sink/digests/{container}").decode()

    def forget(self) -> None:
        """Its counters begin anew; blobs stay."""
        self._ask("GET", "/__sink/forget")

    def reset(self) -> None:
        """Counters and blobs are gone."""
        self._ask("GET", "/__sink/reset")

    def behave(self, behaviour: Behaviour) -> None:
        """From now on it answers like this."""
        self._ask("GET", f"/__sink/settings?{behaviour.query}")

    def _ask(self, method: str, target: str) -> bytes:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self._tls, timeout=120)
        try:
            connection.request(method, target, headers={"Content-Length": "0"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise SinkFailed(f"{method} {target.partition('?')[0]}: {answer.status} {content[:300]!r}")
        return content


@contextmanager
def running_sink(certificates: Certificates, *, port: int = 0, program: Path | None = None) -> Iterator[Sink]:
    """An endpoint that ends with the context; raises SinkFailed or BuildFailed."""
    process = subprocess.Popen(
        [program or built_program(), str(port), certificates.chain_file, certificates.key_file],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        first = process.stdout.readline() if process.stdout else ""
        if not first.startswith("port "):
            raise SinkFailed(f"The endpoint did not start (exit code {process.wait(10)}).")
        yield Sink(process, int(first.split()[1]), certificates)
    finally:
        process.terminate()
        process.wait(10)
