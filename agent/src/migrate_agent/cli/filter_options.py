"""The options of `migrate-agent copy` that say which files, and how what is typed becomes the job's filters."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from migrate_contract.filters import DEFAULT_EXCLUDES, FileFilters, Inclusion, parse_moment, parse_size

_PANEL = "Which files"
_COMMENT = "#"


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text, None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _pattern(text: str) -> str:
    """An empty pattern is an unset variable of a script; as an only include it would leave out every file."""
    if not text.strip("/"):
        raise typer.BadParameter("the pattern is empty")
    return text


Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="GLOB",
        parser=_pattern,
        rich_help_panel=_PANEL,
        help="Only these; may be repeated. '*.pdf' looks at names, 'docs/**/*.pdf' at paths below SOURCE, 'docs/' at "
        "folders.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        parser=_pattern,
        rich_help_panel=_PANEL,
        help="Not these, and nothing in folders that match; wins over --include.",
    ),
]
IncludeFrom = Annotated[
    Path | None,
    typer.Option(
        "--include-from", metavar="FILE", rich_help_panel=_PANEL, help="More --include, one a line; # begins a comment."
    ),
]
ExcludeFrom = Annotated[
    Path | None,
    typer.Option(
        "--exclude-from", metavar="FILE", rich_help_panel=_PANEL, help="More --exclude, one a line; # begins a comment."
    ),
]
NoDefaultExcludes = Annotated[
    bool,
    typer.Option(
        "--no-default-excludes",
        rich_help_panel=_PANEL,
        help="Copy also what is left out by default: " + ", ".join(DEFAULT_EXCLUDES) + ".",
    ),
]
MinSize = Annotated[
    int | None,
    typer.Option(
        "--min-size",
        metavar="SIZE",
        parser=_size,
        rich_help_panel=_PANEL,
        help="Not smaller than this, such as 10KiB (1,024) or 5MB (1,000,000).",
    ),
]
MaxSize = Annotated[
    int | None,
    typer.Option("--max-size", metavar="SIZE", parser=_size, rich_help_panel=_PANEL, help="Not larger than this."),
]
ModifiedAfter = Annotated[
    datetime | None,
    typer.Option(
        "--modified-after",
        metavar="DATE",
        parser=_moment,
        rich_help_panel=_PANEL,
        help="Modified at this moment or later: 2026-01-31, '2026-01-31 18:00' (this machine's time), "
        "2026-01-31T18:00Z.",
    ),
]
ModifiedBefore = Annotated[
    datetime | None,
    typer.Option(
        "--modified-before", metavar="DATE", parser=_moment, rich_help_panel=_PANEL, help="Modified before this moment."
    ),
]
ExcludeHidden = Annotated[
    bool,
    typer.Option(
        "--exclude-hidden",
        rich_help_panel=_PANEL,
        help="Not what is hidden: names that begin with a dot; on Windows, the hidden attribute.",
    ),
]
ExcludeSystem = Annotated[
    bool,
    typer.Option("--exclude-system", rich_help_panel=_PANEL, help="On Windows: not what has the system attribute."),
]
MaxDepth = Annotated[
    int | None,
    typer.Option(
        "--max-depth",
        metavar="N",
        min=1,
        max=1000,
        rich_help_panel=_PANEL,
        help="1: the files in SOURCE itself; 2: those in its folders, too; and so on.",
    ),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        rich_help_panel=_PANEL,
        help="Only the paths that this CSV lists: one a row, relative to SOURCE, or in a column named 'path'.",
    ),
]


def patterns_of(given: list[str] | None, file: Path | None, option: str) -> list[str]:
    """Result: the patterns given one by one, then those of the file. Raises BadParameter, naming `option`."""
    found = list(given or [])
    if file is None:
        return found
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise typer.BadParameter(f"{option}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{option}: {file} is not UTF-8 text") from None
    return found + [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(_COMMENT)]


def filters_of(
    *,
    include: list[str],
    exclude: list[str],
    no_default_excludes: bool,
    min_size: int | None,
    max_size: int | None,
    modified_after: datetime | None,
    modified_before: datetime | None,
    exclude_hidden: bool,
    exclude_system: bool,
    max_depth: int | None,
    manifest: Path | None,
) -> FileFilters:
    """Result: the filters. Raises ValidationError where they contradict each other."""
    return FileFilters(
        include=include,
        exclude=exclude,
        default_excludes=not no_default_excludes,
        min_size_bytes=min_size,
        max_size_bytes=max_size,
        modified_after=modified_after,
        modified_before=modified_before,
        hidden=Inclusion.EXCLUDE if exclude_hidden else Inclusion.INCLUDE,
        system=Inclusion.EXCLUDE if exclude_system else Inclusion.INCLUDE,
        max_depth=max_depth,
        manifest=None if manifest is None else os.path.abspath(manifest.expanduser()),  # noqa: PTH100 - links stay
    )
