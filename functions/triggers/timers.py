"""The one timer: what has to happen by the clock, whatever the queues did."""

from __future__ import annotations

import azure.functions as func

from functions import bootstrap

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.function_name("sweep")
@blueprint.timer_trigger(arg_name="timer", schedule="%ONEMIGRATE_SWEEP_SCHEDULE%", use_monitor=False)
def sweep(timer: func.TimerRequest) -> None:
    """Does again what was lost, and says what a person should know."""
    bootstrap.services().sweeps.run()
