"""A project's mail: recipients, what was sent, and the open page behind each mail's link to unsubscribe."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from functions.dashboard.customer_pages import customer_problem_page
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.mail_page import RecipientForm, mail_page, unsubscribe_page
from functions.dashboard.problem_page import problem_page
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.page_reads import typed
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

pages = PageRoutes("mail", problem_page=problem_page)
open_pages = PageRoutes("mail", problem_page=customer_problem_page)

MailToken = Annotated[str, StringConstraints(min_length=1, max_length=300)]
RecipientId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,64}$")]


def _mail(call: PageCall, project_id: str, form: Form = EMPTY_FORM) -> str:
    return mail_page(
        call.frame,
        call.services.clock(),
        call.services.projects.show(call.caller, project_id),
        recipients=call.services.recipients.list(call.caller, project_id).items,
        mails=call.services.mails.list(call.caller, project_id).items,
        form=form,
    )


def _mail_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _mail(call, project_id, typed(refused))


@pages.page("projects/{project_id}/mail")
def page_project_mail(call: PageCall, project_id: ProjectId) -> Answer:
    """The project's recipients and mails."""
    return call.html(_mail(call, project_id))


@pages.form("projects/{project_id}/recipients", again=_mail_again)
def page_recipient_add(call: PageCall, project_id: ProjectId, form: RecipientForm) -> Answer:
    """Adds a recipient."""
    call.services.recipients.add(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}/mail", Done.RECIPIENT_ADDED))


@pages.form("projects/{project_id}/recipients/{recipient_id}/remove")
def page_recipient_remove(call: PageCall, project_id: ProjectId, recipient_id: RecipientId) -> Answer:
    """Removes a recipient."""
    call.services.recipients.remove(call.caller, project_id, recipient_id)
    return call.see_other(after(f"/projects/{project_id}/mail", Done.RECIPIENT_REMOVED))


@pages.form("projects/{project_id}/test-mail", again=_mail_again)
def page_test_mail(call: PageCall, project_id: ProjectId, form: RecipientForm) -> Answer:
    """Sends a test mail to the address that was typed."""
    call.services.mails.send_test(call.caller, project_id, form.test())
    return call.see_other(after(f"/projects/{project_id}/mail", Done.TEST_MAIL_POSTED))


@open_pages.open_page("mail/unsubscribe/{token}", refusals=(ErrorCode.MAIL_LINK_INVALID,))
def page_unsubscribe(call: OpenPageCall, token: MailToken) -> Answer:
    """Asks whether to send no more of this kind; a mail scanner that opens the link changes nothing."""
    return call.html(unsubscribe_page(call.frame, _here(token), call.services.unsubscribes.show(token)))


@open_pages.open_form("mail/unsubscribe/{token}", refusals=(ErrorCode.MAIL_LINK_INVALID,))
def page_unsubscribe_do(call: OpenPageCall, token: MailToken) -> Answer:
    """Sends no more of this kind; also what a mail program's own button posts to (RFC 8058)."""
    return call.html(unsubscribe_page(call.frame, _here(token), call.services.unsubscribes.mute(token)))


@open_pages.open_form("mail/unsubscribe/{token}/again", refusals=(ErrorCode.MAIL_LINK_INVALID,))
def page_unsubscribe_undo(call: OpenPageCall, token: MailToken) -> Answer:
    """Sends them again."""
    return call.html(unsubscribe_page(call.frame, _here(token), call.services.unsubscribes.unmute(token)))


def _here(token: str) -> str:
    return f"/mail/unsubscribe/{token}"
