"""Drives azure-functions-runtime, the worker library that runs Python apps in Azure.

The library speaks the host's gRPC messages, but asks only for objects with the right attributes, so
plain stand-ins serve and no protobuf is needed. `invocation_request_native` is not in the library's
`__all__`: requirements.txt pins the version that this module was written against.
One app per process: the library keeps its registry in module globals.
"""

from __future__ import annotations

import sys
import types
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native

from local.functions_host.function import Function, from_metadata


class IndexingFailed(Exception):
    """The app cannot be indexed: no app, a wrong argument name, a duplicate function, an import error."""


class InvocationFailed(Exception):
    """The function raised, or returned what its bindings cannot carry; the message is the traceback."""


@dataclass(frozen=True)
class Result:
    """What an invocation gave back, still in the library's own datum type."""

    returned: Any
    outputs: Sequence[tuple[str, Any]]


class _Message(types.SimpleNamespace):
    """Stand-in for any protobuf message class: keeps what it is given, has None for the rest."""

    def __getattr__(self, name: str) -> None:
        return None


class _StatusResult(_Message):
    """Stand-in for the status message, with the enum values the library compares."""

    Failure, Success, Cancelled = 0, 1, 2


class _BindingInfo(_Message):
    """Stand-in for the binding message, with the enum values the library looks up by name."""

    undefined, string, binary, stream = 0, 1, 2, 3
    out, inout = 1, 2


setattr(_BindingInfo, "in", 0)


class _Messages:
    """Stand-in for the generated protobuf module."""

    StatusResult = _StatusResult
    BindingInfo = _BindingInfo

    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


def _request(**fields: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        request=types.SimpleNamespace(**fields),
        properties={"host": "127.0.0.1", "protos": _Messages()},
    )


async def load(app_directory: Path) -> list[Function]:
    """Start the worker's thread pool and index the app; raises IndexingFailed or BindingUnsupported."""
    sys.path.insert(0, str(app_directory))
    runtime.start_threadpool_executor()
    init = types.SimpleNamespace(capabilities={}, function_app_directory=str(app_directory))
    answer = await runtime.worker_init_request(_request(worker_init_request=init))
    if answer.result.status != _StatusResult.Success:
        fault = answer.result.exception
        raise IndexingFailed(f"{fault.message}\n{fault.stack_trace}")
    metadata = await runtime.functions_metadata_request(_request(functions_metadata_request=None))
    indexed = metadata.function_metadata_results
    if not indexed:
        raise IndexingFailed(f"no functions were found in {app_directory / 'function_app.py'}")
    return [from_metadata(entry.name, entry.function_id, entry.raw_bindings) for entry in indexed]


def stop() -> None:
    """Wait for the worker's threads and end them."""
    runtime.stop_threadpool_executor()


async def invoke(function: Function, trigger_input: Any, trigger_metadata: Mapping[str, Any]) -> Result:
    """Run one function once and return what it gave back; raises InvocationFailed."""
    trace_parent = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    succeeded, returned, outputs, fault, trace = await invocation_request_native(
        str(uuid.uuid4()),
        function.function_id,
        [(function.trigger_parameter, trigger_input)],
        dict(trigger_metadata),
        trace_parent=trace_parent,
    )
    if not succeeded:
        raise InvocationFailed(trace or fault)
    return Result(returned, cast("Sequence[tuple[str, Any]]", outputs))


def text(value: str) -> Any:
    """A datum holding text."""
    return Datum(value, "string")


def binary(value: bytes) -> Any:
    """A datum holding bytes."""
    return Datum(value, "bytes")


def integer(value: int) -> Any:
    """A datum holding a whole number."""
    return Datum(value, "int")


def json_text(value: str) -> Any:
    """A datum holding JSON in its text form."""
    return Datum(value, "json")


def http_request(
    method: str, url: str, headers: Mapping[str, str], query: Mapping[str, str], params: Mapping[str, str], body: bytes
) -> Any:
    """A datum holding a request as the HTTP trigger's converter reads it."""
    return Datum(
        {
            "method": text(method),
            "url": text(url),
            "headers": {name: text(value) for name, value in headers.items()},
            "query": {name: text(value) for name, value in query.items()},
            "params": {name: text(value) for name, value in params.items()},
            "body": binary(body),
        },
        "http",
    )
