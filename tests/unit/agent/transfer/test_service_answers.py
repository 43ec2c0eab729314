"""What the service's answers mean, by its codes; its XML; and how requests look on the wire."""

from __future__ import annotations

import re

import pytest

from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.blob_answers import (
    AccessRefused,
    BlocksLost,
    BytesDamaged,
    ConditionFailed,
    ServiceBusy,
    refusal,
)
from migrate_agent.transfer.blob_http import BlobClient, BlobProperties, Condition
from migrate_agent.transfer.blob_xml import parse_block_list, parse_page
from migrate_agent.transfer.connection import Answer, Endpoint, Request
from migrate_agent.transfer.content_check import MD5
from migrate_agent.transfer.target_blob import blob_from_headers
from migrate_contract.errors import ErrorCode, Fatal, Retryable, SkipRecord
from migrate_contract.jobs import Grant

GRANT = Grant(container_url="https://h:444/acc/c", sas_token="?sv=1&sig=sEcReT", seconds_left=1, renew_in_seconds=1)


@pytest.mark.parametrize(
    ("status", "code", "kind", "meaning"),
    [
        (503, "ServerBusy", ServiceBusy, ErrorCode.TARGET_BUSY),
        (500, "", ServiceBusy, ErrorCode.TARGET_BUSY),
        (408, "", ServiceBusy, ErrorCode.TARGET_BUSY),
        (429, "", ServiceBusy, ErrorCode.TARGET_BUSY),
        (400, "Md5Mismatch", BytesDamaged, ErrorCode.TRANSIT_CORRUPTED),
        (403, "AuthenticationFailed", AccessRefused, ErrorCode.TARGET_ACCESS_DENIED),
        (403, "AuthorizationFailure", AccessRefused, ErrorCode.TARGET_ACCESS_DENIED),
        (401, "", AccessRefused, ErrorCode.TARGET_ACCESS_DENIED),
        (403, "UnauthorizedBlobOverwrite", SkipRecord, ErrorCode.TARGET_REFUSED),
        (404, "ContainerNotFound", Fatal, ErrorCode.TARGET_CONTAINER_MISSING),
        (409, "BlobAlreadyExists", ConditionFailed, ErrorCode.TARGET_CHANGED),
        (412, "ConditionNotMet", ConditionFailed, ErrorCode.TARGET_CHANGED),
        (412, "LeaseIdMissing", SkipRecord, ErrorCode.TARGET_REFUSED),
        (409, "BlobArchived", SkipRecord, ErrorCode.TARGET_ARCHIVED),
        (400, "InvalidBlockList", BlocksLost, ErrorCode.TARGET_BUSY),
        (409, "InvalidBlobType", SkipRecord, ErrorCode.TARGET_REFUSED),
        (302, "", SkipRecord, ErrorCode.TARGET_REFUSED),
    ],
)
def test_refusals_by_code(status, code, kind, meaning):
    error = refusal(Answer(status, {"x-ms-error-code": code, "x-ms-request-id": "r-1"}, b""), "name")
    assert type(error) is kind
    assert error.code is meaning
    assert "name" in error.detail
    assert "r-1" in error.detail


def test_the_code_is_found_in_the_body_too_and_the_services_words_are_kept():
    body = b"<Error><Code>InvalidHeaderValue</Code><Message>Not that.\nRequestId:1</Message></Error>"
    error = refusal(Answer(400, {}, body), "n")
    assert error.detail.endswith("InvalidHeaderValue: Not that.")


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)])
def test_retry_after_in_seconds_only(value, seconds):
    error = refusal(Answer(503, {"retry-after": value}, b""), "n")
    assert error.retry_after_seconds == seconds


