"""The benchmark's endpoint does what clients rely on in Azure, seen by Azure's own client and by plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from awscrt.checksums import crc64nvme
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobPrefix, ContainerClient

from bench.digests import parse_digests
from bench.sink.process import Behaviour, Sink


def md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def crc64(body: bytes) -> str:
    return b64(crc64nvme(body, 0).to_bytes(8, "little"))


def code_of(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", "")
    return str(getattr(code, "value", code))


class Plain:
    """One kept connection to a container, without an SDK's help."""

    def __init__(self, sink: Sink, container: str) -> None:
        self.context = ssl.create_default_context(cafile=str(sink.ca_file))
        self.connection = http.client.HTTPSConnection("127.0.0.1", sink.port, context=self.context, timeout=20)
        self.base, self.query = sink.container_url(container).removeprefix(f"https://127.0.0.1:{sink.port}").split("?")

    def put(self, name: str, body: bytes, query: str = "", **headers: str) -> tuple[int, str]:
        """Status and error code."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if not query:
            sent.setdefault("x-ms-blob-type", "BlockBlob")
        target = f"{self.base}/{quote(name)}?{query}{'&' if query else ''}{self.query}"
        self.connection.request("PUT", target, body, {"Content-Length": str(len(body)), **sent})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("x-ms-error-code", "")


@pytest.fixture
def container(sink: Sink) -> str:
    return sink.new_container()


@pytest.fixture
def client(sink: Sink, container: str) -> Iterator[ContainerClient]:
    made = ContainerClient.from_container_url(
        sink.container_url(container), connection_verify=str(sink.ca_file), retry_total=0
    )
    with made:
        yield made


@pytest.fixture
def plain(sink: Sink, container: str) -> Plain:
    return Plain(sink, container)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 4096, 16_384, 131_072, 131_073, 1_000_003])
def test_it_recomputes_every_digest(sink: Sink, plain: Plain, container: str, size: int) -> None:
    body = bytes(index * 7 % 251 for index in range(size))
    assert plain.put("b", body, Content_MD5=b64(md5(body)), x_ms_content_crc64=crc64(body)) == (201, "")
    assert plain.put("b", body, Content_MD5=b64(md5(body + b"x")))[1] == "Md5Mismatch"
    assert plain.put("b", body, x_ms_content_crc64=crc64(body + b"x"))[1] == "Crc64Mismatch"
    assert plain.put("c", body, "comp=block&blockid=YWFh", x_ms_content_crc64=crc64(body)) == (201, "")
    assert plain.put("c", body, "comp=block&blockid=YWFi", x_ms_content_crc64=crc64(body + b"x"))[1] == "Crc64Mismatch"
    assert plain.put("c", body, "comp=block&blockid=YWFi", Content_MD5=b64(md5(body + b"x")))[1] == "Md5Mismatch"
    listed = b"<BlockList><Uncommitted>YWFh</Uncommitted></BlockList>"
    assert plain.put("c", listed, "comp=blocklist") == (201, "")
    one, other = parse_digests(sink.digests(container))
    assert (one.name, one.size, one.label) == ("b", size, md5(body).hex())
    assert one.bodies == ((size, "m", md5(body).hex()),)
    assert other.bodies == ((size, "c", crc64nvme(body, 0).to_bytes(8, "little").hex()),)
    assert other.label == "-"
    assert sink.stats()["mismatches"] == 4


def test_many_bodies_at_once_keep_their_digests(sink: Sink, container: str) -> None:
    """Their MD5s are carried on side by side."""
    bodies = {f"file-{index}": bytes([index]) * (index * 3001) for index in range(24)}
    lines = [Plain(sink, container) for _ in bodies]
    for line, (name, body) in zip(lines, bodies.items(), strict=True):
        line.connection.putrequest("PUT", f"{line.base}/{name}?{line.query}")
        line.connection.putheader("x-ms-blob-type", "BlockBlob")
        line.connection.putheader("Content-Length", str(len(body)))
        line.connection.endheaders()
    for part in range(3):
        for line, body in zip(lines, bodies.values(), strict=True):
            line.connection.send(body[len(body) * part // 3 : len(body) * (part + 1) // 3])
    for line in lines:
        assert line.connection.getresponse().status == 201
    assert {each.name: each.label for each in parse_digests(sink.digests(container))} == {
        name: md5(body).hex() for name, body in bodies.items()
    }


def test_conditions_of_writes(client: ContainerClient) -> None:
    first = client.upload_blob("name", b"one")
    with pytest.raises(ResourceExistsError):
        client.upload_blob("name", b"two", overwrite=False)
    etag = first.get_blob_properties().etag
    client.upload_blob("name", b"two", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        client.upload_blob("name", b"three", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
    assert first.get_blob_properties().size == 3


def test_blocks_are_listed_and_every_listed_one_must_have_come(client: ContainerClient) -> None:
    blob = client.get_blob_client("big")
    for index in range(3):
        blob.stage_block(f"block-{index}", bytes([index]) * 1000)
    committed, staged = blob.get_block_list("all")
    assert (len(committed), [block.size for block in staged]) == (0, [1000, 1000, 1000])
    with pytest.raises(ResourceNotFoundError):
        blob.get_blob_properties()
    with pytest.raises(HttpResponseError) as refusal:
        blob.commit_block_list([BlobBlock("block-0"), BlobBlock("never-1")])
    assert code_of(refusal.value) == "InvalidBlockList"
    blob.commit_block_list([BlobBlock("block-2"), BlobBlock("block-0")], metadata={"mtime": "now"})
    committed, staged = blob.get_block_list("all")
    assert ([block.id for block in committed], staged) == (["block-2", "block-0"], [])
    properties = blob.get_blob_properties()
    assert (properties.size, properties.metadata) == (2000, {"mtime": "now"})
    with pytest.raises(HttpResponseError) as refusal:
        blob.stage_block("an id of another length", b"x")
    assert code_of(refusal.value) == "InvalidBlobOrBlock"


def test_a_block_may_be_listed_twice_and_fifty_thousand_times(
    sink: Sink, container: str, client: ContainerClient
) -> None:
    blob = client.get_blob_client("repeated")
    blob.stage_block("id-1", b"abc")
    blob.commit_block_list([BlobBlock("id-1")] * 50_000)
    assert blob.get_blob_properties().size == 150_000
    (arrived,) = parse_digests(sink.digests(container))
    assert (len(arrived.bodies), {size for size, _, _ in arrived.bodies}) == (50_000, {3})
    with pytest.raises(HttpResponseError) as refusal:
        blob.commit_block_list([BlobBlock("id-1")] * 50_001)
    assert code_of(refusal.value) == "BlockListTooLong"


def test_blobs_are_listed_as_azure_lists_them(client: ContainerClient) -> None:
    names = ["a", "a/1", "a/2", "b & <c>", "d/e/f", "d/g", "nul\x01l", "ü/ß", "z"]
    for name in names:
        client.upload_blob(name, name.encode(), metadata={"mtime": "2026"}, validate_content=True)
    listed = list(client.list_blobs(include=["metadata"], results_per_page=2))
    assert [blob.name for blob in listed] == sorted(names, key=str.encode)
    assert all(blob.size == len(blob.name.encode()) and blob.metadata == {"mtime": "2026"} for blob in listed)
    assert [blob.content_settings.content_md5 for blob in listed] == [
        bytearray(md5(blob.name.encode())) for blob in listed
    ]
    assert [blob.name for blob in client.list_blobs(name_starts_with="d/")] == ["d/e/f", "d/g"]
    walked = list(client.walk_blobs(delimiter="/", results_per_page=1))
    assert [each.name for each in walked if isinstance(each, BlobPrefix)] == ["a/", "d/", "ü/"]
    assert [each.name for each in walked if not isinstance(each, BlobPrefix)] == ["a", "b & <c>", "nul\x01l", "z"]


def test_it_counts_what_arrived_and_forgets_on_request(sink: Sink, client: ContainerClient, container: str) -> None:
    client.upload_blob("one", bytes(500))
    client.upload_blob("two", bytes(700))
    stats = sink.stats()
    assert (stats["bytes"], stats["commits"], stats["put_blobs"]) == (1200, 2, 2)
    assert stats["first_request"] <= stats["first_write"] <= stats["last_commit"]
    sink.forget()
    assert (sink.stats()["requests"], len(list(parse_digests(sink.digests(container))))) == (0, 2)
    sink.reset()
    with pytest.raises(ResourceNotFoundError):
        client.upload_blob("three", b"")


def test_no_signature_no_answer(sink: Sink, container: str) -> None:
    line = Plain(sink, container)
    line.query = "sv=2023-11-03"
    assert line.put("name", b"body") == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (Behaviour(chunked=True), lambda head: head["Transfer-Encoding"] == "chunked" and "Content-Length" not in head),
        (Behaviour(close_each=True), lambda head: head["Connection"] == "close"),
        (Behaviour(), lambda head: head["Content-Length"] == "0"),
    ],
)
def test_ways_of_answering(
    sink: Sink, container: str, behaviour: Behaviour, shown: Callable[[http.client.HTTPMessage], bool]
) -> None:
    sink.behave(behaviour)
    line = Plain(sink, container)
    for body in (b"", b"body"):
        line.connection.request("PUT", f"{line.base}/name?{line.query}", body, {"x-ms-blob-type": "BlockBlob"})
        answer = line.connection.getresponse()
        assert (answer.status, answer.read(), shown(answer.headers)) == (201, b"", True)


def test_it_says_continue_before_the_body_is_sent(sink: Sink, container: str) -> None:
    line = Plain(sink, container)
    for always, header in ((False, ["Expect: 100-continue"]), (True, [])):
        sink.behave(Behaviour(always_continue=always))
        line.connection.connect()
        head = [f"PUT {line.base}/name?{line.query} HTTP/1.1", "Host: 127.0.0.1", "x-ms-blob-type: BlockBlob"]
        line.connection.send("\r\n".join([*head, "Content-Length: 4", *header, "", ""]).encode())
        assert line.connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.connection.send(b"body")
        assert line.connection.sock.recv(100).startswith(b"HTTP/1.1 201 Created\r\n")


def test_requests_sent_ahead_are_answered_in_order(sink: Sink, container: str) -> None:
    line = Plain(sink, container)
    line.connection.connect()
    for name, close in (("one", ""), ("two", ""), ("three", "Connection: close\r\n")):
        line.connection.send(
            f"PUT {line.base}/{name}?{line.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-blob-type: BlockBlob\r\n"
            f"{close}Content-Length: {len(name)}\r\n\r\n{name}".encode()
        )
    received = b"".join(iter(lambda: line.connection.sock.recv(4096), b""))
    assert [received.count(b"201 Created"), received.count(b64(md5(b"three")).encode())] == [3, 1]
    assert received.index(b64(md5(b"one")).encode()) < received.index(b64(md5(b"two")).encode())


def test_a_delay_holds_up_its_own_answer_only(sink: Sink, container: str) -> None:
    """Ten answers of 300 ms each, asked for at once, take the time of one."""
    import time

    sink.behave(Behaviour(delay_ms=300))
    lines = [Plain(sink, container) for _ in range(10)]
    for line in lines:
        line.connection.connect()
    began = time.monotonic()
    for index, line in enumerate(lines):
        line.connection.request("PUT", f"{line.base}/{index}?{line.query}", b"x", {"x-ms-blob-type": "BlockBlob"})
    for line in lines:
        assert line.connection.getresponse().status == 201
    assert 0.3 <= time.monotonic() - began < 2.5
