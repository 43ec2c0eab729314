"""What every Queues and Blobs must do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from functions.adapters.blobs import AzureBlobs
from functions.adapters.queues import AzureQueues
from functions.domain.ports import Blobs, Queues
from tests.conformance.conftest import access
from tests.memory.blobs import MemoryBlobs
from tests.memory.queues import MemoryQueues


@pytest.fixture(params=["memory", "azurite"])
def queues(request: pytest.FixtureRequest) -> tuple[Queues, Callable[[str], list[dict[str, str]]]]:
    """The port, and a reader that stands for the trigger."""
    if request.param == "memory":
        memory = MemoryQueues()
        return memory, lambda queue: [json.loads(message) for message in memory.messages.get(queue, [])]
    reach = access(request.getfixturevalue("azurite"))

    def read(queue: str) -> list[dict[str, str]]:
        client = QueueClient.from_connection_string(
            reach.connection_string or "",
            queue,
            connection_verify=reach.ca_file,
            message_decode_policy=TextBase64DecodePolicy(),
        )
        return [json.loads(message.content) for message in client.receive_messages(max_messages=32)]

    return AzureQueues(reach), read


def test_a_message_arrives_whole_and_in_the_hosts_encoding(
    queues: tuple[Queues, Callable[[str], list[dict[str, str]]]],
) -> None:
    port, read = queues
    name = "q" + uuid.uuid4().hex
    port.send(name, {"organization": "acme", "job_id": "job_1"})
    port.send(name, {"text": "<&> Grüße \u0001"})
    assert sorted(map(json.dumps, read(name))) == sorted(
        map(json.dumps, [{"organization": "acme", "job_id": "job_1"}, {"text": "<&> Grüße \u0001"}])
    )


@pytest.fixture(params=["memory", "azurite"])
def blobs(request: pytest.FixtureRequest) -> Blobs:
    if request.param == "memory":
        return MemoryBlobs()
    return AzureBlobs(access(request.getfixturevalue("azurite")))


@pytest.fixture
def container() -> str:
    """A container that does not exist yet."""
    return "c" + uuid.uuid4().hex


def test_nothing_is_found_in_a_container_that_is_not_there(blobs: Blobs, container: str) -> None:
    assert blobs.get(container, "a") is None
    assert blobs.list(container, "a") == []
    assert blobs.delete_prefix(container, "a/") == 0


def test_blobs_are_written_overwritten_listed_and_removed(blobs: Blobs, container: str) -> None:
    blobs.put(container, "o/j/000001/2.jsonl", b"two", {"rows": "2", "reasons": ""})
    blobs.put(container, "o/j/000001/1.jsonl", b"old")
    blobs.put(container, "o/j/000001/1.jsonl", b"one!", {"rows": "1"})
    blobs.put(container, "o/j/000002/1.jsonl", b"")
    blobs.put(container, "o/other", b"kept")
    assert blobs.get(container, "o/j/000001/1.jsonl") == b"one!"
    assert blobs.get(container, "o/j/000001/9.jsonl") is None
    found = blobs.list(container, "o/j/000001/")
    assert [(item.name, item.size_bytes, item.metadata.get("rows")) for item in found] == [
        ("o/j/000001/1.jsonl", 4, "1"),
        ("o/j/000001/2.jsonl", 3, "2"),
    ]
    assert blobs.delete_prefix(container, "o/j/") == 3
    assert [item.name for item in blobs.list(container, "o/")] == ["o/other"]


def test_an_empty_prefix_deletes_nothing(blobs: Blobs, container: str) -> None:
    blobs.put(container, "a", b"")
    with pytest.raises(ValueError):
        blobs.delete_prefix(container, "")
    assert blobs.list(container, "a")
