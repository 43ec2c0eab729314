"""What a page says after an action.

The address carries a code (`?done=job-paused`), never a sentence: nobody can make the page say something by a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Done(StrEnum):
    """Set by the page routes in the redirect that follows a form."""

    CLIENT_CREATED = "client-created"
    CLIENT_CHANGED = "client-changed"
    CLIENT_DELETED = "client-deleted"
    CODE_REVOKED = "code-revoked"
    AGENT_RENAMED = "agent-renamed"
    AGENT_REVOKED = "agent-revoked"
    SUSPENSION_LIFTED = "suspension-lifted"
    PROJECT_CREATED = "project-created"
    PROJECT_CHANGED = "project-changed"
    PROJECT_DELETED = "project-deleted"
    EXPIRED_JOBS_RERUN = "expired-jobs-rerun"
    EXPIRED_JOBS_PARTLY_RERUN = "expired-jobs-partly-rerun"
    STORAGE_CONNECTED = "storage-connected"
    STORAGE_DISCONNECTED = "storage-disconnected"
    LINK_REVOKED = "link-revoked"
    LINK_SENT = "link-sent"
    RECIPIENT_ADDED = "recipient-added"
    RECIPIENT_REMOVED = "recipient-removed"
    TEST_MAIL_POSTED = "test-mail-posted"
    JOB_CREATED = "job-created"
    JOB_CHANGED = "job-changed"
    JOB_DELETED = "job-deleted"
    JOB_PAUSED = "job-paused"
    JOB_RESUMED = "job-resumed"
    JOB_CANCELLED = "job-cancelled"
    JOB_RERUN = "job-rerun"
    JOB_APPROVED = "job-approved"
    JOB_REASSIGNED = "job-reassigned"
    JOB_LIMITED = "job-limited"
    CLIENT_LIMITED = "client-limited"
    SCHEDULE_SAVED = "schedule-saved"
    SCHEDULE_REMOVED = "schedule-removed"
    JOB_RETRIED = "job-retried"
    JOB_CUT_OVER = "job-cut-over"
    SYNC_CHANGED = "sync-changed"
    MIRROR_CONFIRMED = "mirror-confirmed"
    MIRROR_WITHDRAWN = "mirror-withdrawn"
    WEBHOOK_CHANGED = "webhook-changed"
    WEBHOOK_AGAIN = "webhook-again"
    WEBHOOK_DELETED = "webhook-deleted"
    ROCK_SENT = "rock-sent"
    ROCK_FORGET_ASKED = "rock-forget-asked"
    ROCK_TEST_ASKED = "rock-test-asked"
    MISSION_CONNECTED = "mission-connected"
    MISSION_DISCONNECTED = "mission-disconnected"
    MISSION_TEST_ASKED = "mission-test-asked"
    ZONE_SAVED = "zone-saved"
    FUNDS_SAVED = "funds-saved"
    DECISIONS_SAVED = "decisions-saved"
    IMPORT_STARTED = "import-started"
    TRACE_ASKED = "trace-asked"


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence at the top of the next page."""

    text: str


