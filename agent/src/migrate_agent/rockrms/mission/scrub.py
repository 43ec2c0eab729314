"""Makes Mission's answers fit to keep: without the key, without confidential text, at most 2 KB.

A server may quote what it refuses. Confidential text is a prayer's text and answer and a group's description; of each,
any run of three words (of a shorter text: all of it) is taken out of the answer, however the server cut it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from migrate_agent.redaction import HIDDEN, redactor
from migrate_contract.rockrms import MAX_ANSWER_CHARACTERS, Entity

CONFIDENTIAL: Mapping[Entity, tuple[str, ...]] = MappingProxyType(
    {Entity.PRAYER_REQUESTS: ("text", "answer"), Entity.GROUPS: ("description",)}
)
"""The fields that appear in no log, trace or report, per entity."""
NOT_SHOWN = "(not shown)"
_RUN_WORDS = 3
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"\"[^\"]+\"|(?<!\w)'[^']+'(?!\w)|“[^”]+”")
"""What a server puts between quotation marks is a value, whatever is left of it."""


def scrubbed(entity: Entity, answer: bytes, bodies: Iterable[bytes]) -> str:
    """Result: the text of `answer` that may be kept. `bodies`: the records that it answers, as JSON."""
    fields = CONFIDENTIAL.get(entity, ())
    if not fields:
        return shortened(redactor.clean(answer.decode("utf-8", "replace")))
    try:
        content = orjson.loads(answer)
    except orjson.JSONDecodeError:
        # A page of a proxy or a framework: what it quotes, and in which escaping, cannot be told.
        return f"({len(answer)} bytes that are not JSON, not kept)"
    runs = _runs(fields, bodies)
    return shortened(redactor.clean(orjson.dumps(_without(content, runs)).decode()))


def scrubbed_detail(entity: Entity, detail: str, bodies: Iterable[bytes]) -> str:
    """Result: one sentence of Mission, likewise."""
    fields = CONFIDENTIAL.get(entity, ())
    return shortened(redactor.clean(_masked(detail, _runs(fields, bodies)) if fields else detail))


def shortened(text: str, limit: int = MAX_ANSWER_CHARACTERS) -> str:
    """Result: at most `limit` characters, without control characters."""
    clean = "".join(character if character >= " " or character in "\n\t" else " " for character in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _runs(fields: tuple[str, ...], bodies: Iterable[bytes]) -> frozenset[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for body in bodies:
        record = orjson.loads(body)
        for field in fields:
            words = [word.casefold() for word in _WORD.findall(str(record.get(field) or ""))]
            length = min(_RUN_WORDS, len(words))
            found.update(tuple(words[at : at + length]) for at in range(len(words) - length + 1) if length)
    return frozenset(found)


def _without(content: Any, runs: frozenset[tuple[str, ...]]) -> Any:
    if isinstance(content, str):
        return _masked(content, runs)
    if isinstance(content, list):
        return [_without(each, runs) for each in content]
    if isinstance(content, dict):
        return {_masked(str(name), runs): _without(value, runs) for name, value in content.items()}
    return content


def _masked(text: str, runs: frozenset[tuple[str, ...]]) -> str:
    text = _QUOTED.sub(HIDDEN, text)
    words = list(_WORD.finditer(text))
    folded = [word.group().casefold() for word in words]
    hidden: set[int] = set()
    for length in {len(run) for run in runs}:
        for at in range(len(folded) - length + 1):
            if tuple(folded[at : at + length]) in runs:
                hidden.update(range(at, at + length))
    if not hidden:
        return text
    # A quotation may be cut in the middle of a word: what stands right beside a hidden run goes too.
    hidden |= {near for at in hidden for near in (at - 1, at + 1)}
    pieces, end = [], 0
    for at, word in enumerate(words):
        pieces.append(text[end : word.start()])
        pieces.append(HIDDEN if at in hidden else word.group())
        end = word.end()
    return "".join([*pieces, text[end:]])
