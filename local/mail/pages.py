"""The pages of sent mail, for `make up`: a list, and each mail as its reader sees it. They work without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from local.mail.store import SentMail

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 60rem }
h1 { font-size: 1.4rem; margin: 0 0 1rem } a { color: #2f4cb0 }
@media (prefers-color-scheme: dark) { a { color: #a3b6ff } }
ul { list-style: none; padding: 0 } li { border-top: 1px solid #8886; padding: .7rem 0; overflow-wrap: anywhere }
small, dt { opacity: .75 } dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: 0 0 1rem }
dd { margin: 0; overflow-wrap: anywhere }
iframe { width: 100%; height: 75vh; border: 1px solid #8886; border-radius: 8px }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: 8px; padding: 1rem }
"""


def list_page(mails: Sequence[SentMail]) -> str:
    """Every mail, the newest first."""
    entries = "".join(
        f'<li><a href="/mails/{mail.number}">{escape(mail.subject)}</a><br>'
        f"<small>to {escape(mail.to)}, {escape(mail.sent_at[:19].replace('T', ' '))} UTC</small></li>"
        for mail in reversed(mails)
    )
    empty = "<p>No mail was sent yet. A project's page sends a test mail.</p>"
    return _page("Sent mail", f"<ul>{entries}</ul>" if entries else empty)


def mail_page(mail: SentMail) -> str:
    """One mail: its headers, the HTML (in a frame that runs nothing), and the plain text.

    Links open in the whole window, as they do from a mail program.
    """
    html = mail.html.replace("<head>", '<head><base target="_blank">', 1)
    facts = {"To": mail.to, "From": str(mail.content["senderAddress"]), "Sent": mail.sent_at, **mail.content["headers"]}
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    return _page(
        mail.subject,
        f'<p><a href="/">All mail</a> · <a href="/mails/{mail.number}.eml">as a file</a></p><dl>{rows}</dl>'
        f'<iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{escape(html)}"></iframe><h2>Plain text</h2><pre>{escape(mail.plain)}</pre>',
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
