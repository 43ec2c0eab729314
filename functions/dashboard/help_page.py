"""Help by code: open to everybody, since an agent's user has no account here."""

from __future__ import annotations

from functions.dashboard.catalogue import WHOSE_TURN, group_of, groups
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from migrate_contract.errors import CATALOGUE, ErrorCode


def help_index(frame: Frame) -> str:
    """Result: the whole catalogue in groups."""
    return render("help.html", frame, groups=groups())


def help_code(frame: Frame, code: ErrorCode) -> str:
    """Result: one code: what happened, what to do, whose turn it is."""
    entry, group = CATALOGUE[code], group_of(code)
    return render(
        "help_code.html",
        frame,
        code=code.value,
        entry=entry,
        whose=WHOSE_TURN[entry.fault],
        group=group.title,
        anchor=group.anchor,
    )
