"""What each mail says, in simple words: pure, from its facts. The templates beside it only lay it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from functions.domain.mail import MailContext, MailKind
from migrate_contract.errors import CATALOGUE, Entry, ErrorCode

type Facts = Mapping[str, str]

EXPIRED_WORDS = "Azure credentials expired — re-authenticate via dashboard"
"""The source document's words, which people search for."""
_LINE = 300
_KIND_WORDS = {
    MailKind.CONNECTION_EXPIRING: "a connection to Azure Storage that ends soon",
    MailKind.CONNECTION_EXPIRED: "a connection to Azure Storage that has ended",
    MailKind.JOB_FAILED: "failed jobs",
    MailKind.JOB_COMPLETED_WITH_FAILURES: "jobs that completed with failures",
    MailKind.AGENT_OFFLINE: "agents that are offline",
    MailKind.JOB_STUCK: "jobs that are stuck",
    MailKind.SIGN_IN_FAILING: "sign-ins that fail",
    MailKind.IDENTITY_PROVIDER_MISCONFIGURED: "a refused app registration",
    MailKind.CLIENT_SECRET_EXPIRING: "a client secret that expires",
}


@dataclass(frozen=True, slots=True)
class MailWords:
    """One mail before it is laid out. Every text is one line."""

    subject: str
    tone: str
    """"bad", "warn" or "info": the colour of its edge."""
    headline: str
    paragraphs: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    """What it is about: label and value."""
    fix: str
    button: str
    afterwards: str
    """What happens then, or if nothing is done."""
    reader: str
    """Why this reader gets it."""


def kind_words(kind: MailKind) -> str:
    """Result: the kind as one names it: "mail about ..."; empty for kinds that are only sent by hand."""
    return _KIND_WORDS.get(kind, "")


def mail_words(kind: MailKind, facts: Facts, context: MailContext) -> MailWords:
    """Result: what the mail says. Facts are words from anywhere: each is made one line of bounded length."""
    safe = {name: one_line(value) for name, value in facts.items()}
    plain = MailContext(
        organization_name=one_line(context.organization_name),
        project_name=one_line(context.project_name),
        client_name=one_line(context.client_name),
        link=context.link,
        support=one_line(context.support),
        unsubscribe_link=context.unsubscribe_link,
    )
    return _WRITERS[kind](safe, plain)


def one_line(text: str) -> str:
    """Result: the text without line breaks or other controls, so that it cannot add a header or a paragraph."""
    visible = "".join(symbol if symbol.isprintable() else " " for symbol in text)
    joined = " ".join(visible.split())
    return joined if len(joined) <= _LINE else joined[: _LINE - 1] + "…"


def day(iso: str) -> str:
    """Result: "16 March 2026"; the text itself where it is no date."""
    try:
        found = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{found.day} {found:%B %Y}"


def _expiring(facts: Facts, context: MailContext) -> MailWords:
    left = "1 day" if facts["days_left"] == "1" else f"{facts['days_left']} days"
    until = day(facts["expires_on"])
    return MailWords(
        subject=f"Please sign in again by {until}: {_project(context)} ({left} left)",
        tone="warn",
        headline=f"The connection to your Azure storage ends in {left}",
        paragraphs=(
            f"{context.organization_name} copies files to your Azure storage for the project {_project(context)}. "
            f"The permission that was given for this is normally renewed by itself. For some time that has not "
            f"worked, and on {until} it ends.",
        ),
        rows=_rows(
            ("Project", _project(context)),
            *_storage(facts),
            ("Ends on", until),
            ("Not renewed because", facts.get("reason", "")),
        ),
        fix=_SIGN_IN,
        button="Reconnect Azure Storage",
        afterwards=f"If nothing is done, copying stops on {until}. What was copied by then stays where it is, and is "
        "not copied again after you have reconnected.",
        reader=_customer(context),
    )


def _expired(facts: Facts, context: MailContext) -> MailWords:
    return MailWords(
        subject=f"Copying has stopped, please sign in again: {_project(context)}",
        tone="bad",
        headline="The connection to your Azure storage has ended",
        paragraphs=(
            f"{context.organization_name} copies files to your Azure storage for the project {_project(context)}. "
            "Azure does not accept the permission any more that was given for this, so copying has stopped.",
        ),
        rows=_rows(
            ("Project", _project(context)),
            *_storage(facts),
            ("Message", EXPIRED_WORDS),
            ("Reason", facts["reason"]),
            ("Stopped", facts.get("jobs", "")),
        ),
        fix=_SIGN_IN,
        button="Reconnect Azure Storage",
        afterwards="Nothing is lost. What was copied stays where it is; after you have reconnected, copying goes on "
        "with what is missing.",
        reader=_customer(context),
    )


