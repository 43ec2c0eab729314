"""What every wire model shares: strictness, identifiers and bounded text."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_PROGRESS_BODY_BYTES = 256 * 1024
"""Largest body of every call but the ledger's (product page, Rows)."""
MAX_LEDGER_BODY_BYTES = 4 * 1024 * 1024
"""Largest body of one ledger chunk (product page, Rows)."""


class WireModel(BaseModel):
    """Base of every body. Unknown fields are ignored, values are immutable, JSON types are strict, numbers finite."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False, ser_json_timedelta="float")


_NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"

_VISIBLE = r"^[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_VISIBLE)]
"""A name that a person typed: 1 to 120 characters, none of which is a control or draws nothing.

An empty-looking name cannot be clicked, and a character that turns the direction of writing makes the page around it
read backwards. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
"""
Label = Annotated[str, StringConstraints(max_length=256, pattern=_NO_CONTROL)]
"""A short machine-made text: host name, version, operating system."""
Sentence = Annotated[str, StringConstraints(max_length=2000)]
"""A detail meant for a person, at most 2,000 characters."""

OrganizationId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^cli_[a-z0-9]{12}$")]
ProjectId = Annotated[str, StringConstraints(pattern=r"^prj_[a-z0-9]{12}$")]
AgentId = Annotated[str, StringConstraints(pattern=r"^agt_[a-z0-9]{12}$")]
JobId = Annotated[str, StringConstraints(pattern=r"^job_[a-z0-9]{24}$")]
"""`job_` + the 12 characters of its project + 12 of its own: a job's row is found from its id alone."""
CommandId = Annotated[str, StringConstraints(pattern=r"^cmd_[a-z0-9_-]{1,80}$")]


def _integral(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL = BeforeValidator(_integral)
"""JSON knows one kind of number: `2.0` is an integer too (JSON Schema, 6.1.1)."""

Count = Annotated[int, Field(ge=0, le=2**53), INTEGRAL]
"""A number of files, bytes or tries: never negative, exact in JSON."""
Attempt = Annotated[int, Field(ge=1, le=1_000_000), INTEGRAL]
Epoch = Annotated[int, Field(ge=0, le=2**53), INTEGRAL]
Timestamp = AwareDatetime
"""A point in time with its zone; written in UTC."""
