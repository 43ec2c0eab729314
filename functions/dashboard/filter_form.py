"""The part of a job's form that says which files, and how filters are worded in it and on the job's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError, ValidationInfo, field_validator

from functions.dashboard.fields import FormModel, like, number, one_per_line
from functions.dashboard.forms import Form
from migrate_contract.filters import (
    DEFAULT_EXCLUDES,
    FileFilters,
    Inclusion,
    moment_text,
    parse_moment,
    parse_size,
    size_text,
)

_PATTERNS_RULE = "At most 200 patterns of 256 characters each, one per line."
_DEPTH_RULE = "A whole number from 1 to 1,000; leave it empty for any depth."
_MANIFEST_RULE = "Write the full path on the agent's machine, such as /srv/lists/first.csv or D:\\Lists\\first.csv."
_SIZES_RULE = "This is below the smallest size: no file could be copied."
_TIMES_RULE = "This is not later than the other moment: no file could be copied."

FOLDED = frozenset({"min_size", "max_size", "modified_after", "modified_before", "max_depth", "manifest"})
"""Fields of the block that is folded up at first; it opens where one of them is set or wrong."""
_FOLDED_BOXES = frozenset({"keep_defaults", "exclude_hidden", "exclude_system"})


def _patterns(text: str) -> str:
    try:
        FileFilters(include=one_per_line(text))
    except ValidationError:
        raise ValueError(_PATTERNS_RULE) from None
    return text


def _readable(read: Callable[[str], Any]) -> AfterValidator:
    """Result: a check that `read` understands what is typed; blank is fine."""

    def check(text: str) -> str:
        if text:
            read(text)
        return text

    return AfterValidator(check)


def _moment(text: str) -> datetime:
    return parse_moment(text, UTC)


def _manifest(text: str) -> None:
    try:
        FileFilters(manifest=text)
    except ValidationError:
        raise ValueError(_MANIFEST_RULE) from None


PatternsField = Annotated[str, AfterValidator(_patterns)]
SizeField = Annotated[str, _readable(parse_size)]
MomentField = Annotated[str, _readable(_moment)]
ManifestField = Annotated[str, _readable(_manifest)]


class FilterForm(FormModel):
    """What is typed about which files; one flat field each. A box that is not ticked is not sent."""

    include: PatternsField = ""
    exclude: PatternsField = ""
    keep_defaults: bool = False
    """Copy also what is left out by default: a box that is not sent must mean the default."""
    min_size: SizeField = ""
    max_size: SizeField = ""
    modified_after: MomentField = ""
    modified_before: MomentField = ""
    exclude_hidden: bool = False
    exclude_system: bool = False
    max_depth: Annotated[int | None, number(int, _DEPTH_RULE), like(FileFilters, "max_depth", _DEPTH_RULE)] = None
    manifest: ManifestField = ""

    @field_validator("max_size")
    @classmethod
    def _sizes_in_order(cls, text: str, info: ValidationInfo) -> str:
        least = info.data.get("min_size")
        if text and least and parse_size(least) > parse_size(text):
            raise ValueError(_SIZES_RULE)
        return text

    @field_validator("modified_before")
    @classmethod
    def _moments_in_order(cls, text: str, info: ValidationInfo) -> str:
        after = info.data.get("modified_after")
        if text and after and _moment(after) >= _moment(text):
            raise ValueError(_TIMES_RULE)
        return text

    def filters(self) -> FileFilters:
        """Result: the filters of the API's call."""
        return FileFilters(
            include=one_per_line(self.include),
            exclude=one_per_line(self.exclude),
            default_excludes=not self.keep_defaults,
            min_size_bytes=parse_size(self.min_size) if self.min_size else None,
            max_size_bytes=parse_size(self.max_size) if self.max_size else None,
            modified_after=_moment(self.modified_after) if self.modified_after else None,
            modified_before=_moment(self.modified_before) if self.modified_before else None,
            hidden=Inclusion.EXCLUDE if self.exclude_hidden else Inclusion.INCLUDE,
            system=Inclusion.EXCLUDE if self.exclude_system else Inclusion.INCLUDE,
            max_depth=self.max_depth,
            manifest=self.manifest or None,
        )


def typed_filters(filters: FileFilters) -> Mapping[str, Sequence[str]]:
    """Result: the form's values as if these filters had been typed."""
    values = {
        "include": "\n".join(filters.include),
        "exclude": "\n".join(filters.exclude),
        "min_size": "" if filters.min_size_bytes is None else size_text(filters.min_size_bytes),
        "max_size": "" if filters.max_size_bytes is None else size_text(filters.max_size_bytes),
        "modified_after": moment_text(filters.modified_after) if filters.modified_after else "",
        "modified_before": moment_text(filters.modified_before) if filters.modified_before else "",
        "max_depth": str(filters.max_depth or ""),
        "manifest": filters.manifest or "",
    }
    boxes = {
        "keep_defaults": not filters.default_excludes,
        "exclude_hidden": filters.hidden is Inclusion.EXCLUDE,
        "exclude_system": filters.system is Inclusion.EXCLUDE,
    }
    return {name: [text] for name, text in values.items()} | {name: ["true"] for name, on in boxes.items() if on}


def is_unfolded(form: Form) -> bool:
    """Result: whether something in the folded block is set or wrong."""
    return any(form.value(name) or form.error(name) for name in FOLDED) or any(
        form.checked(name) for name in _FOLDED_BOXES
    )


@dataclass(frozen=True)
class Fact:
    """One filter in words; `code`: the values are patterns or paths; `folded`: what stands for a long list."""

    label: str
    values: Sequence[str]
    code: bool = False
    folded: str = ""


def filter_facts(filters: FileFilters) -> list[Fact]:
    """Result: each filter that is set, as the job's page lists them."""
    facts = [Fact("Only", filters.include, code=True), Fact("Leave out", filters.exclude, code=True)]
    if filters.manifest:
        facts.append(Fact("Manifest", [filters.manifest], code=True))
    sizes = []
    if filters.min_size_bytes is not None:
        sizes.append(f"{size_text(filters.min_size_bytes)} or more")
    if filters.max_size_bytes is not None:
        sizes.append(f"at most {size_text(filters.max_size_bytes)}")
    times = []
    if filters.modified_after:
        times.append(f"at or after {moment_text(filters.modified_after)}")
    if filters.modified_before:
        times.append(f"before {moment_text(filters.modified_before)}")
    facts += [Fact("Size", [", ".join(sizes)] if sizes else []), Fact("Modified", [", ".join(times)] if times else [])]
    if filters.max_depth is not None:
        facts.append(Fact("Depth", [f"{filters.max_depth} levels" if filters.max_depth > 1 else "no folders"]))
    kinds = [
        words
        for words, chosen in (("hidden files", filters.hidden), ("files of the system", filters.system))
        if chosen is Inclusion.EXCLUDE
    ]
    facts.append(Fact("Left out", [" and ".join(kinds)] if kinds else []))
    if filters.default_excludes:
        facts.append(
            Fact("By default", DEFAULT_EXCLUDES, code=True, folded=f"{len(DEFAULT_EXCLUDES)} patterns left out")
        )
    else:
        facts.append(Fact("By default", ["nothing left out"]))
    return [fact for fact in facts if fact.values]
