"""Requests as the host reads them."""

from __future__ import annotations

from typing import Any

import pytest

from local.functions_host.http_exchange import HeadersTooLarge, RequestMalformed, read_request


def scope(path: bytes = b"/x", query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()) -> dict[str, Any]:
    return {
        "method": "GET",
        "scheme": "http",
        "path": "/unused",
        "raw_path": path,
        "query_string": query,
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
    }


def test_a_path_is_decoded_but_for_its_slashes():
    read = read_request(scope(b"/a%20b/c%2Fd%c3%a9"))
    assert read.path == "/a b/c%2Fdé"
    assert read.raw_target == "/a%20b/c%2Fd%c3%a9"


def test_repeated_headers_are_joined():
    read = read_request(scope(headers=((b"A", b"1"), (b"a", b"2"), (b"cookie", b"x=1"), (b"Cookie", b"y=2"))))
    assert read.headers == {"a": "1,2", "cookie": "x=1; y=2"}


def test_empty_query_values_are_dropped():
    assert read_request(scope(query=b"a=&b=1&b=2&c")).query == {"b": "1,2"}


@pytest.mark.parametrize("path", [b"/%ff", b"/a%00", b"*", b"/%c3"])
def test_a_path_that_is_no_text_is_malformed(path: bytes):
    with pytest.raises(RequestMalformed):
        read_request(scope(path))


def test_headers_have_a_limit():
    with pytest.raises(HeadersTooLarge):
        read_request(scope(headers=((b"a", b"x" * 33_000),)))
