"""The form of an import: new, and the settings of its next attempt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from functions.dashboard.fields import FormModel, NameField, must_be
from functions.domain.import_settings import ImportBody, KnownCurrency
from functions.domain.views import JobCreate, JobView, KnownZone
from migrate_contract.jobs import JobType
from migrate_contract.rockrms import Entity, Guid, ImportSettings, StatusMeaning
from migrate_contract.wire import AgentId

ZONE_RULE = "Write the name of a time zone, such as America/Chicago or Europe/Berlin."
_CURRENCY_RULE = "Three capital letters of ISO 4217, such as USD or EUR."
_DATE_RULE = "A date such as 2024-01-31; leave it empty for all time."
_ENTITIES_RULE = "Tick at least one."
_AGENT_RULE = "Choose an agent of the list."
_CHOICE_RULE = "Choose one of the list."
_STATUS = re.compile(r"^(.{0,200})\|(gift|not_gift|)$", re.DOTALL)


def _date(text: object) -> object:
    if text is None or text == "":
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError(_DATE_RULE) from None


class ImportForm(FormModel):
    """What is chosen for an import; the rest of its settings keeps what it was."""

    name: NameField
    agent_id: Annotated[str, must_be(AgentId | Literal[""], _AGENT_RULE)] = ""
    dry_run_first: bool = False
    entities: list[str] = Field(default_factory=list)
    campus_ids: list[str] = Field(default_factory=list)
    include_without_campus: bool = False
    date_range_start: Annotated[date | None, BeforeValidator(_date)] = None
    time_zone: Annotated[str, must_be(KnownZone, ZONE_RULE)] = ""
    currency: Annotated[str, AfterValidator(str.upper), must_be(KnownCurrency, _CURRENCY_RULE)] = "USD"
    transaction_types: Annotated[list[str], must_be(list[Guid], _CHOICE_RULE)] = Field(default_factory=list)
    status: list[str] = Field(default_factory=list)

    @field_validator("entities")
    @classmethod
    def _some_entities(cls, chosen: list[str]) -> list[str]:
        if not chosen or any(value not in Entity for value in chosen):
            raise ValueError(_ENTITIES_RULE)
        return chosen

    @field_validator("campus_ids")
    @classmethod
    def _numbers(cls, chosen: list[str]) -> list[str]:
        if not all(re.fullmatch(r"[0-9]{1,15}", value) for value in chosen):
            raise ValueError(_CHOICE_RULE)
        return chosen

    @field_validator("status")
    @classmethod
    def _known_meanings(cls, chosen: list[str]) -> list[str]:
        if not all(_STATUS.match(value) for value in chosen):
            raise ValueError(_CHOICE_RULE)
        return chosen

    def create(self, project_id: str) -> JobCreate:
        """Result: the body of the API's call."""
        return JobCreate(
            project_id=project_id,
            name=self.name,
            type=JobType.ROCKRMS_IMPORT,
            rockrms=self.settings(),
            agent_id=self.agent_id or None,
        )

    def settings(self, before: ImportSettings | None = None) -> ImportBody:
        """Result: the settings as chosen, over those from before."""
        kept = before.model_dump(include={"batch_size", "readback_records", "sample_records"}) if before else {}
        statuses = dict(before.statuses) if before else {}
        for value in self.status:
            name, _, meaning = value.rpartition("|")
            statuses.pop(name, None)
            if meaning:
                statuses[name] = StatusMeaning(meaning)
        return ImportBody(
            **kept,
            entities=[entity for entity in Entity if entity.value in self.entities],
            campus_ids=sorted({int(value) for value in self.campus_ids}),
            include_without_campus=self.include_without_campus or not self.campus_ids,
            date_range_start=self.date_range_start,
            time_zone=self.time_zone,
            currency=self.currency,
            transaction_types=list(dict.fromkeys(self.transaction_types)),
            statuses=statuses,
            dry_run=self.dry_run_first,
        )


def typed_from(job: JobView, settings: ImportSettings) -> Mapping[str, Sequence[str]]:
    """Result: the form's values as if this job had been typed."""
    typed = {
        "name": [job.name],
        "agent_id": [job.agent_id or ""],
        "entities": [entity.value for entity in settings.entities],
        "campus_ids": [str(campus) for campus in settings.campus_ids],
        "date_range_start": [settings.date_range_start.isoformat() if settings.date_range_start else ""],
        "time_zone": [settings.time_zone],
        "currency": [settings.currency],
        "transaction_types": list(settings.transaction_types),
        "status": [f"{name}|{meaning.value}" for name, meaning in settings.statuses.items()],
    }
    boxes = {"dry_run_first": settings.dry_run, "include_without_campus": settings.include_without_campus}
    return typed | {name: ["true"] for name, on in boxes.items() if on}
