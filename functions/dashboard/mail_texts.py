"""The MailTexts port: lays a mail's words out, once as plain text and once as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from functions.dashboard.mail_word_parts import one_line
from functions.dashboard.mail_words import kind_words, mail_words
from functions.dashboard.rendering import TEMPLATES
from functions.domain.mail import MailContext, MailKind, MailText

_GAP = re.compile(r"\n{3,}")


class LetterTexts:
    """Writes mails from two templates."""

    def write(self, kind: MailKind, facts: Mapping[str, str], context: MailContext) -> MailText:
        """See the port."""
        words = mail_words(kind, facts, context)
        given = {
            "words": words,
            "link": context.link,
            "unsubscribe_link": context.unsubscribe_link,
            "support": one_line(context.support),
            "about": kind_words(kind) + (", for this project" if context.project_name else ""),
            "organization": one_line(context.organization_name),
        }
        plain = _environment().get_template("letter.txt").render(given)
        html = _environment().get_template("letter.html").render(given)
        return MailText(words.subject, _GAP.sub("\n\n", plain).strip() + "\n", html)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"),
        autoescape=select_autoescape(["html"], default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
