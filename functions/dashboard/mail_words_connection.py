"""The words of mails about a connection: their readers are customers, who know none of our pages."""

from __future__ import annotations

from functions.dashboard.mail_word_parts import (
    Facts,
    MailWords,
    customer_reads,
    day,
    days_left,
    in_days,
    project_of,
    rows_of,
    storage_rows,
)
from functions.domain.mail import MailContext

EXPIRED_WORDS = "Azure credentials expired — re-authenticate via dashboard"
"""The source document's words, which people search for."""
_SIGN_IN = (
    "Open the page below and sign in with a Microsoft account that has the role Storage Blob Data Contributor on the "
    "storage account. It takes about a minute, and the page tells you if something is missing."
)


def expiring(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of a connection that ends soon."""
    days = facts["days_left"]
    until = day(facts["expires_on"])
    return MailWords(
        subject=f"Please sign in again by {until}: {project_of(context)} ({days_left(days)})",
        tone="warn",
        headline=f"The connection to your Azure storage ends {in_days(days)}",
        paragraphs=(
            f"{context.organization_name} copies files to your Azure storage for the project {project_of(context)}. "
            f"The permission that was given for this is normally renewed by itself. For some time that has not "
            f"worked, and on {until} it ends.",
        ),
        rows=rows_of(
            ("Project", project_of(context)),
            *storage_rows(facts),
            ("Ends on", until),
            ("Not renewed because", facts.get("reason", "")),
        ),
        fix=_SIGN_IN,
        button="Reconnect Azure Storage",
        afterwards=f"If nothing is done, copying stops on {until}. What was copied by then stays where it is, and is "
        "not copied again after you have reconnected.",
        reader=customer_reads(context),
    )


def expired(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of a connection that has ended."""
    return MailWords(
        subject=f"Copying has stopped, please sign in again: {project_of(context)}",
        tone="bad",
        headline="The connection to your Azure storage has ended",
        paragraphs=(
            f"{context.organization_name} copies files to your Azure storage for the project {project_of(context)}. "
            "Azure does not accept the permission any more that was given for this, so copying has stopped.",
        ),
        rows=rows_of(
            ("Project", project_of(context)),
            *storage_rows(facts),
            ("Ended on", day(facts.get("ended_on", ""))),
            ("Message", EXPIRED_WORDS),
            ("Reason", facts["reason"]),
            ("Stopped", facts.get("jobs", "")),
        ),
        fix=_SIGN_IN,
        button="Reconnect Azure Storage",
        afterwards="Nothing is lost. What was copied stays where it is; after you have reconnected, copying goes on "
        "with what is missing.",
        reader=customer_reads(context),
    )


def reconnect(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail that an operator sends the customer's link with."""
    sender = facts.get("sent_by") or context.organization_name
    return MailWords(
        subject=f"Your link to connect Azure Storage: {project_of(context)}",
        tone="info",
        headline="Connect your Azure storage",
        paragraphs=(
            f"{sender} asks you to connect the Azure storage that the files of the project {project_of(context)} are "
            "copied to.",
        ),
        rows=rows_of(("Project", project_of(context)), *storage_rows(facts)),
        fix=_SIGN_IN,
        button="Connect Azure Storage",
        afterwards="The link works until the connection is saved, and for 30 days at most. It opens a page about this "
        "project alone.",
        reader=f"You get this mail because {sender} has sent it to you.",
    )
