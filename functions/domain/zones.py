"""Time zones as operators name them: those that this machine's zone database has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from migrate_contract.schedule import ZoneName, known_zones


def _offer_zones(schema: dict[str, Any]) -> None:
    """Puts the zones into the API's description, read when it is asked for."""
    schema["enum"] = sorted(known_zones())


def _known_zone(name: str) -> str:
    if name not in known_zones():
        raise ValueError("there is no such time zone: write an IANA name, such as America/Chicago")
    return name


KnownZone = Annotated[ZoneName, AfterValidator(_known_zone), Field(json_schema_extra=_offer_zones)]
"""An IANA time zone that this machine's zone database has."""