def _reconnect(facts: Facts, context: MailContext) -> MailWords:
    sender = facts.get("sent_by") or context.organization_name
    return MailWords(
        subject=f"Your link to connect Azure Storage: {_project(context)}",
        tone="info",
        headline="Connect your Azure storage",
        paragraphs=(
            f"{sender} asks you to connect the Azure storage that the files of the project {_project(context)} are "
            "copied to.",
        ),
        rows=_rows(("Project", _project(context)), *_storage(facts)),
        fix=_SIGN_IN,
        button="Connect Azure Storage",
        afterwards="The link works until the connection is saved, and for 30 days at most. It opens a page about this "
        "project alone.",
        reader=f"You get this mail because {sender} has sent it to you.",
    )


def _job_failed(facts: Facts, context: MailContext) -> MailWords:
    entry = _entry(facts)
    return MailWords(
        subject=f"Job failed: {facts['job_name']} ({_project(context)})",
        tone="bad",
        headline=f"Job {facts['job_name']} has failed",
        paragraphs=(f"A job of the project {_project(context)} has ended before all files were copied.",),
        rows=_rows(
            ("Project", _project(context)),
            ("Job", facts["job_name"]),
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
            *_route(facts),
        ),
        fix=entry.fix,
        button="Open the job",
        afterwards="When the cause is mended, rerun the job: what it has copied and verified is not copied again.",
        reader=_operator(context),
    )


def _job_with_failures(facts: Facts, context: MailContext) -> MailWords:
    failed = "1 file" if facts["failed"] == "1" else f"{facts['failed']} files"
    return MailWords(
        subject=f"Completed with failures: {facts['job_name']} ({_project(context)})",
        tone="warn",
        headline=f"Job {facts['job_name']} has completed, without {failed}",
        paragraphs=(f"A job of the project {_project(context)} is done, but {failed} could not be copied.",),
        rows=_rows(
            ("Project", _project(context)),
            ("Job", facts["job_name"]),
            ("Not copied", failed),
            ("Copied", facts.get("transferred", "")),
            ("Unchanged", facts.get("unchanged", "")),
            *_route(facts),
        ),
        fix="Open the job, read the list of failed files with the reason of each, mend it, then retry the failed files "
        "only.",
        button="Open the job",
        afterwards="Until then the copies of these files are missing or old; all others are complete.",
        reader=_operator(context),
    )


def _agent_offline(facts: Facts, context: MailContext) -> MailWords:
    return MailWords(
        subject=f"Agent offline with work to do: {facts['agent_name']} ({_project(context)})",
        tone="bad",
        headline=f"Agent {facts['agent_name']} is offline",
        paragraphs=(
            f"The agent has work of the project {_project(context)} and has not been heard from since "
            f"{facts['since']}.",
        ),
        rows=_rows(
            ("Project", _project(context)),
            ("Agent", facts["agent_name"]),
            ("Offline since", facts["since"]),
            ("Its work", facts.get("jobs", "")),
        ),
        fix="Check that the computer runs and reaches the Internet, then type on it: migrate-agent status. If the "
        "service is stopped, type: migrate-agent start --service.",
        button="Open the agent",
        afterwards="When the agent is back it goes on by itself, without copying anything twice.",
        reader=_operator(context),
    )


