"""What an operator is shown of sign-ins that end: the checker's looks and runs, and jobs to run again."""

from __future__ import annotations

from functions.domain.token_check import LookResult
from functions.domain.views import FaultView, JobView
from migrate_contract.wire import Timestamp, WireModel


class TokenCheckView(WireModel):
    """The newest look at one connection."""

    project_id: str
    client_id: str
    account: str
    looked_at: Timestamp
    result: LookResult
    detail: str
    redeemed_at: Timestamp
    """When the sign-in was last renewed."""
    expires_at: Timestamp
    """When it ends, if no renewal succeeds from now on."""
    failing_since: Timestamp | None


class TokenRunView(WireModel):
    """One run of the checker, as far as it was about this organization."""

    run_id: str
    began_at: Timestamp
    seconds: float
    looked: int
    """Connections that it looked at; the next eight add up to it."""
    redeemed: int
    not_due: int
    refused: int
    lapsed: int
    unavailable: int
    misconfigured: int
    auth_required: int
    broken: int
    quiet: int
    """Connections of finished projects, which nobody looks at."""
    elsewhere: int
    """Connections that another instance was looking at."""
    left: int
    """Due, and left to the next run because the time was up."""


class ExpiredJobsView(WireModel):
    """The jobs of a project that failed because its sign-in had ended."""

    jobs: list[JobView]
    can_rerun: bool
    """False while the project is not connected again, or closed."""


class RerunRefusalView(WireModel):
    """A job that could not be run again, and why."""

    job_id: str
    name: str
    fault: FaultView


class RerunView(WireModel):
    """What became of them."""

    begun: list[JobView]
    refused: list[RerunRefusalView]
