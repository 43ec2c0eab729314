"""The form of a job: new, and edited before an agent has taken it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from functions.dashboard.fields import FormModel, NameField, full_path, like, must_be, number
from functions.dashboard.filter_form import FilterForm, typed_filters
from functions.domain.views import JobCreate, JobEdit, JobView
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import (
    AccessTier,
    BlobDestination,
    JobType,
    LocalSource,
    Overwrite,
    SymlinkPolicy,
    TransferSettings,
    Verification,
)
from migrate_contract.sync import CronText, MirrorRules, SyncSettings
from migrate_contract.wire import AgentId

_PATH_RULE = "This is not a path that can be read: at most 4,096 characters."
_CONTAINER_RULE = "3 to 63 lower-case letters, digits and single dashes, no dash at either end."
_PREFIX_RULE = "Folder names joined by '/', none of them empty, '.', '..' or ending in '.', and without '\\'."
_CHUNK_RULE = "A whole number from 1 to 256."
_CONCURRENCY_RULE = "Choose automatic, or a whole number from 1 to 64."
_MEMORY_RULE = "A whole number of MiB, 16 or more."
_READBACK_RULE = "A percentage above 0, at most 100."
_BANDWIDTH_RULE = "A number above 0; leave it empty for no limit."
_SCHEDULE_RULE = "Five fields, such as 0 2 * * * for every night at two; empty for none."
_MOST_FILES_RULE = "A whole number of files, 1 or more."
_MOST_PERCENT_RULE = "A percentage above 0, at most 100."
_AGENT_RULE = "Choose an agent of the list."

_COPY = " (copy)"
NAME_LENGTH = 120
MOST_CONCURRENCY = 64
"""What the wire allows."""

_FIELD_OF_REFUSAL = {
    ErrorCode.DESTINATION_OVERLAP.value: "prefix",
    ErrorCode.CONTAINER_OF_ANOTHER_CLIENT.value: "container",
    ErrorCode.AGENT_OF_ANOTHER_CLIENT.value: "agent_id",
    ErrorCode.SCHEDULE_INVALID.value: "schedule",
}


def _prefix(text: str) -> str:
    prefix = text.strip("/")
    try:
        BlobDestination(container="any", prefix=prefix)
    except ValidationError:
        raise ValueError(_PREFIX_RULE) from None
    return prefix


def _concurrency(text: str) -> str:
    if text != "auto" and not (re.fullmatch(r"[1-9][0-9]?", text) and int(text) <= MOST_CONCURRENCY):
        raise ValueError(_CONCURRENCY_RULE)
    return text


MaxFilesField = Annotated[
    int | None, number(int, _MOST_FILES_RULE), must_be(Annotated[int | None, Field(ge=1, le=2**53)], _MOST_FILES_RULE)
]
MaxPercentField = Annotated[
    float | None,
    number(float, _MOST_PERCENT_RULE),
    must_be(Annotated[float | None, Field(gt=0, le=100)], _MOST_PERCENT_RULE),
]


class SyncForm(FormModel):
    """When a sync runs again, and what its mirror may delete."""

    schedule: Annotated[str, must_be(CronText | Literal[""], _SCHEDULE_RULE)] = ""
    mirror: bool = False
    max_delete_files: MaxFilesField = 1000
    max_delete_percent: MaxPercentField = 10.0

    def body(self) -> SyncSettings:
        """Result: the body of the API's call."""
        return sync_settings(self)


