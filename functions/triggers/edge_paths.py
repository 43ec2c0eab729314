"""Identifiers in addresses that are not on the agents' wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

CodeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""Names a registration code without being one."""

LinkId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{12}$")]
"""Names a customer link without being one."""

LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Is a customer link. Whether it is one of ours is the service's to say, whose refusal tells what to do."""
WebhookId = Annotated[str, StringConstraints(pattern=r"^whk_[a-z0-9]{12}$")]
EventId = Annotated[str, StringConstraints(pattern=r"^evt_[0-9a-f]{24}$")]

DraftId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{12,64}$")]
"""Names what a finished sign-in has brought, for who began it."""

TenantId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""A tenant of Entra ID."""
