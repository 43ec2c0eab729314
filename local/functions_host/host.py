"""The host itself: loads the app, starts a listener for every timer and queue, runs invocations, stops.

Not played here: function keys (our functions are anonymous), timeouts, retry policies, blob-lock
singletons and scale-out. The design has to hold with several instances anyway.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from local.functions_host import app_settings, host_json, queues, schedule, timers, worker
from local.functions_host.function import HTTP_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER, Function
from local.functions_host.queue_storage import POISON_SUFFIX, QueueStorage
from local.functions_host.routes import RouteTable

logger = logging.getLogger("host")


@dataclass(frozen=True)
class HostOptions:
    """Where the app is and what it may use."""

    app_directory: Path
    state_directory: Path
    settings: Mapping[str, str]
    ca_file: Path | None = None
    message_lease_seconds: int = queues.MESSAGE_LEASE_SECONDS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Host:
    """One running app. `start` and `stop` are called once each, on one event loop."""

    def __init__(self, options: HostOptions) -> None:
        """Nothing is loaded before `start`."""
        self._options = options
        self._stopping = asyncio.Event()
        self._listeners: list[asyncio.Task[None]] = []
        self._by_hand: set[asyncio.Task[None]] = set()
        self._functions: dict[str, Function] = {}
        self._storage: QueueStorage | None = None
        self.routes = RouteTable([], "")
        self.running = False

    async def start(self) -> None:
        """Index the app and begin to listen; raises what the app or its settings are refused for."""
        host_file = host_json.read(self._options.app_directory)
        functions = await worker.load(self._options.app_directory)
        enabled = [f for f in functions if not app_settings.disabled(f.name, self._options.settings)]
        self._functions = {function.name.lower(): function for function in enabled}
        self.routes = RouteTable(
            [function for function in enabled if function.kind == HTTP_TRIGGER], host_file.route_prefix
        )
        self._storage = QueueStorage(
            self._options.settings, base64_messages=host_file.queues.base64, ca_file=self._options.ca_file
        )
        timer_functions = [function for function in enabled if function.kind == TIMER_TRIGGER]
        queue_functions = [function for function in enabled if function.kind == QUEUE_TRIGGER]
        # Every listener is made before the first one runs: a bad setting stops the start as a whole.
        listeners = [self._timer(function).run() for function in timer_functions]
        listeners += [self._queue(function, host_file.queues).run() for function in queue_functions]
        for listener in listeners:
            self._listen(listener)
        for route in self.routes.routes:
            logger.info("%s [%s] /%s", route.function.name, ",".join(sorted(route.methods)), route.template)
        logger.info("running %d functions", len(enabled))
        self.running = True

    async def stop(self) -> None:
        """Stop listening, finish what is running, release everything."""
        self.running = False
        self._stopping.set()
        waiting = [*self._listeners, *self._by_hand]
        if waiting:
            await asyncio.wait(waiting)
        if self._storage is not None:
            await self._storage.close()
        await asyncio.to_thread(worker.stop)

    def function(self, name: str) -> Function | None:
        """An enabled function by its name, in any case."""
        return self._functions.get(name.lower())

    async def invoke(self, function: Function, trigger_input: Any, metadata: Mapping[str, Any]) -> Any:
        """Run a function, send its queue outputs, and give back its return value; raises InvocationFailed."""
        started = time.perf_counter()
        try:
            result = await worker.invoke(function, trigger_input, metadata)
            for name, datum in result.outputs:
                await self._send_output(function, name, datum)
        except worker.InvocationFailed:
            elapsed = (time.perf_counter() - started) * 1000
            logger.error("Executed 'Functions.%s' (Failed, Duration=%.0fms)", function.name, elapsed)
            raise
        elapsed = (time.perf_counter() - started) * 1000
        logger.info("Executed 'Functions.%s' (Succeeded, Duration=%.0fms)", function.name, elapsed)
        return result.returned

    async def invoke_by_hand(self, function: Function, text: str) -> None:
        """Run a timer or queue function now, outside its schedule or queue; raises InvocationFailed."""
        if function.kind == TIMER_TRIGGER:
            await self.invoke(function, timers.trigger_input(past_due=False, status=None), {})
        else:
            content, metadata = queues.trigger_input(text.encode("utf-8"), None)
            await self.invoke(function, content, metadata)

    def start_by_hand(self, function: Function, text: str) -> None:
        """The same without waiting; a failure is logged."""
        task = asyncio.create_task(self._logged(self.invoke_by_hand(function, text), function.name))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)

    async def _logged(self, run: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await run
        except worker.InvocationFailed as fault:
            logger.error("%s, run by hand, failed\n%s", name, fault)

    def _listen(self, listener: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(listener)
        self._listeners.append(task)
        task.add_done_callback(self._listener_ended)

    def _listener_ended(self, task: asyncio.Task[None]) -> None:
        """A listener that dies of a defect must not go unnoticed."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            logger.critical("a listener died", exc_info=fault)

    def _timer(self, function: Function) -> timers.TimerListener:
        async def invoke(trigger_input: Any) -> None:
            await self.invoke(function, trigger_input, {})

        expression = app_settings.resolve(str(function.trigger["schedule"]), self._options.settings)
        status_path = self._options.state_directory / "timers" / f"{function.name.lower()}.json"
        return timers.TimerListener(
            name=function.name,
            schedule=schedule.parse(expression),
            run_on_startup=bool(function.trigger.get("runOnStartup", False)),
            use_monitor=bool(function.trigger.get("useMonitor", True)),
            status_file=timers.StatusFile(status_path),
            invoke=invoke,
            stopping=self._stopping,
            now=self._options.now,
        )

    def _queue(self, function: Function, options: host_json.QueueOptions) -> queues.QueueListener:
        async def invoke(trigger_input: Any, metadata: Mapping[str, Any]) -> None:
            await self.invoke(function, trigger_input, metadata)

        if self._storage is None:
            raise RuntimeError("queue listeners are made by start")
        queue = self._storage.open(function.trigger)
        is_poison_queue = str(queue.queue_name).endswith(POISON_SUFFIX)
        return queues.QueueListener(
            name=function.name,
            storage=self._storage,
            queue=queue,
            poison=None if is_poison_queue else self._storage.open(function.trigger, poison=True),
            options=options,
            invoke=invoke,
            stopping=self._stopping,
            lease_seconds=self._options.message_lease_seconds,
        )

    async def _send_output(self, function: Function, name: str, datum: Any) -> None:
        binding = function.output(name)
        if str(binding["type"]).lower() != "queue" or self._storage is None:
            return
        try:
            await self._storage.put(binding, datum)
        except AzureError as fault:
            raise worker.InvocationFailed(f"output binding {name}: {fault}") from fault
