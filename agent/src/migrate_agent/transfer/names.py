"""Which source names Blob Storage can hold, and which of them differ only by case or Unicode form. Pure.

The rules are the service's own (Naming and Referencing Containers, Blobs, and Metadata): at most 1,024 characters and
254 path segments, no control characters, no segment that ends with a dot, and a backslash would be read as a separator.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

MAX_NAME_CHARACTERS = 1024
MAX_SEGMENTS = 254
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def blob_name(prefix: str, path: str) -> str:
    """Result: the blob's name for a source path ('/' as separator) below the destination's prefix.

    A folder's path ends in '/'; the blob that marks it does not, since such a name is another blob's to many programs.
    """
    if path.endswith("/"):
        path = path[:-1]
    return f"{prefix}/{path}" if prefix else path


def path_below(prefix: str, name: str) -> str | None:
    """Result: the source path that `name` belongs to, None for a blob outside the prefix."""
    if not prefix:
        return name
    return name[len(prefix) + 1 :] if name.startswith(prefix + "/") else None


def name_problem(prefix: str, path: str) -> str | None:
    """Result: why Blob Storage cannot hold the file's name and how to rename it, None if it can."""
    if _SURROGATE.search(path):
        return "the name is not valid Unicode text; rename it with characters of one encoding (UTF-8)"
    found = _FORBIDDEN.search(path)
    if found:
        return f"the name holds the control character U+{ord(found[0]):04X}; rename it without that character"
    if "\\" in path:
        return "the name holds a backslash, which the service takes for a separator; rename it without it"
    name = blob_name(prefix, path)
    segments = name.split("/")
    for segment in segments:
        if segment.endswith("."):
            return f"'{_short(segment)}' ends with a dot, which the service drops; rename it without the last dot"
    length = len(name.encode("utf-16-le")) // 2
    if length > MAX_NAME_CHARACTERS:
        return (
            f"the name has {length} characters with its folders, and {MAX_NAME_CHARACTERS} are possible; "
            "shorten the names of its folders or of the file"
        )
    if len(segments) > MAX_SEGMENTS:
        return f"the name has {len(segments)} folders and parts, and {MAX_SEGMENTS} are possible; move it further up"
    return None


def look_alikes(names: Iterable[str]) -> dict[str, str]:
    """Result: for each name of one folder that another one equals but for case or Unicode form, a sentence of it.

    Blob Storage keeps them apart; Windows, macOS and many programs do not.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[folded(name)].append(name)
    notes: dict[str, str] = {}
    for alike in groups.values():
        for name in alike if len(alike) > 1 else ():
            other = next(candidate for candidate in alike if candidate != name)
            notes[name] = f"{difference_of_look_alikes(name, other)} beside it"
    return notes


def difference_of_look_alikes(name: str, other: str) -> str:
    """Result: the beginning of the sentence about two names that `folded` makes one."""
    by_case = unicodedata.normalize("NFC", name) != unicodedata.normalize("NFC", other)
    return f"'{_short(name)}' differs only by {'case' if by_case else 'Unicode form'} from '{_short(other)}'"


def folded(name: str) -> str:
    """Result: the same for all names that differ only by case or Unicode form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
