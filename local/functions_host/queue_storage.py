"""Storage queues as the host reaches them: clients by connection, the message encoding, output bindings."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.functions_host.app_settings import connection_string, resolve
from local.functions_host.function import Binding

POISON_SUFFIX = "-poison"


class MessageUndecodable(Exception):
    """A message is not in the encoding that host.json asks for."""


class QueueStorage:
    """Opens queues for bindings and keeps each client for the life of the host."""

    def __init__(self, settings: Mapping[str, str], *, base64_messages: bool, ca_file: Path | None) -> None:
        """Read connections from the app settings; `ca_file` is trusted for https endpoints on loopback."""
        self._settings = settings
        self._base64 = base64_messages
        self._ca_file = ca_file
        self._clients: dict[tuple[str, str], QueueClient] = {}

    def open(self, binding: Binding, *, poison: bool = False) -> QueueClient:
        """The queue that a binding names, or its poison queue; raises SettingMissing."""
        queue = resolve(str(binding["queueName"]), self._settings).lower() + (POISON_SUFFIX if poison else "")
        connection = str(binding["connection"])
        if (connection, queue) not in self._clients:
            # An authority of our own means loopback, where no proxy of the environment belongs.
            loopback = {"connection_verify": str(self._ca_file), "use_env_settings": False}
            options: dict[str, Any] = loopback if self._ca_file else {}
            self._clients[connection, queue] = QueueClient.from_connection_string(
                connection_string(connection, self._settings), queue, **options
            )
        return self._clients[connection, queue]

    def encode(self, body: bytes) -> str:
        """A message's text on the wire."""
        return base64.b64encode(body).decode("ascii") if self._base64 else body.decode("utf-8")

    def decode(self, content: str) -> bytes:
        """A message's bytes; raises MessageUndecodable."""
        if not self._base64:
            return content.encode("utf-8")
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as fault:
            raise MessageUndecodable(str(fault)) from fault

    async def put(self, binding: Binding, datum: Any) -> None:
        """Send what a function gave to a queue output binding, creating the queue when it is missing."""
        client = self.open(binding)
        for body in output_messages(datum):
            await send(client, self.encode(body))

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            await client.close()


async def send(client: QueueClient, content: str, *, time_to_live: int | None = None) -> None:
    """Send a message as it stands; a missing queue is created. `time_to_live` of -1 keeps it for ever."""
    try:
        await client.send_message(content, time_to_live=time_to_live)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # somebody else was faster, which is just as well
            await client.create_queue()
        await client.send_message(content, time_to_live=time_to_live)


def output_messages(datum: Any) -> list[bytes]:
    """The messages that one output value becomes.

    The host parses text that is JSON: an array becomes several messages, an object is written again
    with indentation. Bytes go out as they are.
    """
    if datum.type == "bytes":
        return [bytes(datum.value)]
    value: Any = datum.value
    try:
        parsed = json.loads(value)
    except ValueError:
        return [str(value).encode("utf-8")]
    if not isinstance(parsed, list | dict):
        return [str(value).encode("utf-8")]
    items = parsed if isinstance(parsed, list) else [parsed]
    return [(item if isinstance(item, str) else json.dumps(item, indent=2)).encode("utf-8") for item in items]
