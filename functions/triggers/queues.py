"""Queue triggers: messages are hints that carry an id; a lost one is found by the sweep."""

from __future__ import annotations

import azure.functions as func

from functions import bootstrap

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.function_name("dispatch")
@blueprint.queue_trigger(arg_name="message", queue_name="dispatch", connection="ONEMIGRATE_STORAGE")
def dispatch(message: func.QueueMessage) -> None:
    """Puts a job's start command into its agent's mailbox; delivered twice, it writes once."""
    bootstrap.services().dispatch.handle(_text(message))


@blueprint.function_name("dispatch_poison")
@blueprint.queue_trigger(arg_name="message", queue_name="dispatch-poison", connection="ONEMIGRATE_STORAGE")
def dispatch_poison(message: func.QueueMessage) -> None:
    """Keeps a message that failed every time and raises an alert; the sweep dispatches its job again."""
    bootstrap.services().poison.record(_text(message))


@blueprint.function_name("mail_events")
@blueprint.queue_trigger(arg_name="message", queue_name="mail-events", connection="ONEMIGRATE_STORAGE")
def mail_events(message: func.QueueMessage) -> None:
    """Takes what recipients' mail servers said of our mail, as the mail service reports it."""
    bootstrap.services().mail_reports.handle(_text(message))


def _text(message: func.QueueMessage) -> str:
    """Result: the message as text; what is no UTF-8 is kept readable for the one who looks at its copy."""
    return bytes(message.get_body()).decode("utf-8", errors="backslashreplace")
