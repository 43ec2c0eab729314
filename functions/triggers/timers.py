"""The timers: what has to happen by the clock, whatever the queues did."""

from __future__ import annotations

import azure.functions as func

from functions import bootstrap

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.function_name("sweep")
@blueprint.timer_trigger(arg_name="timer", schedule="%ONEMIGRATE_SWEEP_SCHEDULE%", use_monitor=False)
def sweep(timer: func.TimerRequest) -> None:
    """Does again what was lost, and says what a person should know."""
    bootstrap.services().sweeps.run()


@blueprint.function_name("token_refresh")
@blueprint.timer_trigger(arg_name="timer", schedule="%ONEMIGRATE_TOKEN_REFRESH_SCHEDULE%", use_monitor=False)
def token_refresh(timer: func.TimerRequest) -> None:
    """Looks at every customer's sign-in once a day and renews it once a week; a run goes on where one was cut off."""
    bootstrap.services().token_checks.run()


@blueprint.function_name("sign_in_upkeep")
@blueprint.timer_trigger(arg_name="timer", schedule="0 17 * * * *", use_monitor=False)
def sign_in_upkeep(timer: func.TimerRequest) -> None:
    """Destroys sign-ins that nobody saved, and wraps keys anew after a rotation."""
    bootstrap.services().sign_in_upkeep.run()