class JobForm(FilterForm):
    """What is typed for a job; one flat field each. `agent_id` blank: whichever agent the client has."""

    name: NameField
    type: JobType = JobType.MIGRATE_FILES
    source_path: Annotated[str, AfterValidator(full_path), like(LocalSource, "path", _PATH_RULE)] = ""
    agent_id: Annotated[str, must_be(AgentId | Literal[""], _AGENT_RULE)] = ""
    container: Annotated[str, like(BlobDestination, "container", _CONTAINER_RULE)] = ""
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    hold_after_scan: bool = False
    check_readable: bool = False
    overwrite: Overwrite = Overwrite.IF_SOURCE_NEWER
    verification: Verification = Verification.STORED
    symlinks: SymlinkPolicy = SymlinkPolicy.SKIP
    posix_properties: bool = False
    folder_markers: bool = False
    access_tier: Literal["", "hot", "cool", "cold", "archive"] = ""
    schedule: Annotated[str, must_be(CronText | Literal[""], _SCHEDULE_RULE)] = ""
    mirror: bool = False
    max_delete_files: MaxFilesField = 1000
    max_delete_percent: MaxPercentField = 10.0
    concurrency: Annotated[str, AfterValidator(_concurrency)] = "auto"
    chunk_size_mib: Annotated[
        int | None, number(int, _CHUNK_RULE), like(TransferSettings, "chunk_size_mib", _CHUNK_RULE)
    ] = 8
    bandwidth_limit_mbps: Annotated[
        float | None,
        number(float, _BANDWIDTH_RULE),
        like(TransferSettings, "bandwidth_limit_mbps", _BANDWIDTH_RULE),
    ] = None
    memory_limit_mib: Annotated[
        int | None, number(int, _MEMORY_RULE), like(TransferSettings, "memory_limit_mib", _MEMORY_RULE)
    ] = 192
    readback_percent: Annotated[
        float | None, number(float, _READBACK_RULE), like(TransferSettings, "readback_percent", _READBACK_RULE)
    ] = 100.0

    @field_validator("type")
    @classmethod
    def _copies_files(cls, kind: JobType) -> JobType:
        if kind is JobType.ROCKRMS_IMPORT:
            raise ValueError("An import has a form of its own, on the project's page.")
        return kind

    @field_validator("access_tier")
    @classmethod
    def _tier_fits(cls, tier: str, info: ValidationInfo) -> str:
        if info.data.get("type") is JobType.ARCHIVE and not tier:
            raise ValueError("An archive names the tier that its copies end in.")
        if info.data.get("type") is JobType.SYNC and tier == AccessTier.ARCHIVE.value:
            raise ValueError("A sync cannot use the archive tier: a file that changes could not be sent again.")
        return tier

    @field_validator("schedule", "mirror")
    @classmethod
    def _only_of_a_sync(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("type") is not JobType.SYNC:
            raise ValueError("Only a job that keeps in step has this: choose that kind of job, or leave it empty.")
        return value

    def create(self, project_id: str) -> JobCreate:
        """Result: the body of the API's call."""
        return JobCreate(
            project_id=project_id,
            name=self.name,
            type=self.type,
            sync=sync_settings(self) if self.type is JobType.SYNC else None,
            source=self._source(),
            destination=self._destination(),
            filters=self.filters(),
            transfer=self._transfer(),
            agent_id=self.agent_id or None,
            hold_after_scan=self.hold_after_scan,
            check_readable=self.check_readable,
        )

    def edit(self) -> JobEdit:
        """Result: the body of the API's call."""
        return JobEdit(
            name=self.name,
            source=self._source(),
            destination=self._destination(),
            filters=self.filters(),
            transfer=self._transfer(),
            hold_after_scan=self.hold_after_scan,
            check_readable=self.check_readable,
        )

    def _source(self) -> LocalSource:
        return LocalSource(path=self.source_path)

    def _destination(self) -> BlobDestination:
        return BlobDestination(container=self.container, prefix=self.prefix)

    def _transfer(self) -> TransferSettings:
        return TransferSettings(
            concurrency="auto" if self.concurrency == "auto" else int(self.concurrency),
            chunk_size_mib=self.chunk_size_mib or 8,
            bandwidth_limit_mbps=self.bandwidth_limit_mbps,
            overwrite=self.overwrite,
            symlinks=self.symlinks,
            verification=self.verification,
            memory_limit_mib=self.memory_limit_mib or 192,
            readback_percent=self.readback_percent or 100.0,
            posix_properties=self.posix_properties,
            folder_markers=self.folder_markers,
            access_tier=AccessTier(self.access_tier) if self.access_tier else None,
        )


def sync_settings(form: JobForm | SyncForm) -> SyncSettings:
    """Result: the schedule and the mirror as typed; a limit that was left blank is the usual one."""
    usual = MirrorRules()
    rules = MirrorRules(
        max_delete_files=form.max_delete_files or usual.max_delete_files,
        max_delete_percent=form.max_delete_percent or usual.max_delete_percent,
    )
    return SyncSettings(schedule=form.schedule or None, mirror=rules if form.mirror else None)


def typed_from(job: JobView) -> Mapping[str, Sequence[str]]:
    """Result: the form's values as if this job had been typed."""
    limit = job.transfer.bandwidth_limit_mbps
    values = {
        "name": job.name,
        "source_path": job.folder.path,
        "container": job.blob.container,
        "prefix": job.blob.prefix,
        "overwrite": job.transfer.overwrite.value,
        "verification": job.transfer.verification.value,
        "symlinks": job.transfer.symlinks.value,
        "type": job.type.value,
        "access_tier": job.transfer.access_tier.value if job.transfer.access_tier else "",
        "concurrency": str(job.transfer.concurrency),
        "chunk_size_mib": str(job.transfer.chunk_size_mib),
        "bandwidth_limit_mbps": f"{limit:.15g}" if limit else "",
        "memory_limit_mib": str(job.transfer.memory_limit_mib),
        "readback_percent": f"{job.transfer.readback_percent:.15g}",
    }
    boxes = {
        "hold_after_scan": job.hold_after_scan,
        "check_readable": job.check_readable,
        "posix_properties": job.transfer.posix_properties,
        "folder_markers": job.transfer.folder_markers,
    }
    return (
        {name: [text] for name, text in values.items()}
        | {name: ["true"] for name, on in boxes.items() if on}
        | dict(typed_filters(job.filters))
        | typed_sync(job)
    )


def typed_sync(job: JobView) -> dict[str, list[str]]:
    """Result: the values of the schedule's form as if they had been typed."""
    if job.sync is None:
        return {}
    typed = {"schedule": [job.sync.schedule or ""]}
    if job.sync.mirror is not None:
        typed |= {
            "mirror": ["true"],
            "max_delete_files": [str(job.sync.mirror.max_delete_files)],
            "max_delete_percent": [f"{job.sync.mirror.max_delete_percent:.15g}"],
        }
    return typed


def typed_like(job: JobView) -> Mapping[str, Sequence[str]]:
    """Result: the form's values for another job like this one."""
    name = job.name[: NAME_LENGTH - len(_COPY)] + _COPY
    return {**typed_from(job), "name": [name], "agent_id": [job.agent_id or ""]}


def errors_at_fields(code: str, detail: str, errors: Mapping[str, str]) -> Mapping[str, str]:
    """Result: the field errors, with a refusal of the services put to the field that can mend it."""
    field = _FIELD_OF_REFUSAL.get(code)
    return errors if errors or field is None else {field: detail}
