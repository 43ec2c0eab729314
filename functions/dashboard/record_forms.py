"""The small forms: clients, registration codes, agents, projects, confirmations."""

from __future__ import annotations

from typing import Annotated, Literal

from functions.dashboard.fields import FormModel, NameField, like, must_be
from functions.domain.views import (
    AgentPatch,
    AzureConnectionBody,
    ClientCreate,
    ClientPatch,
    CodeCreate,
    ConnectionKind,
    JobReassign,
    KnownZone,
    Note,
    ProjectCreate,
    ProjectPatch,
)
from migrate_contract.wire import AgentId, ClientId

_NOTE_RULE = "At most 2,000 characters, and no control characters."
_ZONE_RULE = "Write the name of a time zone, such as Europe/Berlin or America/Chicago."
NoteField = Annotated[str, must_be(Note, _NOTE_RULE)]


class ClientForm(FormModel):
    """Name and notes of a client."""

    name: NameField
    notes: NoteField = ""

    def create(self) -> ClientCreate:
        """Result: the body of the API's call."""
        return ClientCreate(name=self.name, notes=self.notes)

    def patch(self) -> ClientPatch:
        """Result: the body of the API's call."""
        return ClientPatch(name=self.name, notes=self.notes)


class CodeForm(FormModel):
    """The label of a new registration code."""

    label: Annotated[str, like(CodeCreate, "label", "At most 120 characters.")] = ""

    def create(self, client_id: str) -> CodeCreate:
        """Result: the body of the API's call."""
        return CodeCreate(client_id=client_id, label=self.label)


class AgentNameForm(FormModel):
    """A new name for an agent."""

    name: NameField

    def patch(self) -> AgentPatch:
        """Result: the body of the API's call."""
        return AgentPatch(name=self.name)


class ProjectForm(FormModel):
    """A new project."""

    client_id: Annotated[str, must_be(ClientId, "Choose a client.")] = ""
    name: NameField
    description: NoteField = ""

    def create(self) -> ProjectCreate:
        """Result: the body of the API's call."""
        return ProjectCreate(client_id=self.client_id, name=self.name, description=self.description)


class ProjectTextForm(FormModel):
    """Name and description of a project."""

    name: NameField
    description: NoteField = ""
    time_zone: Annotated[str, must_be(KnownZone, _ZONE_RULE)] = "UTC"

    def patch(self) -> ProjectPatch:
        """Result: the body of the API's call."""
        return ProjectPatch(name=self.name, description=self.description, time_zone=self.time_zone)


class ProjectStatusForm(FormModel):
    """Closing or reopening a project."""

    status: Literal["in_progress", "completed", "cancelled"] = "in_progress"

    def patch(self) -> ProjectPatch:
        """Result: the body of the API's call."""
        return ProjectPatch(status=self.status)


class ConnectionForm(FormModel):
    """Which kind of connection to make."""

    kind: Literal["deployment"] = "deployment"

    def body(self) -> AzureConnectionBody:
        """Result: the body of the API's call."""
        return AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)


class ReassignForm(FormModel):
    """The agent that takes a job over."""

    agent_id: Annotated[str, must_be(AgentId, "Choose an agent.")] = ""

    def body(self) -> JobReassign:
        """Result: the body of the API's call."""
        return JobReassign(agent_id=self.agent_id)


class ConfirmForm(FormModel):
    """The name that was typed to confirm."""

    confirm: str = ""
