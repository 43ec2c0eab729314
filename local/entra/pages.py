"""The HTML of the identity server: who signs in, what is permitted, and what went wrong. Works without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from local.entra.directory import Person, Tenant

_STYLE = """
body { font: 16px/1.5 "Segoe UI", system-ui, sans-serif; background: #f2f2f2; margin: 0; color: #1b1b1b }
main { background: #fff; max-width: 26rem; margin: 3rem auto; padding: 2rem; box-shadow: 0 2px 6px #0003 }
h1 { font-size: 1.4rem; font-weight: 600; margin: 0 0 1rem }
button { display: block; width: 100%; text-align: left; font: inherit; padding: .6rem .8rem; margin: .4rem 0;
  border: 1px solid #8a8886; background: #fff; cursor: pointer }
button:hover, button:focus { background: #eef4fb; outline: 2px solid #0067b8 }
button.first { background: #0067b8; color: #fff; border-color: #0067b8 }
small { color: #605e5c } ul { padding-left: 1.2rem } .note { font-size: .85rem; color: #605e5c; margin-top: 1.5rem }
"""


def pick_account(tenant: Tenant | None, people: Sequence[tuple[Tenant, Person]]) -> str:
    """The page that asks who signs in; the form goes back to the address it came from."""
    buttons = "".join(
        f'<button name="person" value="{escape(person.object_id)}">{escape(person.name)}<br>'
        f"<small>{escape(person.username)}{_badges(owner, person)}</small></button>"
        for owner, person in people
    )
    where = f"<p>to <strong>{escape(tenant.name)}</strong></p>" if tenant else ""
    return _page("Pick an account", f'{where}<form method="post">{buttons}</form>')


def consent(application: str, person: Person, permissions: Sequence[str], *, for_everybody: bool) -> str:
    """The page that asks for consent; `for_everybody` is an administrator's for the whole tenant."""
    title = "Permissions requested" + (" for your organization" if for_everybody else "")
    listed = "".join(f"<li>{escape(permission)}</li>" for permission in permissions)
    return _page(
        title,
        f"<p><small>{escape(person.username)}</small></p><p><strong>{escape(application)}</strong> wants to:</p>"
        f'<ul>{listed}</ul><form method="post"><input type="hidden" name="person" value="{escape(person.object_id)}">'
        '<button class="first" name="answer" value="accept">Accept</button>'
        '<button name="answer" value="cancel">Cancel</button></form>',
    )


def approval_needed(application: str, person: Person) -> str:
    """The page for somebody who may not consent: an administrator has to."""
    return _page(
        "Need admin approval",
        f"<p><small>{escape(person.username)}</small></p><p><strong>{escape(application)}</strong> needs permission to "
        "access resources in your organization that only an admin can grant. Please ask an admin to grant permission "
        "to this app before you can use it.</p>"
        f'<form method="post"><input type="hidden" name="person" value="{escape(person.object_id)}">'
        '<button name="answer" value="return">Return to the application without granting consent</button></form>',
    )


def trouble(description: str) -> str:
    """The page that ends a sign-in here, without going back to the application."""
    return _page("Sign in", f"<p>Sorry, but we're having trouble signing you in.</p><p>{escape(description)}</p>")


def _badges(owner: Tenant, person: Person) -> str:
    facts = [owner.name]
    facts += ["guest"] if person.guest else []
    facts += ["administrator"] if person.administrator else []
    return escape(f" ({', '.join(facts)})")


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}"
        '<p class="note">This is the identity server of the local stack. It asks for no password.</p>'
        "</main></body></html>"
    )
