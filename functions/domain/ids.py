"""Identifiers: how they are made, what they tell, and the refusal of anything that is none.

A job's id carries its project's, and a command's id its job, attempt and number, so that rows are found without an
index. All of them consist of characters that are safe in table keys and blob names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from functions.domain.ports import Tokens
from migrate_contract.commands import CommandKind
from migrate_contract.errors import ErrorCode, Fatal

_OWN = 12
_PATTERNS = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "client": r"cli_[a-z0-9]{12}",
        "project": r"prj_[a-z0-9]{12}",
        "agent": r"agt_[a-z0-9]{12}",
        "job": r"job_[a-z0-9]{24}",
        "code": r"[0-9a-f]{12}",
        "webhook": r"whk_[a-z0-9]{12}",
        "event": r"evt_[0-9a-f]{24}",
        "link": r"[a-z0-9]{12}",
        "organization": r"[a-z0-9][a-z0-9-]{0,39}",
    }.items()
}
_WORDS = {
    CommandKind.START_JOB: "start",
    CommandKind.PAUSE_JOB: "pause",
    CommandKind.CANCEL_JOB: "cancel",
    CommandKind.APPROVE_JOB: "approve",
    CommandKind.DROP_JOB: "drop",
}
_COMMAND = re.compile(rf"cmd_({'|'.join(_WORDS.values())})-([a-z0-9]{{24}})-(\d{{1,7}})-(\d{{1,9}})")


_CHECK_WORDS = {
    CommandKind.TEST_ROCKRMS: "testrock",
    CommandKind.TEST_MISSION: "testmission",
    CommandKind.TRACE_RECORD: "trace",
    CommandKind.KEEP_CONNECTION: "keep",
    CommandKind.FORGET_CONNECTION: "forget",
}
_CHECK = re.compile(rf"cmd_({'|'.join(_CHECK_WORDS.values())})-([a-z0-9]{{12}})-([a-z0-9]{{12}})")


def is_id(kind: str, text: str) -> bool:
    """Result: whether `text` is an identifier of this kind ("client", "project", "agent", "job", "code" ...)."""
    return _PATTERNS[kind].fullmatch(text) is not None


def need_id(kind: str, text: str) -> str:
    """Result: `text`; raises Fatal(not-found) where it cannot be the id of anything."""
    if not is_id(kind, text):
        raise Fatal(ErrorCode.NOT_FOUND, f"No such {kind}")
    return text


def new_client_id(tokens: Tokens) -> str:
    """Result: a fresh client id."""
    return "cli_" + tokens.identifier(_OWN)


def new_project_id(tokens: Tokens) -> str:
    """Result: a fresh project id."""
    return "prj_" + tokens.identifier(_OWN)


def new_agent_id(tokens: Tokens) -> str:
    """Result: a fresh agent id."""
    return "agt_" + tokens.identifier(_OWN)


def new_webhook_id(tokens: Tokens) -> str:
    """Result: a fresh webhook id."""
    return "whk_" + tokens.identifier(_OWN)


def new_job_id(project_id: str, tokens: Tokens) -> str:
    """Result: a fresh id of a job in this project."""
    return "job_" + project_id.removeprefix("prj_") + tokens.identifier(_OWN)


def project_of(job_id: str) -> str:
    """Result: the project that a valid job id names."""
    return "prj_" + job_id.removeprefix("job_")[:_OWN]


class CommandName(NamedTuple):
    """What a command id says."""

    kind: CommandKind
    job_id: str
    attempt: int
    number: int


def command_id(name: CommandName) -> str:
    """Result: the same id for the same command each time, so that a message handled twice writes once."""
    return f"cmd_{_WORDS[name.kind]}-{name.job_id.removeprefix('job_')}-{name.attempt}-{name.number}"


def parse_command_id(text: str) -> CommandName | None:
    """Result: what the id says, or None if we never made such an id."""
    match = _COMMAND.fullmatch(text)
    if match is None:
        return None
    kind = next(kind for kind, word in _WORDS.items() if word == match[1])
    return CommandName(kind, "job_" + match[2], int(match[3]), int(match[4]))


class CheckName(NamedTuple):
    """What the id of a command says that is about a project and no job. `number` is random."""

    kind: CommandKind
    project_id: str
    number: str


def new_check(kind: CommandKind, project_id: str, tokens: Tokens) -> CheckName:
    """Result: a fresh name."""
    return CheckName(kind, project_id, tokens.identifier(_OWN))


def check_id(name: CheckName) -> str:
    """Result: the command's id."""
    return f"cmd_{_CHECK_WORDS[name.kind]}-{name.project_id.removeprefix('prj_')}-{name.number}"


def parse_check_id(text: str) -> CheckName | None:
    """Result: what the id says, or None if we never made such an id."""
    match = _CHECK.fullmatch(text)
    if match is None:
        return None
    kind = next(kind for kind, word in _CHECK_WORDS.items() if word == match[1])
    return CheckName(kind, "prj_" + match[2], match[3])