PAGE = b"""<?xml version="1.0"?><EnumerationResults><Blobs>
<Blob><Name>a &amp; b</Name><Properties><Etag>"0x1"</Etag><Content-Length>5</Content-Length>
<Content-MD5>1B2M2Y8AsgTpgAmY7PhCfg==</Content-MD5><Last-Modified>Mon, 01 Jun 2026 00:00:00 GMT</Last-Modified>
<AccessTier>Archive</AccessTier></Properties>
<Metadata><Mtime>2020-01-01T00:00:00.000000001Z</Mtime><onemigrate>job_x.1</onemigrate></Metadata></Blob>
<Blob><Name Encoded="true">odd%EF%BF%BF</Name><Properties><Etag>0x2</Etag></Properties></Blob>
</Blobs><NextMarker>more</NextMarker></EnumerationResults>"""


def test_a_page_of_a_listing():
    page = parse_page(PAGE)
    first, second = page.blobs
    assert (first.name, first.size_bytes, first.etag, first.archived) == ("a & b", 5, "0x1", True)
    assert first.md5 == "d41d8cd98f00b204e9800998ecf8427e"
    assert (first.mtime_ns, first.marker) == (1_577_836_800_000_000_001, "job_x.1")
    assert first.modified_ns == 1_780_272_000_000_000_000
    assert (second.name, second.md5, second.marker, second.archived) == ("odd\uffff", None, None, False)
    assert page.marker == "more"


@pytest.mark.parametrize(
    ("metadata", "folder"),
    [
        (b"<mtime>2020-01-01T00:00:00Z</mtime><hdi_isfolder>true</hdi_isfolder>", True),
        (b"<Hdi_isfolder>True</Hdi_isfolder>", True),
        (b"<hdi_isfolder>false</hdi_isfolder>", False),
        (b"<other>true</other>", False),
    ],
)
def test_a_blob_that_marks_a_folder(metadata, folder):
    page = (
        b"<EnumerationResults><Blobs><Blob><Name>f</Name><Properties><Content-Length>0</Content-Length></Properties>"
        b"<Metadata>" + metadata + b"</Metadata></Blob></Blobs><NextMarker /></EnumerationResults>"
    )
    (blob,) = parse_page(page).blobs
    assert blob.folder is folder
    stored = re.findall(r"<(\w+)>([^<]+)<", metadata.decode())
    headers = {f"x-ms-meta-{name.lower()}": value for name, value in stored}
    assert blob_from_headers("f", headers).folder is folder


def test_what_is_no_xml_is_tried_again():
    with pytest.raises(Retryable):
        parse_page(b"<html>proxy says no")


def test_a_block_list():
    body = b"<BlockList><CommittedBlocks><Block><Name>QQ==</Name><Size>3</Size></Block></CommittedBlocks></BlockList>"
    assert parse_block_list(body) == [("QQ==", 3)]


def test_a_head_answer():
    blob = blob_from_headers(
        "n", {"content-length": "7", "etag": '"0x3"', "x-ms-meta-onemigrate": "j.1", "x-ms-access-tier": "Archive"}
    )
    assert (blob.size_bytes, blob.etag, blob.marker, blob.archived, blob.md5) == (7, "0x3", "j.1", True, None)


