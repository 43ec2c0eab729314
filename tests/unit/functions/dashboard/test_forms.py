"""What is typed becomes a body of the API, or a sentence at its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from functions.dashboard.filter_form import is_unfolded
from functions.dashboard.forms import Form
from functions.dashboard.job_form import JobForm, SyncForm, errors_at_fields, typed_from, typed_like
from functions.dashboard.job_form_page import edit_job_page
from functions.dashboard.record_forms import ClientForm, CodeForm, ProjectForm, ProjectTextForm, ReassignForm
from migrate_contract.filters import FileFilters, Inclusion
from migrate_contract.jobs import AccessTier, JobType, Overwrite, SymlinkPolicy, TransferSettings, Verification
from migrate_contract.sync import MirrorRules, SyncSettings
from tests.unit.functions.dashboard import samples

GOOD = {"name": "First pass", "source_path": "/srv/files", "container": "grace-files"}


def errors(model, **typed):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(typed)
    found = caught.value.errors()
    return {str(error["loc"][0]): error["msg"].removeprefix("Value error, ") for error in found}


def job_errors(**typed):
    return errors(JobForm, **{**GOOD, **typed})


def test_the_least_that_must_be_typed():
    body = JobForm.model_validate(GOOD).create(samples.PROJECT)
    assert body.project_id == samples.PROJECT
    assert body.agent_id is None
    assert body.transfer == TransferSettings()
    assert body.filters == FileFilters()


def test_everything_typed_arrives():
    typed = {
        **GOOD,
        "prefix": "/2026/files/",
        "agent_id": samples.AGENT,
        "include": "**/*.pdf\r\n\r\n **/*.docx ",
        "exclude": "**/~$*",
        "min_size": "10 KiB",
        "max_size": "5MB",
        "modified_after": "2026-01-31",
        "modified_before": "2026-02-28T18:00+02:00",
        "max_depth": "4",
        "manifest": "D:\\Lists\\first.csv",
        "exclude_hidden": "true",
        "exclude_system": "true",
        "keep_defaults": "true",
        "hold_after_scan": "true",
        "check_readable": "true",
        "overwrite": "always",
        "verification": "readback",
        "symlinks": "follow",
        "posix_properties": "true",
        "folder_markers": "true",
        "concurrency": "16",
        "chunk_size_mib": "32",
        "bandwidth_limit_mbps": "12.5",
        "memory_limit_mib": "64",
        "readback_percent": "2.5",
    }
    body = JobForm.model_validate(typed).create(samples.PROJECT)
    assert body.destination is not None
    assert body.destination.prefix == "2026/files"
    assert body.agent_id == samples.AGENT
    assert body.filters == FileFilters(
        include=["**/*.pdf", "**/*.docx"],
        exclude=["**/~$*"],
        default_excludes=False,
        min_size_bytes=10_240,
        max_size_bytes=5_000_000,
        modified_after=datetime(2026, 1, 31, tzinfo=UTC),
        modified_before=datetime(2026, 2, 28, 16, tzinfo=UTC),
        hidden=Inclusion.EXCLUDE,
        system=Inclusion.EXCLUDE,
        max_depth=4,
        manifest="D:\\Lists\\first.csv",
    )
    assert body.hold_after_scan
    assert body.check_readable
    assert body.transfer == TransferSettings(
        concurrency=16,
        chunk_size_mib=32,
        bandwidth_limit_mbps=12.5,
        memory_limit_mib=64,
        readback_percent=2.5,
        overwrite=Overwrite.ALWAYS,
        symlinks=SymlinkPolicy.FOLLOW,
        verification=Verification.READBACK,
        posix_properties=True,
        folder_markers=True,
    )


def test_an_empty_form_names_every_field_that_is_missing():
    found = errors(JobForm)
    assert set(found) == {"name", "source_path", "container"}
    assert found["name"] == "Enter a name of 1 to 120 characters."
    assert found["source_path"] == "Enter the folder that is to be copied."


@pytest.mark.parametrize("path", ["/srv/files", "D:\\Files", "d:/files", "\\\\server\\share"])
def test_a_full_path_of_any_system_is_taken(path):
    source = JobForm.model_validate({**GOOD, "source_path": path}).create(samples.PROJECT).source
    assert source is not None
    assert source.path == path


@pytest.mark.parametrize("path", ["files", "./files", "~/files", "D:files", "\\files"])
def test_a_path_that_depends_on_where_we_stand_is_refused(path):
    assert job_errors(source_path=path)["source_path"].startswith("Write the full path")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("container", "Grace Files"),
        ("container", "ab"),
        ("container", "a--b"),
        ("prefix", "a//b"),
        ("prefix", "../b"),
        ("prefix", "a\\b"),
        ("include", "x" * 300),
        ("min_size", "10K"),
        ("max_size", "-1"),
        ("modified_after", "yesterday"),
        ("modified_before", "31.12.2026"),
        ("max_depth", "0"),
        ("max_depth", "deep"),
        ("manifest", "list.csv"),
        ("memory_limit_mib", "15"),
        ("readback_percent", "0"),
        ("readback_percent", "101"),
        ("chunk_size_mib", "0"),
        ("chunk_size_mib", "257"),
        ("chunk_size_mib", "eight"),
        ("bandwidth_limit_mbps", "0"),
        ("bandwidth_limit_mbps", "-1"),
        ("bandwidth_limit_mbps", "nan"),
        ("bandwidth_limit_mbps", "inf"),
        ("concurrency", "0"),
        ("concurrency", "65"),
        ("concurrency", "many"),
        ("overwrite", "sometimes"),
        ("agent_id", "agt_x"),
        ("name", "x" * 121),
    ],
)
def test_a_wrong_field_is_named_alone(field, value):
    found = job_errors(**{field: value})
    assert list(found) == [field]
    assert found[field]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"min_size": "2 KiB", "max_size": "2 KB"}, "max_size"),
        ({"modified_after": "2026-02-01", "modified_before": "2026-02-01"}, "modified_before"),
    ],
)
def test_filters_that_let_nothing_pass_are_refused_at_one_field(typed, field):
    found = job_errors(**typed)
    assert list(found) == [field]
    assert "no file could be copied" in found[field]


@pytest.mark.parametrize(
    "filters",
    [
        FileFilters(),
        FileFilters(include=["a b"], exclude=["*.tmp", "~$*"], min_size_bytes=0, max_size_bytes=123_457),
        FileFilters(default_excludes=False, hidden=Inclusion.EXCLUDE, manifest="/lists/one.csv"),
        FileFilters(system=Inclusion.EXCLUDE, max_depth=1000),
        FileFilters(
            modified_after=datetime(2026, 1, 31, 18, 0, 5, 123_456, tzinfo=timezone(timedelta(hours=2))),
            modified_before=datetime(2026, 6, 1, tzinfo=UTC),
        ),
    ],
)
def test_filters_survive_the_way_through_the_form(filters):
    job = samples.job(filters=filters, check_readable=True)
    typed = {name: texts[0] for name, texts in typed_from(job).items() if texts[0]}
    body = JobForm.model_validate(typed).edit()
    assert (body.filters, body.check_readable) == (filters, True)
    assert is_unfolded(Form(typed_from(job))) is (filters not in (FileFilters(),))


@pytest.mark.parametrize(
    "transfer",
    [
        TransferSettings(concurrency=8, bandwidth_limit_mbps=0.5),
        TransferSettings(concurrency=5, bandwidth_limit_mbps=123456.75),
        TransferSettings(concurrency="auto"),
        TransferSettings(posix_properties=True),
        TransferSettings(folder_markers=True),
    ],
)
def test_a_job_survives_the_way_through_the_form(transfer):
    job = samples.job(hold_after_scan=True, transfer=transfer)
    typed = {name: texts[0] for name, texts in typed_from(job).items() if texts[0]}
    body = JobForm.model_validate(typed).edit()
    assert (body.name, body.source, body.destination) == (job.name, job.source, job.destination)
    assert (body.filters, body.transfer, body.hold_after_scan) == (job.filters, job.transfer, True)


def test_an_edit_offers_the_concurrency_that_another_program_has_set():
    job = samples.job(transfer=TransferSettings(concurrency=5))
    page = edit_job_page(samples.frame("/"), samples.project(), job, Form(typed_from(job)))
    assert '<option value="5" selected>5</option>' in page
    assert page.index('value="4"') < page.index('value="5"') < page.index('value="8"')


def test_a_copy_has_a_name_that_fits():
    assert typed_like(samples.job())["name"] == ["Shared drive, first pass (copy)"]
    assert len(typed_like(samples.job(name="x" * 120))["name"][0]) == 120


def test_a_refusal_of_the_services_stands_at_the_field_that_mends_it():
    assert errors_at_fields("destination-overlap", "Job X writes there.", {}) == {"prefix": "Job X writes there."}
    assert errors_at_fields("project-closed", "It is closed.", {}) == {}
    assert errors_at_fields("request-invalid", "Wrong: name", {"name": "x"}) == {"name": "x"}


def test_the_small_forms():
    assert ClientForm.model_validate({"name": " Grace "}).create().name == "Grace"
    assert CodeForm.model_validate({}).create(samples.CLIENT).label == ""
    assert errors(ProjectForm, name="x") == {"client_id": "Choose a client."}
    assert errors(ReassignForm) == {"agent_id": "Choose an agent."}
    assert list(errors(ClientForm, name="x", notes="\x00")) == ["notes"]


def test_a_sync_is_typed_with_its_schedule_and_its_mirror():
    typed = {
        **GOOD,
        "type": "sync",
        "access_tier": "cool",
        "schedule": "0 2 * * *",
        "mirror": "true",
        "max_delete_files": "12",
        "max_delete_percent": "2.5",
    }
    body = JobForm.model_validate(typed).create(samples.PROJECT)
    assert (body.type, body.transfer.access_tier) == (JobType.SYNC, AccessTier.COOL)
    rules = MirrorRules(max_delete_files=12, max_delete_percent=2.5)
    assert body.sync == SyncSettings(schedule="0 2 * * *", mirror=rules)
    assert SyncForm.model_validate(typed).body() == body.sync
    by_hand = JobForm.model_validate({**GOOD, "type": "sync"}).create(samples.PROJECT)
    assert by_hand.sync == SyncSettings()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"type": "archive"}, "access_tier"),
        ({"type": "sync", "access_tier": "archive"}, "access_tier"),
        ({"schedule": "0 2 * * *"}, "schedule"),
        ({"mirror": "true"}, "mirror"),
        ({"type": "sync", "schedule": "x" * 200}, "schedule"),
        ({"type": "sync", "max_delete_files": "0"}, "max_delete_files"),
        ({"type": "sync", "max_delete_percent": "101"}, "max_delete_percent"),
    ],
)
def test_what_does_not_fit_the_kind_of_job_is_said_at_its_field(typed, field):
    found = job_errors(**typed)
    assert set(found) == {field}
    assert found[field].endswith(".")


def test_a_sync_is_shown_as_if_it_had_been_typed():
    shown = typed_from(samples.sync_job())
    assert (shown["type"], shown["schedule"], shown["mirror"]) == (["sync"], ["0 2 * * *"], ["true"])
    assert (shown["max_delete_files"], shown["max_delete_percent"]) == (["500"], ["5"])
    assert errors_at_fields("schedule-invalid", "Why.", {}) == {"schedule": "Why."}


def test_a_project_has_a_time_zone():
    assert ProjectTextForm.model_validate({"name": "N", "time_zone": "Asia/Tokyo"}).patch().time_zone == "Asia/Tokyo"
    assert set(errors(ProjectTextForm, name="N", time_zone="Tokyo")) == {"time_zone"}
