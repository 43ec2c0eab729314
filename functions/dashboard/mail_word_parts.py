"""What the words of all mails are made of: their form, facts as one line, dates, and who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from functions.domain.mail import MailContext
from migrate_contract.errors import CATALOGUE, Entry, ErrorCode

type Facts = Mapping[str, str]

_LINE = 300


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


def in_days(days: str) -> str:
    """Result: "in 14 days", "in 1 day", "today"."""
    return {"0": "today", "1": "in 1 day"}.get(days, f"in {days} days")


def days_left(days: str) -> str:
    """Result: "14 days left", "1 day left", "last day"."""
    return {"0": "last day", "1": "1 day left"}.get(days, f"{days} days left")


def project_of(context: MailContext) -> str:
    """Result: the project as a mail names it."""
    return context.project_name or "OneMigrate"


def customer_reads(context: MailContext) -> str:
    """Result: why a customer gets the mail, who is no operator."""
    return (
        f"You get this mail because {context.organization_name} has named you for the project "
        f"{project_of(context)}. The link is for you: it opens a page about this project alone, and works until the "
        "connection is saved, for 30 days at most."
    )


def operator_reads(context: MailContext) -> str:
    """Result: why an operator gets the mail."""
    about = f" for the project {context.project_name}" if context.project_name else ""
    return (
        f"You get this mail because {context.organization_name} has named you{about}. The page needs a sign-in as a "
        f"member of {context.organization_name}."
    )


def storage_rows(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Result: the rows that say which storage."""
    return ("Storage account", facts.get("account", "")), ("Container", facts.get("container", ""))


def route_rows(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Result: the rows that say from where to where."""
    return ("From", facts.get("source", "")), ("To", facts.get("destination", ""))


def rows_of(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Result: those that have a value."""
    return tuple(pair for pair in pairs if pair[1])


def entry_of(facts: Facts) -> Entry:
    """Result: the catalogue's words; of `internal-error` for a code that this version does not know."""
    return CATALOGUE[ErrorCode(facts["code"]) if facts["code"] in set(ErrorCode) else ErrorCode.INTERNAL]