class Pool:
    """Takes requests and answers each by the next answer."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[Endpoint, Request]] = []

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        self.requests.append((endpoint, request))
        return self.answers.pop(0)


class NoPace:
    slice_bytes = 1

    def before_sending(self, size_bytes: int) -> None:
        return


PROPERTIES = BlobProperties(b"\0" * 16, "text/plain", {"mtime": "m", "onemigrate": "j.1"})


def headers_of(request: Request) -> dict[str, str]:
    lines = request.head.decode().split("\r\n")[1:-2]
    return {line.split(": ")[0].lower(): line.split(": ", 1)[1] for line in lines}


def test_put_blob_on_the_wire():
    pool = Pool(Answer(201, {"etag": '"0x9"'}, b""))
    etag = BlobClient(pool).put_blob(GRANT, "a b/ü#?", b"body", PROPERTIES, Condition(), pace=NoPace())
    endpoint, request = pool.requests[0]
    assert etag == "0x9"
    assert (endpoint.host, endpoint.port, endpoint.secure) == ("h", 444, True)
    assert request.head.startswith(b"PUT /acc/c/a%20b/%C3%BC%23%3F?sv=1&sig=sEcReT HTTP/1.1\r\nHost: h:444\r\n")
    headers = headers_of(request)
    assert headers["content-md5"] == headers["x-ms-blob-content-md5"] == "AAAAAAAAAAAAAAAAAAAAAA=="
    assert headers["if-none-match"] == "*"
    assert headers["x-ms-blob-type"] == "BlockBlob"
    assert headers["x-ms-blob-content-type"] == "text/plain"
    assert (headers["x-ms-meta-mtime"], headers["x-ms-meta-onemigrate"]) == ("m", "j.1")
    assert headers["content-length"] == "4"


def test_blocks_on_the_wire_carry_their_own_hash():
    pool = Pool(Answer(201, {}, b""), Answer(201, {"etag": "0x1"}, b""))
    client = BlobClient(pool)
    client.put_block(GRANT, "n", "aWQ=", b"body", MD5.header_line(MD5.digest(b"body")), pace=NoPace())
    client.put_block_list(GRANT, "n", ["aWQ="], PROPERTIES, Condition("0x0"))
    block, listed = (request for _, request in pool.requests)
    assert block.head.startswith(b"PUT /acc/c/n?comp=block&blockid=aWQ%3D&sv=1")
    assert headers_of(block)["content-md5"] == "hBotaJrYa9FhFEdFPCLG/A=="
    assert listed.body == (
        b'<?xml version="1.0" encoding="utf-8"?><BlockList><Uncommitted>aWQ=</Uncommitted></BlockList>'
    )
    assert headers_of(listed)["if-match"] == '"0x0"'
    assert headers_of(listed)["content-md5"] != headers_of(listed)["x-ms-blob-content-md5"]


def test_head_of_nothing_and_of_no_container():
    gone = Answer(404, {"x-ms-error-code": "BlobNotFound"}, b"")
    assert BlobClient(Pool(gone)).head(GRANT, "n") is None
    with pytest.raises(Fatal):
        BlobClient(Pool(Answer(404, {"x-ms-error-code": "ContainerNotFound"}, b""))).head(GRANT, "n")


def test_no_error_holds_the_signature():
    with pytest.raises(SkipRecord) as raised:
        BlobClient(Pool(Answer(400, {"x-ms-error-code": "X"}, b""))).put_blob(
            GRANT, "n", b"", PROPERTIES, Condition(), pace=NoPace()
        )
    assert "sEcReT" not in str(raised.value)
    assert "sEcReT" not in repr(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.blob.core.windows.net/c?sig=x",
        "https://a.blob.core.windows.net/c",
        "https://a.blob.core.windows.net/?sig=x",
        "https://a.blob.core.windows.net/c/folder?sig=x",
        "http://a.blob.core.windows.net/c?sig=x",
        "https://user:pw@a.blob.core.windows.net/c?sig=x",
        "nonsense",
    ],
)
def test_what_is_no_container_sas_url_is_refused_without_repeating_it(url):
    with pytest.raises(Fatal) as raised:
        SasUrlAccess(url)
    assert raised.value.code is ErrorCode.SAS_URL_INVALID
    assert "sig=x" not in raised.value.detail


def test_a_container_sas_url():
    access = SasUrlAccess("https://a.blob.core.windows.net/c?sv=1&sig=secret")
    assert access.container == "c"
    assert "secret" not in repr(access.current())
    assert SasUrlAccess("http://127.0.0.1:10000/acc/c?sig=x").current().container_url == "http://127.0.0.1:10000/acc/c"
    with pytest.raises(Fatal) as raised:
        access.renew(access.current(), "AuthenticationFailed")
    assert raised.value.code is ErrorCode.TARGET_ACCESS_DENIED
