"""Include and exclude patterns. Pure.

A pattern is a glob on the path relative to the source, '/' as separator, case-sensitive: `*` and `?` stay within a
folder's name, `**` goes across, `[a-z]` and `[!a-z]` are one character. Without a '/' it is matched against the file's
name and the name of each folder above it, so `*.tmp` and `node_modules` mean what people expect; with one it starts at
the source. A pattern that matches a folder holds for everything in it. Exclude wins; no include means all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate_contract.jobs import FileFilters


class PathFilter:
    """The filters of one job, compiled."""

    def __init__(self, filters: FileFilters) -> None:
        self._include = [_Pattern(text) for text in filters.include]
        self._exclude = [_Pattern(text) for text in filters.exclude]

    def left_out_by(self, path: str) -> str | None:
        """Result: a sentence naming what leaves the file out, None if it is to be copied."""
        segments = path.split("/")
        for pattern in self._exclude:
            if pattern.matches(path, segments):
                return f"excluded by '{pattern.text}'"
        if self._include and not any(pattern.matches(path, segments) for pattern in self._include):
            return "no include pattern matches"
        return None


class _Pattern:
    def __init__(self, text: str) -> None:
        self.text = text
        self._folder_only = text.endswith("/")
        stripped = text.strip("/")
        self._anchored = "/" in stripped or text.startswith("/")
        below = "/.+" if self._folder_only else "(?:/.+)?"
        self._expression = re.compile(translate(stripped) + (below if self._anchored else ""), re.DOTALL)

    def matches(self, path: str, segments: Sequence[str]) -> bool:
        if self._anchored:
            return self._expression.fullmatch(path) is not None
        names = segments[:-1] if self._folder_only else segments
        return any(self._expression.fullmatch(name) for name in names)


def translate(glob: str) -> str:
    """Result: the regular expression of one glob."""
    expression, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at):
            expression, at = expression + "(?:.+/)?", at + 3
        elif glob.startswith("**", at):
            expression, at = expression + ".*", at + 2
        elif glob[at] == "*":
            expression, at = expression + "[^/]*", at + 1
        elif glob[at] == "?":
            expression, at = expression + "[^/]", at + 1
        elif (found := _character_class(glob, at)) is not None:
            expression, at = expression + found[0], found[1]
        else:
            expression, at = expression + re.escape(glob[at]), at + 1
    return expression


def _character_class(glob: str, at: int) -> tuple[str, int] | None:
    """The expression of `[a-z]` at `at` and where it ends, None where there is none: then a bracket is a bracket."""
    if glob[at] != "[":
        return None
    negated = glob.startswith("[!", at)
    begin = at + 2 if negated else at + 1
    end = glob.find("]", begin + 1)
    if end < 0:
        return None
    listed = re.sub(r"([\\\[\]^&~|])", r"\\\1", glob[begin:end])
    expression = f"(?!/)[{'^' if negated else ''}{listed}]"
    try:
        re.compile(expression)
    except re.error:  # a range from back to front
        return None
    return expression, end + 1