def _job_stuck(facts: Facts, context: MailContext) -> MailWords:
    entry = _entry(facts)
    return MailWords(
        subject=f"Job does not move: {facts['job_name']} ({_project(context)})",
        tone="warn",
        headline=f"Job {facts['job_name']} does not move",
        paragraphs=(f"A job of the project {_project(context)} has made no progress for some time.",),
        rows=_rows(
            ("Project", _project(context)),
            ("Job", facts["job_name"]),
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Since", facts.get("since", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="Open the job",
        afterwards="The job goes on by itself as soon as it can.",
        reader=_operator(context),
    )


def _sign_in_failing(facts: Facts, context: MailContext) -> MailWords:
    entry = _entry(facts)
    about = _project(context) if context.project_name else context.organization_name
    return MailWords(
        subject=f"Signing in to Azure fails repeatedly: {about}",
        tone="warn",
        headline=f"{facts['count']} sign-ins to Azure have failed within an hour",
        paragraphs=("Somebody tries to connect Azure Storage and does not succeed. They may need your help.",),
        rows=_rows(
            ("Project", _project(context)),
            ("Customer", context.client_name),
            ("Account", facts.get("account", "")),
            ("Last refusal", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="Open the project" if context.project_name else "What the code means",
        afterwards="Until somebody signs in with success, the connection stays as it was.",
        reader=_operator(context),
    )


def _identity(facts: Facts, context: MailContext) -> MailWords:
    entry = _entry(facts)
    return MailWords(
        subject=f"Azure does not accept our app registration: {context.organization_name}",
        tone="bad",
        headline="Azure does not accept our app registration",
        paragraphs=(
            "Connections to customers' storage cannot be renewed until this is mended. It is ours to mend: customers "
            "are not asked to do anything.",
        ),
        rows=_rows(
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="What the code means",
        afterwards="Running copies go on until their access ends, within an hour; then they wait.",
        reader=_operator(context),
    )


def _secret_expiring(facts: Facts, context: MailContext) -> MailWords:
    left = "1 day" if facts["days_left"] == "1" else f"{facts['days_left']} days"
    until = day(facts["expires_on"])
    return MailWords(
        subject=f"Our client secret expires on {until}: {context.organization_name} ({left} left)",
        tone="warn",
        headline=f"The client secret of our app registration expires in {left}",
        paragraphs=("Without a new one, no connection to a customer's storage can be renewed or made from then on.",),
        rows=_rows(("Expires on", until), ("App registration", "storage consent")),
        fix="Make a new client secret in the app registration for storage consent, set it as "
        "ONEMIGRATE_CONSENT_CLIENT_SECRET, set ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON to its date, restart the app, then "
        "remove the old secret.",
        button="Open the help",
        afterwards=f"If nothing is done, running copies end within an hour after {until}. Customers' permissions are "
        "not lost by it.",
        reader=_operator(context),
    )


def _test(facts: Facts, context: MailContext) -> MailWords:
    sender = facts.get("sent_by") or context.organization_name
    return MailWords(
        subject=f"Test mail: {_project(context)}",
        tone="info",
        headline="Mail from OneMigrate reaches you",
        paragraphs=(f"{sender} has sent this mail to try whether mail about {_project(context)} arrives.",),
        rows=_rows(("Project", _project(context)), ("Customer", context.client_name)),
        fix="Nothing to do. If you found this mail among spam, mark it as wanted: then you see the next one in time.",
        button="Open the project",
        afterwards="The page shows whether the mail was delivered.",
        reader=f"You get this mail because {sender} has sent it to you.",
    )


_SIGN_IN = (
    "Open the page below and sign in with a Microsoft account that has the role Storage Blob Data Contributor on the "
    "storage account. It takes about a minute, and the page tells you if something is missing."
)


def _project(context: MailContext) -> str:
    return context.project_name or "OneMigrate"


def _customer(context: MailContext) -> str:
    return (
        f"You get this mail because {context.organization_name} has named you for the project {_project(context)}. The "
        "link is for you: it opens a page about this project alone, and works until the connection is saved, for 30 "
        "days at most."
    )


def _operator(context: MailContext) -> str:
    about = f" for the project {context.project_name}" if context.project_name else ""
    return (
        f"You get this mail because {context.organization_name} has named you{about}. The page needs a sign-in as a "
        f"member of {context.organization_name}."
    )


def _storage(facts: Facts) -> tuple[tuple[str, str], ...]:
    return ("Storage account", facts.get("account", "")), ("Container", facts.get("container", ""))


def _route(facts: Facts) -> tuple[tuple[str, str], ...]:
    return ("From", facts.get("source", "")), ("To", facts.get("destination", ""))


def _rows(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Result: those that have a value."""
    return tuple(pair for pair in pairs if pair[1])


def _entry(facts: Facts) -> Entry:
    """Result: the catalogue's words; of `internal-error` for a code that this version does not know."""
    return CATALOGUE[ErrorCode(facts["code"]) if facts["code"] in set(ErrorCode) else ErrorCode.INTERNAL]


_WRITERS: Mapping[MailKind, Callable[[Facts, MailContext], MailWords]] = {
    MailKind.CONNECTION_EXPIRING: _expiring,
    MailKind.CONNECTION_EXPIRED: _expired,
    MailKind.RECONNECT_LINK: _reconnect,
    MailKind.JOB_FAILED: _job_failed,
    MailKind.JOB_COMPLETED_WITH_FAILURES: _job_with_failures,
    MailKind.AGENT_OFFLINE: _agent_offline,
    MailKind.JOB_STUCK: _job_stuck,
    MailKind.SIGN_IN_FAILING: _sign_in_failing,
    MailKind.IDENTITY_PROVIDER_MISCONFIGURED: _identity,
    MailKind.CLIENT_SECRET_EXPIRING: _secret_expiring,
    MailKind.TEST: _test,
}