_SENTENCES = {
    Done.CLIENT_CREATED: "Client created. Next: install an agent at the client's site.",
    Done.CLIENT_CHANGED: "Client saved.",
    Done.CLIENT_DELETED: "Client deleted.",
    Done.CODE_REVOKED: "The registration code no longer works.",
    Done.AGENT_RENAMED: "Agent renamed.",
    Done.AGENT_REVOKED: "Agent revoked: its key no longer works, and its jobs wait for another agent.",
    Done.SUSPENSION_LIFTED: "Suspension lifted: the agent may work again.",
    Done.PROJECT_CREATED: "Project created. The checklist shows what comes next.",
    Done.PROJECT_CHANGED: "Project saved.",
    Done.PROJECT_DELETED: "Project deleted.",
    Done.EXPIRED_JOBS_RERUN: "New attempts started. Verified files are not sent again.",
    Done.EXPIRED_JOBS_PARTLY_RERUN: "New attempts started where that was possible; rerun the others from their pages.",
    Done.STORAGE_CONNECTED: "Azure Storage is connected.",
    Done.STORAGE_DISCONNECTED: "Azure Storage is disconnected: no new access is given.",
    Done.LINK_REVOKED: "The link no longer works.",
    Done.LINK_SENT: "The link goes out to the project's recipients within a minute.",
    Done.RECIPIENT_ADDED: "Recipient added.",
    Done.RECIPIENT_REMOVED: "Recipient removed.",
    Done.TEST_MAIL_POSTED: "The test goes out within a minute. Its line here says what became of it.",
    Done.JOB_CREATED: "Job created. It starts at the agent's next heartbeat.",
    Done.JOB_CHANGED: "Job saved.",
    Done.JOB_DELETED: "Job deleted.",
    Done.JOB_PAUSED: "Pause asked. The agent finishes what it is sending first.",
    Done.JOB_RESUMED: "Resumed. It goes on at the agent's next heartbeat.",
    Done.JOB_CANCELLED: "Cancel asked. The agent stops at once when it hears of it.",
    Done.JOB_RERUN: "New attempt started. What is verified is not sent again.",
    Done.JOB_APPROVED: "Approved. The copy begins at the agent's next heartbeat.",
    Done.JOB_RETRIED: "New attempt started, about the failed files only.",
    Done.JOB_CUT_OVER: "The last run has started. The schedule is switched off.",
    Done.SYNC_CHANGED: "Schedule and mirror saved.",
    Done.MIRROR_CONFIRMED: "Mirror confirmed: from the next run on, what is gone from the source is deleted.",
    Done.MIRROR_WITHDRAWN: "The mirror deletes nothing any more.",
    Done.WEBHOOK_CHANGED: "Webhook saved.",
    Done.WEBHOOK_AGAIN: "The event is sent again within a minute.",
    Done.WEBHOOK_DELETED: "Webhook deleted.",
    Done.ROCK_SENT: "Sealed. The agent takes the connection with its next heartbeat.",
    Done.ROCK_FORGET_ASKED: "Asked. The agent destroys the connection string on its next heartbeat.",
    Done.ROCK_TEST_ASKED: "Asked. The agent tests the connection on its next heartbeat.",
    Done.MISSION_CONNECTED: "Mission is connected. Test it next.",
    Done.MISSION_DISCONNECTED: "Mission is disconnected and its key destroyed.",
    Done.MISSION_TEST_ASKED: "Asked. The agent tests Mission on its next heartbeat.",
    Done.ZONE_SAVED: "Time zone saved.",
    Done.FUNDS_SAVED: "Fund map saved. It holds from the next attempt.",
    Done.DECISIONS_SAVED: "Decisions saved. They hold from the next attempt.",
    Done.IMPORT_STARTED: "The import begins at the agent's next heartbeat.",
    Done.TRACE_ASKED: "Asked. The agent looks the record up on its next heartbeat.",
    Done.JOB_REASSIGNED: "Reassigned. The new agent takes the job at its next heartbeat.",
    Done.JOB_LIMITED: "Bandwidth limit saved. It holds from the agent's next heartbeat.",
    Done.CLIENT_LIMITED: "Bandwidth of the site saved. It holds from each agent's next heartbeat.",
    Done.SCHEDULE_SAVED: "Bandwidth schedule saved. It holds from each agent's next heartbeat.",
    Done.SCHEDULE_REMOVED: "Bandwidth schedule removed.",
}


def after(path: str, done: Done) -> str:
    """Result: the address to go to after an action, so that the page there says what was done."""
    return f"{path}?done={done.value}"


def flash_for(code: str | None) -> Flash | None:
    """Result: the sentence for the code in the address, None for an unknown one."""
    if code is None or code not in Done:
        return None
    return Flash(_SENTENCES[Done(code)])
