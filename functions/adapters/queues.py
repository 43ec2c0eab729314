"""The Queues port over Azure Queue Storage, in the encoding that the Functions host expects (base64)."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64EncodePolicy

from functions.adapters.access import StorageAccess, client_options, credential_of
from functions.adapters.faults import translated


class AzureQueues:
    """One storage account's queues. A queue is made when it is first sent to."""

    def __init__(self, access: StorageAccess) -> None:
        options = client_options(access)
        if access.connection_string:
            self._service = QueueServiceClient.from_connection_string(access.connection_string, **options)
        else:
            self._service = QueueServiceClient(
                account_url=access.queue_endpoint or "", credential=credential_of(access), **options
            )
        self._clients: dict[str, QueueClient] = {}
        self._lock = threading.Lock()

    def send(self, queue: str, message: Mapping[str, str], delay_seconds: int = 0) -> None:
        """See the port."""
        content = json.dumps(dict(message))
        client = self._client(queue)
        with translated("queues"):
            try:
                client.send_message(content, visibility_timeout=delay_seconds)
            except ResourceNotFoundError:
                self.ensure(queue)
                client.send_message(content, visibility_timeout=delay_seconds)

    def ensure(self, queue: str) -> None:
        """Makes the queue if it is not there: the host's trigger does not."""
        with translated("queues"):
            if not any(found.name == queue for found in self._service.list_queues(name_starts_with=queue)):
                self._client(queue).create_queue()

    def _client(self, queue: str) -> QueueClient:
        with self._lock:
            if queue not in self._clients:
                self._clients[queue] = self._service.get_queue_client(
                    queue, message_encode_policy=TextBase64EncodePolicy()
                )
            return self._clients[queue]
