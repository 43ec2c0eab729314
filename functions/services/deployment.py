"""What the services know of the deployment they run in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from functions.domain.connection import PUBLIC_SUFFIX


@dataclass(frozen=True, slots=True)
class Deployment:
    """The organization of this deployment, its first administrator, and the key that others are derived from."""

    organization: str
    organization_name: str
    first_admin_tenant_id: str
    first_admin_object_id: str
    secret_key: bytes = field(repr=False)
    public_url: str = ""
    """Where people reach the control plane; no slash at the end."""
    support: str = ""
    """Where a person gets help, in words; empty where nothing is configured."""
    consent_secret_expires_on: date | None = None
    """When the client secret of the app that customers sign in with ends; None where nobody has said."""
    operator_mail: tuple[str, ...] = ()
    """Who gets the mail that is for operators, and that of projects without recipients."""
    storage_suffixes: tuple[str, ...] = (PUBLIC_SUFFIX,)
    """What the hosts of customers' storage accounts may end with; the first is that of a bare name."""
