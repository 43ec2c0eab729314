"""The error catalogue as pages show it: titles by code, and codes in groups, in the catalogue's own order."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_contract.errors import CATALOGUE, Entry, ErrorCode, Fault

TITLES = {code.value: entry.title for code, entry in CATALOGUE.items()}

WHOSE_TURN = {
    Fault.CUSTOMER: "the customer's: something at their site",
    Fault.OPERATOR: "the operator's: something in the dashboard or the deployment",
    Fault.TRANSIENT: "nobody's: it passes by itself",
    Fault.BUG: "ours: write to support",
}

_GROUP_STARTS = {
    ErrorCode.REQUEST_MALFORMED: ("api", "Sign-in, requests and the control plane"),
    ErrorCode.REGISTRATION_CODE_UNKNOWN: ("agents", "Registering agents, and their keys"),
    ErrorCode.AGENT_OF_ANOTHER_CLIENT: ("jobs", "Clients, projects and jobs"),
    ErrorCode.CUSTOMER_LINK_UNKNOWN: ("links", "Links for customers"),
    ErrorCode.CONFIG_INVALID: ("machine", "The agent's own machine"),
    ErrorCode.SOURCE_NOT_FOUND: ("copy", "A copy as a whole"),
    ErrorCode.FILTERED_OUT: ("files", "One file"),
    ErrorCode.SQL_CONNECTION_STRING_INVALID: ("rockrms", "RockRMS and Mission"),
}
"""The catalogue is written in sections; each begins with this code."""


@dataclass(frozen=True, slots=True)
class Group:
    """A section of the catalogue."""

    anchor: str
    title: str
    entries: list[tuple[ErrorCode, Entry]]


def groups() -> list[Group]:
    """Result: every code of the catalogue, each in exactly one group."""
    found: list[Group] = []
    for code in ErrorCode:
        if code in _GROUP_STARTS or not found:
            found.append(Group(*_GROUP_STARTS.get(code, ("other", "Other")), []))
        found[-1].entries.append((code, CATALOGUE[code]))
    return found


def group_of(code: ErrorCode) -> Group:
    """Result: the group that holds the code."""
    return next(group for group in groups() if any(code is member for member, _ in group.entries))
