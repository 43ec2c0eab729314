"""docs/webhooks.md holds what is true: its example checks our signatures, its table names every event."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.domain.event import Event, EventKind, payload
from functions.domain.webhook import WAITS_SECONDS, secret_text, signed_headers
from tests.memory.world import ORGANIZATION

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
KEY = bytes(range(32))
BODY = '{"summary":"Grüße"}'.encode()


@pytest.fixture(scope="module")
def is_genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function of the page, as a reader would copy it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    space: dict[str, object] = {}
    exec(code, space)
    found = space["is_genuine"]
    assert callable(found)
    return found


def headers(*, age: float = 0) -> dict[str, str]:
    return signed_headers(KEY, "evt_1", datetime.fromtimestamp(time.time() - age, UTC), BODY)


def test_the_example_takes_what_we_sign(is_genuine: Callable[..., bool]) -> None:
    assert is_genuine(secret_text(KEY), headers(), BODY)
    rotated = {**headers(), "webhook-signature": f"v1,AAAA {headers()['webhook-signature']}"}
    assert is_genuine(secret_text(KEY), rotated, BODY)


def test_the_example_refuses_everything_else(is_genuine: Callable[..., bool]) -> None:
    good = headers()
    assert not is_genuine(secret_text(bytes(32)), good, BODY)
    assert not is_genuine(secret_text(KEY), good, BODY + b" ")
    assert not is_genuine(secret_text(KEY), {**good, "webhook-id": "evt_2"}, BODY)
    assert not is_genuine(secret_text(KEY), {**good, "webhook-timestamp": str(int(time.time()) - 1)}, BODY)
    assert not is_genuine(secret_text(KEY), {**good, "webhook-timestamp": "now"}, BODY)
    assert not is_genuine(secret_text(KEY), {}, BODY)
    assert not is_genuine(secret_text(KEY), headers(age=301), BODY)
    assert is_genuine(secret_text(KEY), headers(age=290), BODY)


def test_the_signature_is_the_specifications_own_example() -> None:
    """Of the specification's reference libraries: id, time, body and secret of their tests."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    signed = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert secret_text(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_table_names_every_event() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, flags=re.MULTILINE)) - {*headers(), "type"} == set(EventKind)


def test_the_body_shown_has_the_fields_that_are_sent() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    event = Event(ORGANIZATION, "cli_1", "prj_1", EventKind.JOB_FAILED, "job_1", "1", at, "Failed.")
    assert list(json.loads(shown)) == list(payload(event, "https://migrate.example"))


def test_the_waits_are_the_ones_told() -> None:
    assert WAITS_SECONDS == (30, 120, 600, 1800, 7200, 21600, 43200)
    assert 20 < sum(WAITS_SECONDS) / 3600 < 21
