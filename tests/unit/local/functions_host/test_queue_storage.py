"""What becomes of a value that a function gives to a queue output binding, and of messages on the wire."""

from __future__ import annotations

import pytest

from local.functions_host import worker
from local.functions_host.queue_storage import MessageUndecodable, QueueStorage, output_messages


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("plain", [b"plain"]),
        ('"quoted"', [b'"quoted"']),
        ("12", [b"12"]),
        ('{"a":1}', [b'{\n  "a": 1\n}']),
        ('["a", {"b": 2}, 3]', [b"a", b'{\n  "b": 2\n}', b"3"]),
        ("[]", []),
        ("[broken", [b"[broken"]),
    ],
)
def test_text_that_is_json_is_parsed_again(text: str, messages: list[bytes]):
    assert output_messages(worker.text(text)) == messages


def test_bytes_are_left_alone():
    assert output_messages(worker.binary(b'["a"]')) == [b'["a"]']


def test_messages_are_base64_unless_host_json_says_otherwise():
    coded = QueueStorage({}, base64_messages=True, ca_file=None)
    assert coded.decode(coded.encode(b"\x00x")) == b"\x00x"
    with pytest.raises(MessageUndecodable):
        coded.decode("no base64")
    plain = QueueStorage({}, base64_messages=False, ca_file=None)
    assert plain.decode("no base64") == b"no base64"
