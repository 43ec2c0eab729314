"""Which files a job leaves out, and by which rule. Pure.

A pattern is a glob on the path relative to the source, '/' as separator, case-sensitive: `*` and `?` stay within a
folder's name, `**` goes across, `[a-z]` and `[!a-z]` are one character. Without a '/' it is matched against the file's
name and the name of each folder above it, so `*.tmp` and `node_modules` mean what people expect; with one it starts at
the source, and a '/' at its end makes it match folders only. A pattern that matches a folder holds for everything in
it. Exclude wins; no include means all. What is left out by default is matched without regard to case.

A scan asks for millions of files. So what a folder decides for everything in it is decided once (its *place*), and
the globs of one kind are one regular expression; which of them has matched is looked up only for a file left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from migrate_contract.filters import DEFAULT_EXCLUDES, FileFilters, Inclusion, moment_text, size_text

_HIDDEN, _SYSTEM = 0x2, 0x4
"""FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GLOB_CHARACTERS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Place:
    """What a folder decides for everything in it. `depth`: 0 for the source itself."""

    depth: int = 0
    left_out: str | None = None
    """The rule that leaves everything in it out."""
    included: bool = False
    """An include pattern has matched it or a folder above it."""


class FileFilter:
    """The filters of one job, compiled. `rule` and `state_rule` are None where no filter is set that they would ask."""

    def __init__(self, filters: FileFilters, *, windows: bool = os.name == "nt") -> None:
        exclude = [Pattern(text) for text in filters.exclude]
        if filters.default_excludes:
            exclude += [Pattern(text, default=True) for text in DEFAULT_EXCLUDES]
        self._exclude = Patterns(exclude)
        self._include = Patterns([Pattern(text) for text in filters.include])
        self._max_depth = filters.max_depth
        hides = filters.hidden is Inclusion.EXCLUDE
        self._no_dot_names = hides and not windows
        self._no_attributes = (_HIDDEN if hides else 0) | (_SYSTEM if filters.system is Inclusion.EXCLUDE else 0)
        self._no_attributes *= windows
        self._least, self._most = filters.min_size_bytes, filters.max_size_bytes
        self._after_ns, self._before_ns = _ns(filters.modified_after), _ns(filters.modified_before)
        self._words = _state_words(filters)
        names = bool(exclude or filters.include or self._no_dot_names or self._no_attributes)
        states = any(limit is not None for limit in (self._least, self._most, self._after_ns, self._before_ns))
        self.rule = self._rule if names else None
        """(place, path, name, attributes) -> what leaves the file out by its name or kind, None if nothing does."""
        self.state_rule = self._state_rule if states else None
        """(size in bytes, mtime in ns) -> what leaves the file out by its size or time, None if nothing does."""

    @property
    def asks_attributes(self) -> bool:
        """Result: whether Windows' attributes of files and folders matter."""
        return bool(self._no_attributes)

    def top(self) -> Place:
        """Result: the place of what lies in the source folder itself."""
        return Place()

    def below(self, place: Place, path: str, name: str, attributes: int = 0) -> Place:
        """Result: the place of what lies in the folder `path`, which itself lies in `place`."""
        depth = place.depth + 1
        if place.left_out is not None:
            return Place(depth, place.left_out, place.included)
        included = place.included or self._include.match_folder(path, name)
        left_out = self._exclude.rule(path, name, folder=True) or self._kind_rule(name, attributes)
        if left_out is None and self._max_depth is not None and depth >= self._max_depth:
            left_out = f"deeper than level {self._max_depth}"
        return Place(depth, left_out, included)

    def folder_rule(self, place: Place) -> str | None:
        """Result: what leaves out the folder itself, whose place this is: nothing needs it if nothing in it passes."""
        if place.left_out is None and self._include and not place.included:
            return "no include pattern matches"
        return place.left_out

    def _rule(self, place: Place, path: str, name: str, attributes: int) -> str | None:
        exclude, include = self._exclude, self._include
        if exclude.match_file(path, name):
            return exclude.rule(path, name, folder=False)
        if include and not place.included and not include.match_file(path, name):
            return "no include pattern matches"
        return self._kind_rule(name, attributes)

    def _kind_rule(self, name: str, attributes: int) -> str | None:
        if self._no_dot_names and name.startswith("."):
            return "hidden: its name begins with a dot"
        if attributes & self._no_attributes:
            return "hidden" if attributes & self._no_attributes & _HIDDEN else "a file of the system"
        return None

    def _state_rule(self, size_bytes: int, mtime_ns: int) -> str | None:
        if self._least is not None and size_bytes < self._least:
            return self._words["least"]
        if self._most is not None and size_bytes > self._most:
            return self._words["most"]
        if self._after_ns is not None and mtime_ns < self._after_ns:
            return self._words["after"]
        if self._before_ns is not None and mtime_ns >= self._before_ns:
            return self._words["before"]
        return None

    def left_out_by(self, path: str) -> str | None:
        """Result: what leaves a file with this path out by its name, walking down to it as a scan does."""
        *folders, name = path.split("/")
        place, at = self.top(), ""
        for folder in folders:
            at = f"{at}/{folder}" if at else folder
            place = self.below(place, at, folder)
        if place.left_out is not None or self.rule is None:
            return place.left_out
        return self.rule(place, path, name, 0)


