"""Queue triggers: messages are hints that carry an id; a lost one is found by the sweep."""

from __future__ import annotations

import azure.functions as func

from functions import bootstrap

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.function_name("dispatch")
@blueprint.queue_trigger(arg_name="message", queue_name="dispatch", connection="ONEMIGRATE_STORAGE")
def dispatch(message: func.QueueMessage) -> None:
    """Puts a job's start command into its agent's mailbox; delivered twice, it writes once."""
    bootstrap.services().dispatch.deliver(message.get_body())


@blueprint.function_name("dispatch_poison")
@blueprint.queue_trigger(arg_name="message", queue_name="dispatch-poison", connection="ONEMIGRATE_STORAGE")
def dispatch_poison(message: func.QueueMessage) -> None:
    """Keeps a message that failed every time, raises an alert, and ends the job only if its fault is final."""
    bootstrap.services().dispatch.poisoned(message.get_body(), message.id)
