"""Queue triggers: one listener per function, with the host's rules for batches, retries and poison.

A message is hidden while its function runs and deleted when it succeeds. When it fails it becomes visible
again after `visibilityTimeout`; after `maxDequeueCount` tries it moves to `<queue>-poison`. A trigger on a
poison queue has no poison queue of its own: a message that fails there stays hidden until its lease ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host import worker
from local.functions_host.host_json import QueueOptions
from local.functions_host.queue_storage import MessageUndecodable, QueueStorage, send

SHORTEST_POLL_SECONDS = 0.1
MESSAGE_LEASE_SECONDS = 600

type Invoke = Callable[[Any, Mapping[str, Any]], Awaitable[None]]
"""Runs the function with a trigger input and trigger metadata; raises InvocationFailed."""

logger = logging.getLogger("host.queues")


def trigger_input(body: bytes, message: QueueMessage | None) -> tuple[Any, dict[str, Any]]:
    """The datum and the metadata that a queue function receives; `message` is None for a call by hand."""
    try:
        content = worker.text(body.decode("utf-8"))
    except UnicodeDecodeError:
        content = worker.binary(body)
    now = datetime.now(UTC)

    def moment(value: datetime | None) -> Any:
        return worker.json_text(json.dumps((value or now).isoformat()))

    return content, {
        "QueueTrigger": content,
        "Id": worker.text(message.id if message else secrets.token_hex(16)),
        "PopReceipt": worker.text(message.pop_receipt or "" if message else ""),
        "DequeueCount": worker.integer(message.dequeue_count or 1 if message else 1),
        "InsertionTime": moment(message.inserted_on if message else None),
        "ExpirationTime": moment(message.expires_on if message else None),
        "NextVisibleTime": moment(message.next_visible_on if message else None),
    }


@dataclass
class QueueListener:
    """Polls one queue until `stopping` is set; `poison` is None for a trigger on a poison queue."""

    name: str
    storage: QueueStorage
    queue: QueueClient
    poison: QueueClient | None
    options: QueueOptions
    invoke: Invoke
    stopping: asyncio.Event
    lease_seconds: int = MESSAGE_LEASE_SECONDS
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Receive and run messages; returns after `stopping`, with every running message finished."""
        delay = SHORTEST_POLL_SECONDS
        while not self.stopping.is_set():
            if len(self._running) > self.options.new_batch_threshold:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                continue
            received = await self._receive()
            delay = SHORTEST_POLL_SECONDS if received else self._longer(delay)
            if not received:
                await self._pause(delay)
        if self._running:
            await asyncio.wait(self._running)

    def _longer(self, delay: float) -> float:
        # Between 1.6 and 2 times the last delay, so that several hosts do not poll in step.
        spread = 1.6 + secrets.randbelow(401) / 1000
        return min(delay * spread, self.options.max_polling_interval_seconds)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _receive(self) -> int:
        """Start a task for each message of one batch; how many there were."""
        received = 0
        try:
            pages = self.queue.receive_messages(
                messages_per_page=self.options.batch_size,
                max_messages=self.options.batch_size,
                visibility_timeout=self.lease_seconds,
            )
            async for message in pages:
                received += 1
                task = asyncio.create_task(self._handle(message), name=f"{self.name} {message.id}")
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        except ResourceNotFoundError:
            return received  # the queue is made by whoever sends first
        except AzureError as fault:
            logger.warning("queue %s cannot be read: %s", self.queue.queue_name, fault)
        return received

    async def _handle(self, message: QueueMessage) -> None:
        """One message from receipt to its end. Storage faults leave it to become visible again."""
        lease = asyncio.create_task(self._keep_hidden(message))
        try:
            await self._run_once(message)
        except AzureError as fault:
            logger.warning("message %s of %s is left to return: %s", message.id, self.queue.queue_name, fault)
        finally:
            lease.cancel()

    async def _run_once(self, message: QueueMessage) -> None:
        tries = message.dequeue_count or 1
        if tries > self.options.max_dequeue_count and self.poison is not None:
            await self._move_to_poison(message)
            return
        try:
            content, metadata = trigger_input(self.storage.decode(message.content), message)
        except MessageUndecodable as fault:
            logger.error("message %s of %s cannot be decoded: %s", message.id, self.queue.queue_name, fault)
            await self._move_to_poison(message)
            return
        try:
            await self.invoke(content, metadata)
        except worker.InvocationFailed as fault:
            logger.error("%s failed at try %d of message %s\n%s", self.name, tries, message.id, fault)
            await self._give_back(message, tries)
        else:
            await self.queue.delete_message(message.id, message.pop_receipt)

    async def _give_back(self, message: QueueMessage, tries: int) -> None:
        if self.poison is None:
            return
        if tries >= self.options.max_dequeue_count:
            await self._move_to_poison(message)
            return
        await self.queue.update_message(
            message.id,
            message.pop_receipt,
            visibility_timeout=round(self.options.visibility_timeout_seconds),
        )

    async def _move_to_poison(self, message: QueueMessage) -> None:
        if self.poison is None:
            return
        await send(self.poison, message.content, time_to_live=-1)
        await self.queue.delete_message(message.id, message.pop_receipt)
        logger.error("message %s moved to queue %s", message.id, self.poison.queue_name)

    async def _keep_hidden(self, message: QueueMessage) -> None:
        """Renew the lease of a long-running message; each renewal gives a new pop receipt."""
        while True:
            await asyncio.sleep(self.lease_seconds / 2)
            try:
                renewed = await self.queue.update_message(
                    message.id, message.pop_receipt, visibility_timeout=self.lease_seconds
                )
            except AzureError as fault:
                logger.warning("message %s could not be kept hidden: %s", message.id, fault)
                continue
            message.pop_receipt = renewed.pop_receipt
