"""The search for secrets finds them where they could stand."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import pytest

from tests.harness.everything_kept import found_in

SECRET = base64.b64encode(hashlib.sha512(b"a secret").digest()).decode() + "/+=="


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        f"token {SECRET}.",
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"x{SECRET}".encode()).decode(),
        base64.b64encode(f"xy{SECRET} and more".encode()).decode(),
        SECRET[10:],
    ],
)
def test_a_secret_is_found(content: str):
    assert found_in([("here", content.encode()), ("there", b"nothing")], [SECRET]) == ["here"]


def test_another_text_is_not():
    assert found_in([("here", b"a" * 1000)], [SECRET]) == []