class Pattern:
    """One glob. `default`: one of ours, for which case is no difference."""

    def __init__(self, text: str, *, default: bool = False) -> None:
        self.text = text
        self.default = default
        self.stripped = text.strip("/")
        self.folder_only = text.endswith("/")
        self.anchored = "/" in self.stripped or text.startswith("/")
        """Matched against the whole path, not against a name."""
        self.expression = f"(?i:{translate(self.stripped)})" if default else translate(self.stripped)
        self.sentence = f"excluded by default: '{text}'" if default else f"excluded by '{text}'"
        self._compiled = re.compile(self.expression, re.DOTALL)

    def matches(self, path: str, name: str, *, folder: bool) -> bool:
        """Result: whether it matches this file or folder itself, whatever lies above it."""
        if self.folder_only and not folder:
            return False
        return self._compiled.fullmatch(path if self.anchored else name) is not None


class Patterns:
    """Several globs, asked at once. False where there is none."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._all = tuple(patterns)
        self._files = _Union(pattern for pattern in self._all if not pattern.folder_only)
        self._folders = _Union(self._all)
        self.match_file = self._files.match
        self.match_folder = self._folders.match

    def __bool__(self) -> bool:
        return bool(self._all)

    def rule(self, path: str, name: str, *, folder: bool) -> str | None:
        """Result: the sentence of the first pattern that matches this file or folder itself, None if none does."""
        if folder and not self.match_folder(path, name):
            return None
        return next((found.sentence for found in self._all if found.matches(path, name, folder=folder)), None)


class _Union:
    """Globs asked at once: names, beginnings and ends of names as they are, the rest as two regular expressions."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        names, paths = [], []
        exact, begins, ends = set(), [], []
        folded, folded_begins = set(), []
        for pattern in patterns:
            text = pattern.stripped
            if pattern.anchored:
                paths.append(pattern.expression)
            elif pattern.default and _is_plain(text):
                folded.add(text.lower())
            elif pattern.default and _is_plain(text[:-1]) and text.endswith("*"):
                folded_begins.append(text[:-1].lower())
            elif pattern.default:
                names.append(pattern.expression)
            elif _is_plain(text):
                exact.add(text)
            elif _is_plain(text[1:]) and text.startswith("*"):
                ends.append(text[1:])
            elif _is_plain(text[:-1]) and text.endswith("*"):
                begins.append(text[:-1])
            else:
                names.append(pattern.expression)
        self._exact, self._begins, self._ends = frozenset(exact), tuple(begins), tuple(ends)
        self._folded, self._folded_begins = frozenset(folded), tuple(folded_begins)
        self._folds = bool(folded or folded_begins)
        self._affixed = bool(exact or begins or ends)
        self._name, self._path = _either(names), _either(paths)

    def match(self, path: str, name: str) -> bool:
        """Result: whether one of them matches."""
        if self._folds:
            low = name.lower()
            if low in self._folded or low.startswith(self._folded_begins):
                return True
        if self._affixed and (name in self._exact or name.endswith(self._ends) or name.startswith(self._begins)):
            return True
        if self._name is not None and self._name.fullmatch(name) is not None:
            return True
        return self._path is not None and self._path.fullmatch(path) is not None


def _is_plain(text: str) -> bool:
    return not _GLOB_CHARACTERS & set(text)


def _either(expressions: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{found})" for found in expressions), re.DOTALL) if expressions else None


def _state_words(filters: FileFilters) -> dict[str, str]:
    words: dict[str, str] = {}
    if filters.min_size_bytes is not None:
        words["least"] = f"smaller than {size_text(filters.min_size_bytes)}"
    if filters.max_size_bytes is not None:
        words["most"] = f"larger than {size_text(filters.max_size_bytes)}"
    if filters.modified_after is not None:
        words["after"] = f"last modified before {moment_text(filters.modified_after)}"
    if filters.modified_before is not None:
        words["before"] = f"last modified at or after {moment_text(filters.modified_before)}"
    return words


def _ns(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


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
