"""host.json, typed: the route prefix and the queue options, with the host's own defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIME_SPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d+)?)")
MAX_BATCH_SIZE = 32


class HostJsonInvalid(Exception):
    """host.json is missing, is not JSON, or holds a value that the host refuses."""


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues` of host.json."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_seconds: float = 0.0
    max_polling_interval_seconds: float = 60.0
    base64: bool = True


@dataclass(frozen=True)
class HostJson:
    """The parts of host.json that this host acts on."""

    route_prefix: str
    queues: QueueOptions


def time_span(value: str) -> float:
    """Seconds of a .NET time span `[d.]hh:mm:ss[.fff]`; raises ValueError."""
    match = _TIME_SPAN.fullmatch(value)
    if match is None or int(match["hours"]) > 23 or int(match["minutes"]) > 59 or float(match["seconds"]) >= 60:
        raise ValueError(f"not a time span: {value!r}")
    days, hours, minutes = int(match["days"] or 0), int(match["hours"]), int(match["minutes"])
    return ((days * 24 + hours) * 60 + minutes) * 60 + float(match["seconds"])


def read(app_directory: Path) -> HostJson:
    """The app's host.json; raises HostJsonInvalid."""
    path = app_directory / "host.json"
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as fault:
        raise HostJsonInvalid(f"{path}: {fault}") from fault


def parse(document: Any) -> HostJson:
    """A parsed host.json, checked; raises HostJsonInvalid."""
    try:
        if document.get("version") != "2.0":
            raise ValueError("version is not 2.0")
        extensions = document.get("extensions", {})
        prefix = str(extensions.get("http", {}).get("routePrefix", "api")).strip("/")
        return HostJson(prefix, _queue_options(extensions.get("queues", {})))
    except (ValueError, TypeError, AttributeError) as fault:
        raise HostJsonInvalid(f"host.json: {fault}") from fault


def _queue_options(options: Mapping[str, Any]) -> QueueOptions:
    batch_size = int(options.get("batchSize", QueueOptions.batch_size))
    max_dequeue_count = int(options.get("maxDequeueCount", QueueOptions.max_dequeue_count))
    if not 1 <= batch_size <= MAX_BATCH_SIZE:
        raise ValueError(f"queues.batchSize must be 1 to {MAX_BATCH_SIZE}")
    if max_dequeue_count < 1:
        raise ValueError("queues.maxDequeueCount must be at least 1")
    encoding = str(options.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise ValueError("queues.messageEncoding must be base64 or none")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=int(options.get("newBatchThreshold", batch_size // 2)),
        max_dequeue_count=max_dequeue_count,
        visibility_timeout_seconds=time_span(options.get("visibilityTimeout", "00:00:00")),
        max_polling_interval_seconds=time_span(options.get("maxPollingInterval", "00:01:00")),
        base64=encoding == "base64",
    )
