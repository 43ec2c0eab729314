"""The Deliverer port in memory: hosts with addresses, and what each answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from functions.domain.ports import WebhookAnswer, WebhookRequest
from functions.domain.public_address import need_https_url, need_public
from migrate_contract.errors import ErrorCode, MigrateError, Retryable


@dataclass
class MemoryReceiver:
    """A host. `status` is its answer; `fault`, if set, is raised instead."""

    addresses: list[str]
    status: int = 204
    fault: MigrateError | None = None


class MemoryDeliverer:
    """Keeps what was posted, in order."""

    def __init__(self) -> None:
        self.hosts: dict[str, MemoryReceiver] = {}
        self.posted: list[WebhookRequest] = []
        self._lock = threading.Lock()

    def receiver(self, host: str, status: int = 204, *addresses: str) -> MemoryReceiver:
        """A host that answers from now on."""
        self.hosts[host] = MemoryReceiver(list(addresses) or ["93.184.215.14"], status)
        return self.hosts[host]

    def deliver(self, request: WebhookRequest) -> WebhookAnswer:
        target = need_https_url(request.url)
        receiver = self.hosts.get(target.host)
        if receiver is None:
            raise Retryable(ErrorCode.WEBHOOK_HOST_UNKNOWN, f"No address was found for {target.host}.")
        need_public(target.host, receiver.addresses)
        if receiver.fault is not None:
            raise receiver.fault
        with self._lock:
            self.posted.append(request)
        return WebhookAnswer(receiver.status)
