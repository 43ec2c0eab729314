"""The words of mails about the deployment itself, and of the test mail: their readers are operators."""

from __future__ import annotations

from functions.dashboard.mail_word_parts import (
    Facts,
    MailWords,
    day,
    days_left,
    entry_of,
    in_days,
    operator_reads,
    project_of,
    rows_of,
)
from functions.domain.mail import MailContext


def sign_in_failing(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of sign-ins that fail again and again."""
    entry = entry_of(facts)
    about = project_of(context) if context.project_name else context.organization_name
    return MailWords(
        subject=f"Signing in to Azure fails repeatedly: {about}",
        tone="warn",
        headline=f"{facts['count']} sign-ins to Azure have failed within an hour",
        paragraphs=("Somebody tries to connect Azure Storage and does not succeed. They may need your help.",),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Customer", context.client_name),
            ("Account", facts.get("account", "")),
            ("Last refusal", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="Open the project" if context.project_name else "What the code means",
        afterwards="Until somebody signs in with success, the connection stays as it was.",
        reader=operator_reads(context),
    )


def identity(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of our registration that Azure refuses."""
    entry = entry_of(facts)
    return MailWords(
        subject=f"Azure does not accept our app registration: {context.organization_name}",
        tone="bad",
        headline="Azure does not accept our app registration",
        paragraphs=(
            "Connections to customers' storage cannot be renewed until this is mended. It is ours to mend: customers "
            "are not asked to do anything.",
        ),
        rows=rows_of(
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="What the code means",
        afterwards="Running copies go on until their access ends, within an hour; then they wait.",
        reader=operator_reads(context),
    )


def secret_expiring(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of our client secret's end."""
    days = facts["days_left"]
    until = day(facts["expires_on"])
    return MailWords(
        subject=f"Our client secret expires on {until}: {context.organization_name} ({days_left(days)})",
        tone="warn",
        headline=f"The client secret of our app registration expires {in_days(days)}",
        paragraphs=("Without a new one, no connection to a customer's storage can be renewed or made from then on.",),
        rows=rows_of(("Expires on", until), ("App registration", "storage consent")),
        fix="Make a new client secret in the app registration for storage consent, set it as "
        "ONEMIGRATE_CONSENT_CLIENT_SECRET, set ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON to its date, restart the app, then "
        "remove the old secret.",
        button="Open the help",
        afterwards=f"If nothing is done, running copies end within an hour after {until}. Customers' permissions are "
        "not lost by it.",
        reader=operator_reads(context),
    )


def test(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail that somebody tries the mail with."""
    sender = facts.get("sent_by") or context.organization_name
    return MailWords(
        subject=f"Test mail: {project_of(context)}",
        tone="info",
        headline="Mail from OneMigrate reaches you",
        paragraphs=(f"{sender} has sent this mail to try whether mail about {project_of(context)} arrives.",),
        rows=rows_of(("Project", project_of(context)), ("Customer", context.client_name)),
        fix="Nothing to do. If you found this mail among spam, mark it as wanted: then you see the next one in time.",
        button="Open the project",
        afterwards="The page shows whether the mail was delivered.",
        reader=f"You get this mail because {sender} has sent it to you.",
    )
