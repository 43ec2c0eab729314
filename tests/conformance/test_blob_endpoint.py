"""The tests' own Blob endpoint answers as the emulator does, request for request, and better where that is said."""

from __future__ import annotations

import base64
import hashlib
import http.client
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from azure.storage.blob import BlobServiceClient, generate_container_sas

from local.azurite import Azurite
from local.certificates import certificates_in
from tests.conformance.conftest import DATA_ACCOUNT
from tests.harness.blob_endpoint import BlobEndpoint
from tests.harness.blob_store import UNCOMMITTED_SECONDS
from tests.harness.crc64 import crc64, crc64_bytes

BLOCKS = [base64.b64encode(f"{index:06d}".encode()).decode() for index in range(4)]


@dataclass
class Answer:
    status: int
    code: str
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> tuple[int, str]:
        return self.status, self.code


class Service:
    """One container, asked in plain HTTP."""

    def __init__(self, sas_url: str, ca_file: Path) -> None:
        parts = urlsplit(sas_url)
        self._path, self._sas = parts.path, parts.query
        context = ssl.create_default_context(cafile=str(ca_file))
        self._connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=20)

    def __call__(
        self, method: str, name: str, query: dict[str, str] | None = None, body: bytes = b"", **headers: str
    ) -> Answer:
        path = self._path + (f"/{quote(name)}" if name else "")
        asked = urlencode(query, quote_via=quote) + "&" if query else ""
        given = {"x-ms-version": "2021-12-02"} | {key.replace("_", "-"): value for key, value in headers.items()}
        if method == "PUT":
            given["Content-Length"] = str(len(body))
        self._connection.request(method, f"{path}?{asked}{self._sas}", body or None, given)
        answer = self._connection.getresponse()
        read = answer.read()
        found = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, found.get("x-ms-error-code", ""), found, read)

    def put(self, name: str, body: bytes, **headers: str) -> Answer:
        return self("PUT", name, None, body, **{"x_ms_blob_type": "BlockBlob"} | headers)

    def stage(self, name: str, block: str, body: bytes, **headers: str) -> Answer:
        return self("PUT", name, {"comp": "block", "blockid": block}, body, **headers)

    def commit(self, name: str, blocks: list[str], tag: str = "Uncommitted", **headers: str) -> Answer:
        listed = "".join(f"<{tag}>{block}</{tag}>" for block in blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        return self("PUT", name, {"comp": "blocklist"}, body, **headers)

    def block_list(self, name: str, which: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        answer = self("GET", name, {"comp": "blocklist", "blocklisttype": which})
        assert answer.status == 200
        root = ElementTree.fromstring(answer.body)

        def blocks(tag: str) -> list[tuple[str, str]]:
            return [
                (block.findtext("Name") or "", block.findtext("Size") or "") for block in root.iterfind(f"{tag}/Block")
            ]

        # What is only staged has no order yet; the emulator lists it as it came.
        return blocks("CommittedBlocks"), sorted(blocks("UncommittedBlocks"))

    def listing(self, **query: str) -> ElementTree.Element:
        answer = self("GET", "", {"restype": "container", "comp": "list", **query})
        assert answer.status == 200
        return ElementTree.fromstring(answer.body)


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def crc(body: bytes) -> str:
    return base64.b64encode(crc64_bytes(body)).decode()


@pytest.fixture
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobEndpoint]:
    with BlobEndpoint(certificates_in(tmp_path_factory.mktemp("certificates"))) as endpoint:
        yield endpoint


@pytest.fixture
def emulator(azurite: tuple[Azurite, Path]) -> Iterator[Service]:
    server, ca_file = azurite
    account = server.account(DATA_ACCOUNT)
    service = BlobServiceClient.from_connection_string(account.connection_string, connection_verify=str(ca_file))
    container = service.create_container(f"box-{secrets.token_hex(6)}")
    sas = generate_container_sas(
        account.name,
        container.container_name,
        account_key=account.key,
        permission="rcwld",
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    yield Service(f"{account.blob_endpoint}/{container.container_name}?{sas}", ca_file)
    container.delete_container()


@pytest.fixture(params=["emulator", "ours"])
def service(request: pytest.FixtureRequest) -> Service:
    if request.param == "emulator":
        return request.getfixturevalue("emulator")
    endpoint = request.getfixturevalue("ours")
    return Service(endpoint.sas_url(), endpoint.ca_file)


def test_put_blob_stores_bytes_label_metadata_and_time(service):
    put = service.put(
        "a/ü b", b"hello", Content_MD5=md5(b"hello"), x_ms_meta_mtime="x", x_ms_blob_content_type="text/a"
    )
    assert put.status == 201
    assert put.headers["content-md5"] == md5(b"hello")
    head, got = service("HEAD", "a/ü b"), service("GET", "a/ü b", if_match=put.headers["etag"])
    assert got.body == b"hello"
    for answer in (head, got):
        assert answer.status == 200
        assert answer.headers["content-length"] == "5"
        assert answer.headers["etag"] == put.headers["etag"]
        assert answer.headers["content-md5"] == md5(b"hello")
        assert answer.headers["content-type"] == "text/a"
        assert answer.headers["x-ms-meta-mtime"] == "x"
        assert answer.headers["last-modified"]


def test_an_empty_blob(service):
    assert service.put("empty", b"").status == 201
    assert service("GET", "empty").body == b""
    assert service("HEAD", "empty").headers["content-length"] == "0"


def test_what_is_not_there(service):
    assert service("HEAD", "none").status == 404
    assert service("HEAD", "none").code == "BlobNotFound"
    assert service("GET", "none").outcome == (404, "BlobNotFound")
    asked = {"comp": "blocklist", "blocklisttype": "all"}
    assert service("GET", "none", asked).outcome == (404, "BlobNotFound")


def test_conditions_of_a_put_blob(service):
    first = service.put("c", b"1", If_None_Match="*")
    assert first.status == 201
    assert service.put("c", b"2", If_None_Match="*").outcome == (409, "BlobAlreadyExists")
    assert service.put("c", b"2", If_Match='"0x0"').outcome == (412, "ConditionNotMet")
    second = service.put("c", b"2", If_Match=first.headers["etag"])
    assert second.status == 201
    assert second.headers["etag"] != first.headers["etag"]
    assert service("GET", "c", if_match=first.headers["etag"]).outcome == (412, "ConditionNotMet")
    assert service("GET", "c").body == b"2"


@pytest.mark.parametrize("operation", ["put", "stage"])
def test_a_body_that_is_not_the_one_that_was_sent(service, operation):
    send = (
        service.put if operation == "put" else lambda name, body, **more: service.stage(name, BLOCKS[0], body, **more)
    )
    assert send("d", b"body", Content_MD5=md5(b"other")).outcome == (400, "Md5Mismatch")
    assert send("d", b"body", x_ms_content_crc64=crc(b"other")).outcome == (400, "Crc64Mismatch")
    assert send("d", b"body", Content_MD5="nonsense").outcome == (400, "InvalidMd5")
    both = send("d", b"body", Content_MD5=md5(b"body"), x_ms_content_crc64=crc(b"body"))
    assert both.outcome == (400, "BothCrc64AndMd5HeaderPresent")
    assert service("HEAD", "d").status == 404
    assert send("d", b"body", x_ms_content_crc64=crc(b"body")).status == 201


def test_blocks_are_staged_listed_committed(service):
    for index in (2, 0, 1):
        body = bytes([index]) * (index + 1)
        assert service.stage("e", BLOCKS[index], body, Content_MD5=md5(body)).status == 201
    assert service("HEAD", "e").status == 404
    assert service.block_list("e", "committed") == ([], [])
    staged = [(BLOCKS[0], "1"), (BLOCKS[1], "2"), (BLOCKS[2], "3")]
    assert service.block_list("e", "uncommitted") == ([], staged)
    assert service.block_list("e", "all") == ([], staged)
    done = service.commit("e", [BLOCKS[2], BLOCKS[0]], x_ms_blob_content_md5=md5(b"a label"), If_None_Match="*")
    assert done.status == 201
    assert service.block_list("e", "all") == ([(BLOCKS[2], "3"), (BLOCKS[0], "1")], [])
    got = service("GET", "e")
    assert got.body == b"\2\2\2\0"
    assert got.headers["content-md5"] == md5(b"a label")


def test_a_block_list_with_what_is_not_staged(service):
    service.stage("f", BLOCKS[0], b"1")
    assert service.commit("f", BLOCKS[:2]).outcome == (400, "InvalidBlockList")
    assert service.block_list("f", "uncommitted") == ([], [(BLOCKS[0], "1")])
    assert service.commit("f", [BLOCKS[0]]).status == 201
    assert service.commit("f", [BLOCKS[0]]).outcome == (400, "InvalidBlockList")
    assert service.commit("f", [BLOCKS[0]], "Committed").status == 201
    assert service.commit("f", [BLOCKS[0]], "Latest").status == 201
    assert service("GET", "f").body == b"1"


def test_conditions_of_a_block_list(service):
    service.put("g", b"old")
    service.stage("g", BLOCKS[0], b"new")
    assert service.commit("g", [BLOCKS[0]], If_None_Match="*").outcome == (409, "BlobAlreadyExists")
    assert service.commit("g", [BLOCKS[0]], If_Match='"0x0"').outcome == (412, "ConditionNotMet")
    assert service.commit("g", [BLOCKS[0]], If_Match=service("HEAD", "g").headers["etag"]).status == 201
    assert service("GET", "g").body == b"new"


def test_ids_are_base64_and_of_one_length(service):
    assert service.stage("h", "no base64!", b"1").outcome == (400, "InvalidQueryParameterValue")
    assert service.stage("h", BLOCKS[0], b"1").status == 201
    assert service.stage("h", base64.b64encode(b"longer than that").decode(), b"2").outcome == (
        400,
        "InvalidBlobOrBlock",
    )
    assert service.stage("h", BLOCKS[0], b"again").status == 201
    assert service.block_list("h", "uncommitted") == ([], [(BLOCKS[0], "5")])


def test_a_listing_has_pages_properties_and_metadata(service):
    for name in ("p/1", "p/2", "p/3", "q"):
        service.put(name, name.encode(), x_ms_meta_mtime=f"m{name[-1]}")
    service.stage("p/staged only", BLOCKS[0], b"1")
    page = service.listing(prefix="p/", maxresults="2", include="metadata")
    assert [blob.findtext("Name") for blob in page.iterfind("Blobs/Blob")] == ["p/1", "p/2"]
    first = page.find("Blobs/Blob")
    assert first.findtext("Properties/Content-Length") == "3"
    assert first.findtext("Properties/Content-MD5") == md5(b"p/1")
    assert first.findtext("Properties/Etag").strip('"') == service("HEAD", "p/1").headers["etag"].strip('"')
    assert first.findtext("Metadata/mtime") == "m1"
    rest = service.listing(prefix="p/", maxresults="2", marker=page.findtext("NextMarker"))
    assert [blob.findtext("Name") for blob in rest.iterfind("Blobs/Blob")] == ["p/3"]
    assert not rest.findtext("NextMarker")
    assert rest.find("Blobs/Blob/Metadata") is None


def test_delete(service):
    service.put("j", b"1")
    assert service("DELETE", "j", if_match='"0x0"').outcome == (412, "ConditionNotMet")
    assert service("DELETE", "j").status == 202
    assert service("DELETE", "j").outcome == (404, "BlobNotFound")


def test_a_signature_that_is_none(service):
    service._sas = service._sas.replace("sig=", "sig=A")
    refused = service.put("k", b"1")
    assert refused.status == 403
    assert refused.code in ("AuthenticationFailed", "AuthorizationFailure")  # the latter is the emulator's


# What the emulator does not do, and the service does.


def test_put_blob_ends_what_was_staged(ours):
    service = Service(ours.sas_url(), ours.ca_file)
    service.stage("i", BLOCKS[0], b"1")
    service.put("i", b"whole")
    assert service.block_list("i", "all") == ([], [])
    assert service("GET", "i").body == b"whole"


def test_staged_blocks_die_seven_days_after_the_last_of_them(ours):
    service = Service(ours.sas_url(seconds=3 * UNCOMMITTED_SECONDS), ours.ca_file)
    service.stage("m", BLOCKS[0], b"1")
    ours.clock.pass_time(UNCOMMITTED_SECONDS - 60)
    service.stage("m", BLOCKS[1], b"2")
    ours.clock.pass_time(UNCOMMITTED_SECONDS - 60)
    assert service.block_list("m", "uncommitted") == ([], [(BLOCKS[0], "1"), (BLOCKS[1], "1")])
    ours.clock.pass_time(61)
    assert service("GET", "m", {"comp": "blocklist", "blocklisttype": "uncommitted"}).outcome == (404, "BlobNotFound")
    assert service.commit("m", [BLOCKS[0]]).outcome == (400, "InvalidBlockList")


def test_a_signature_ends(ours):
    service = Service(ours.sas_url(seconds=100), ours.ca_file)
    assert service.put("n", b"1").status == 201
    ours.clock.pass_time(101)
    assert service.put("n", b"1").outcome == (403, "AuthenticationFailed")


def test_more_than_fifty_thousand_blocks(ours):
    service = Service(ours.sas_url(), ours.ca_file)
    service.stage("o", BLOCKS[0], b"1")
    assert service.commit("o", [BLOCKS[0]] * 50_000).status == 201
    service.stage("o", BLOCKS[0], b"1")
    assert service.commit("o", [BLOCKS[0]] * 50_001).outcome == (400, "BlockListTooLong")


def test_contents_can_be_thrown_away(tmp_path):
    with BlobEndpoint(certificates_in(tmp_path), keep_contents=False) as endpoint:
        service = Service(endpoint.sas_url(), endpoint.ca_file)
        service.put("x", b"hello", Content_MD5=md5(b"hello"))
        assert service("HEAD", "x").headers["content-length"] == "5"
        assert endpoint.store.blobs["x"].pieces[0].md5 == hashlib.md5(b"hello").digest()
        assert service("GET", "x").status == 501


def test_the_checksum_is_the_services():
    assert crc64(b"123456789") == 0xAE8B14860A799888  # the catalogue's check value of CRC-64/NVME
    assert crc64(b"") == 0
    assert crc64_bytes(b"123456789")[0] == 0x88
    for size in range(20):
        body = bytes(range(size))
        assert int.from_bytes(crc64_bytes(body), "little") == crc64(body), "the fast way is the slow way"
