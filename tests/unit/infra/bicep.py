"""What the tests read out of Bicep files, by their syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
_PARSER = Parser(Language(tree_sitter_bicep.language()))


def parse(text: bytes) -> Node:
    """Result: the root of the file's tree."""
    return _PARSER.parse(text).root_node


def descend(node: Node) -> Iterator[Node]:
    """Result: the node and everything below it."""
    yield node
    for child in node.children:
        yield from descend(child)


def faults(text: bytes) -> list[str]:
    """Result: where the syntax is wrong, as line:column and the text there."""
    return [
        f"{node.start_point[0] + 1}:{node.start_point[1] + 1} {text[node.start_byte : node.end_byte][:40]!r}"
        for node in descend(parse(text))
        if node.type == "ERROR" or node.is_missing
    ]


def objects(text: bytes) -> Iterator[dict[str, str]]:
    """Result: every object literal, its properties as they are written."""
    for node in descend(parse(text)):
        if node.type != "object":
            continue
        found: dict[str, str] = {}
        for each in node.named_children:
            if each.type == "object_property" and len(each.named_children) >= 2:
                name, value = each.named_children[0], each.named_children[-1]
                found[_text(text, name).strip("'")] = _text(text, value)
        yield found


def _text(text: bytes, node: Node) -> str:
    return text[node.start_byte : node.end_byte].decode()
