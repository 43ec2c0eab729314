"""What every page shows around its content, made by the edge for each request."""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.caller import OperatorCaller


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one page. `csrf_token` goes into every form as `csrf_token`, or into htmx's `X-CSRF-Token`."""

    path: str
    """Where we are, with the query: '/jobs/job_...?bucket=failed'."""
    correlation_id: str
    caller: OperatorCaller | None = None
    """None on open pages and where nobody is signed in."""
    csrf_token: str = ""
    fragment: bool = False
    """Asked for by htmx: answer the part, not the whole page."""
    organization_name: str = ""
    public_url: str = ""
    """The API's address in commands to copy."""
    support_url: str | None = None
    support_email: str | None = None
    local_stack: bool = False
    """True: the banner says that nothing here is protected."""
    sign_in_url: str = ""
    """Leads through sign-in and back to `path`."""
    sign_out_url: str = "/.auth/logout?post_logout_redirect_uri=/"
