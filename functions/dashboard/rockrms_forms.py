"""The small forms of an import: connections, tests, the time zone, decisions about gone records, a trace.

What may be a secret (a connection string, a key) is a field of no page: a refused form comes back without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from functions.dashboard.fields import FormModel, like, must_be
from functions.dashboard.forms import Form
from functions.dashboard.import_form import ZONE_RULE
from functions.domain.rockrms_views import (
    AgentChoiceBody,
    DecisionsBody,
    MissionConnectionBody,
    RockConnectionBody,
    TraceBody,
)
from functions.domain.views import KnownZone, ProjectPatch
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import Problem
from migrate_contract.rockrms import Entity, GoneAnswer, GoneDecision, GoneRecord, RockId
from migrate_contract.wire import AgentId

_AGENT_RULE = "Choose an agent of the list."
_STRING_RULE = "Paste the connection string, or the whole of web.ConnectionStrings.config: at most 4,000 characters."
_URL_RULE = "Enter the address of Mission, such as https://grace.mission.example."
_KEY_RULE = "Enter the integration key: 8 to 1,000 characters, without spaces."
_ID_RULE = "Enter the number that stands in the Id column."
_ENTITY_RULE = "Choose an entity of the list."
_DECISION_RULE = "Choose one of the list."
SECRETS = frozenset({"connection", "integration_key"})


class RockConnectionForm(FormModel):
    """A connection string for one agent."""

    agent_id: Annotated[str, must_be(AgentId, _AGENT_RULE)] = ""
    connection: Annotated[str, like(RockConnectionBody, "connection_string", _STRING_RULE)] = Field("", repr=False)

    def body(self) -> RockConnectionBody:
        """Result: the body of the API's call."""
        return RockConnectionBody(agent_id=self.agent_id, connection_string=self.connection)


class MissionConnectionForm(FormModel):
    """Mission's address and key."""

    url: Annotated[str, like(MissionConnectionBody, "url", _URL_RULE)] = ""
    integration_key: Annotated[str, like(MissionConnectionBody, "integration_key", _KEY_RULE)] = Field("", repr=False)

    def body(self) -> MissionConnectionBody:
        """Result: the body of the API's call."""
        return MissionConnectionBody(url=self.url, integration_key=self.integration_key)


class CheckForm(FormModel):
    """Which agent is asked; blank: whichever the services choose."""

    agent_id: Annotated[str, must_be(AgentId | Literal[""], _AGENT_RULE)] = ""

    def body(self) -> AgentChoiceBody:
        """Result: the body of the API's call."""
        return AgentChoiceBody(agent_id=self.agent_id or None)


class ZoneForm(FormModel):
    """The church's time zone."""

    time_zone: Annotated[str, must_be(KnownZone, ZONE_RULE)] = ""

    def patch(self) -> ProjectPatch:
        """Result: the body of the API's call."""
        return ProjectPatch(time_zone=self.time_zone)


def _number(text: object) -> object:
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) <= 15 else text


class TraceForm(FormModel):
    """Which record is traced."""

    entity: Annotated[str, must_be(Entity, _ENTITY_RULE)] = Entity.PEOPLE.value
    source_id: Annotated[int | str, BeforeValidator(_number), must_be(RockId, _ID_RULE)] = ""

    def body(self, job_id: str) -> TraceBody:
        """Result: the body of the API's call."""
        return TraceBody(entity=Entity(self.entity), source_id=int(self.source_id), job_id=job_id)


class GoneForm(FormModel):
    """One `decision` for each record that was shown: `<external id>|keep`, `|void`, or `|` for none."""

    decision: list[str] = Field(default_factory=list)

    @field_validator("decision")
    @classmethod
    def _can_be_read(cls, decisions: list[str]) -> list[str]:
        for text in decisions:
            _decision(text)
        return decisions

    def body(self, records: Sequence[GoneRecord]) -> DecisionsBody:
        """Result: the body of the API's call; records that the page did not show keep their decision."""
        kept = {record.external_id: record.decision for record in records}
        decided = {**kept, **dict(_decision(text) for text in self.decision)}
        return DecisionsBody(
            gone=[GoneDecision(external_id=name, decision=answer) for name, answer in decided.items() if answer]
        )


def _decision(text: str) -> tuple[str, GoneAnswer | None]:
    """Result: the record and the answer about it. Raises ValueError for a text that this page does not offer."""
    external_id, bar, answer = text.rpartition("|")
    try:
        chosen = GoneAnswer(answer) if answer else None
        GoneDecision(external_id=external_id, decision=chosen or GoneAnswer.KEEP)
    except (ValidationError, ValueError):
        raise ValueError(_DECISION_RULE) from None
    if not bar or not external_id:
        raise ValueError(_DECISION_RULE)
    return external_id, chosen


_FIELDS = {
    ErrorCode.SQL_CONNECTION_STRING_INVALID.value: "connection",
    ErrorCode.MISSION_URL_REFUSED.value: "url",
}


def without_secrets(values: Mapping[str, Sequence[str]], errors: Mapping[str, str], problem: Problem | None) -> Form:
    """Result: the refused form as it may be shown again; what the services refuse stands at the field that mends it."""
    shown = {name: texts for name, texts in values.items() if name not in SECRETS}
    field = _FIELDS.get(problem.code) if problem else None
    at_fields = errors or ({field: problem.detail} if field and problem else {})
    return Form(shown or {"": [""]}, at_fields, problem)
