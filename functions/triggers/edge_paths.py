"""Identifiers in addresses that are not on the agents' wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

CodeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""Names a registration code without being one."""
