"""The words for choices in forms and settings: each value of the wire with what it means to an operator."""

from __future__ import annotations

from migrate_contract.agents import AgentState, ProcessMode
from migrate_contract.jobs import AccessTier, JobType, Overwrite, SymlinkPolicy, Verification

OVERWRITE = {
    Overwrite.IF_SOURCE_NEWER: "replace our own by a newer one",
    Overwrite.NEVER: "never replace",
    Overwrite.ALWAYS: "always replace",
}
SYMLINKS = {
    SymlinkPolicy.SKIP: "leave them out",
    SymlinkPolicy.FOLLOW: "copy what they lead to",
}
VERIFICATION = {
    Verification.STORED: "read back size and hash",
    Verification.BLOCK: "checked on the way",
    Verification.READBACK: "download again and compare",
}
JOB_TYPES = {
    JobType.MIGRATE_FILES: "copy once",
    JobType.SYNC: "keep in step: rerun by a schedule or by hand",
    JobType.ARCHIVE: "archive: copy into a tier, then list what is safe to delete",
}
ACCESS_TIERS = {
    None: "the account's default",
    AccessTier.HOT: "hot",
    AccessTier.COOL: "cool",
    AccessTier.COLD: "cold",
    AccessTier.ARCHIVE: "archive (reading takes hours of rehydration)",
}
CONCURRENCY = ("auto", "1", "2", "4", "8", "16", "32", "64")

MODES = {
    ProcessMode.ENROLMENT.value: "not started",
    ProcessMode.FOREGROUND.value: "a program in a terminal",
    ProcessMode.SERVICE.value: "a service",
    ProcessMode.STOPPING.value: "stopped in order",
}
AGENT_TITLES = {
    AgentState.REGISTERED.value: "Registered, process not started",
    AgentState.LATE.value: "Heartbeats are late",
    AgentState.OFFLINE.value: "Agent is offline",
}


def sentence_case(text: str) -> str:
    """Result: the words as they stand in a list of choices."""
    return text[:1].upper() + text[1:]
