"""Every operation, tried across two organizations and across two clients.

A method that is added to a service without being tried here fails `test_every_operation_is_tried`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from functions.domain.caller import OperatorCaller, Principal, Role
from functions.domain.event_views import WebhookCreate, WebhookPatch
from functions.domain.mail_views import RecipientBody, TestMailBody
from functions.domain.rockrms_views import (
    AgentChoiceBody,
    DecisionsBody,
    FundsBody,
    ImportSettingsBody,
    RockConnectionBody,
    TraceBody,
)
from functions.domain.views import (
    AgentPatch,
    AzureConnectionBody,
    BandwidthLimitBody,
    BandwidthScheduleBody,
    ClientCreate,
    ClientPatch,
    CodeCreate,
    ConnectionKind,
    JobCreate,
    JobDuplicate,
    JobEdit,
    JobReassign,
    ListQuery,
    MirrorConfirm,
    ProjectCreate,
    ProjectPatch,
)
from functions.services import Services
from functions.services.import_logs import LogFilter
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.jobs import (
    BlobDestination,
    Bucket,
    FailedFilesRequest,
    GrantRequest,
    JobPhase,
    LedgerChunk,
    LedgerRow,
    LocalSource,
    Progress,
)
from migrate_contract.rockrms import Entity, ImportLogChunk, MissionAccessRequest
from migrate_contract.sync import SyncSettings
from tests.memory.chance import ManualClock
from tests.memory.imports import connect_mission, import_body, log_row, new_import, report_of
from tests.memory.world import (
    ADMIN,
    OPERATOR,
    OTHER_ORGANIZATION,
    READER,
    STRANGER,
    AgentHand,
    Running,
    World,
    limited,
    refused,
    running_job,
)

LIST = ListQuery()
ANYONE = AgentChoiceBody()
ABOUT_IMPORTS = frozenset({"imports", "import_logs", "next_attempts", "missions", "rock"})
DESTINATION = BlobDestination(container="theirs")


class Two:
    """A running job of one client, and another client with an agent and a project of its own.

    With an import beside the job, where the operation of this name is about one.
    """

    def __init__(self, name: str = "") -> None:
        self.running: Running = running_job()
        self.world: World = self.running.world
        self.services: Services = self.world.services
        self.other_client = self.world.client(name="Other")
        self.other_agent: AgentHand = self.world.online_agent(self.other_client)
        self.other_project = self.world.project(self.other_client)
        self.code_id = self.services.codes.list(ADMIN, LIST, self.running.client_id).items[0].code_id
        self.link_id = self.services.customer_links.create(
            ADMIN, self.running.project_id, "contosofiles", "archive"
        ).link_id
        self.running.agent.grant(self.running.job)
        self.import_id = ""
        if name.partition(".")[0] in ABOUT_IMPORTS:
            self._import()
        hook = WebhookCreate(url="https://hooks.customer.example/", project_id=self.running.project_id)
        self.webhook_id = self.services.webhooks.create(ADMIN, hook).webhook_id
        self.event_id = self.services.deliveries.test(ADMIN, self.webhook_id).event_id

    def _import(self) -> None:
        """An import that the job's agent has taken, with a report."""
        connect_mission(self.world, self.running.project_id)
        agent = self.running.agent
        self.import_id = new_import(self.world, self.running.project_id, agent_id=agent.agent_id).job_id
        self.world.drain()
        agent.take(self.world.job(self.import_id))
        self.services.imports.put_report(agent.caller(), self.import_id, report_of(self.world))


type Operation = Callable[[Two, OperatorCaller], object]

READS: dict[str, Operation] = {
    "customer_links.of_project": lambda two, who: two.services.customer_links.of_project(who, two.running.project_id),
    "clients.show": lambda two, who: two.services.clients.show(who, two.running.client_id),
    "projects.show": lambda two, who: two.services.projects.show(who, two.running.project_id),
    "agents.show": lambda two, who: two.services.agents.show(who, two.running.agent.agent_id),
    "jobs.show": lambda two, who: two.services.jobs.show(who, two.running.job_id),
    "jobs.history": lambda two, who: two.services.jobs.history(who, two.running.job_id, LIST),
    "expired_jobs.show": lambda two, who: two.services.expired_jobs.show(who, two.running.project_id),
    "ledgers.files": lambda two, who: two.services.ledgers.files(who, two.running.job_id, LIST),
    "ledgers.csv": lambda two, who: two.services.ledgers.csv(who, two.running.job_id),
    "ledgers.safe_csv": lambda two, who: two.services.ledgers.safe_csv(who, two.running.job_id),
    "events.list": lambda two, who: two.services.events.list(who, two.running.project_id, LIST),
    "webhooks.show": lambda two, who: two.services.webhooks.show(who, two.webhook_id),
    "webhooks.need": lambda two, who: two.services.webhooks.need(who, two.webhook_id),
    "deliveries.list": lambda two, who: two.services.deliveries.list(who, two.webhook_id, LIST),
    "recipients.list": lambda two, who: two.services.recipients.list(who, two.running.project_id),
    "mails.list": lambda two, who: two.services.mails.list(who, two.running.project_id),
    "rock.overview": lambda two, who: two.services.rock.overview(who, two.running.project_id),
    "imports.report": lambda two, who: two.services.imports.report(who, two.import_id),
    "imports.certificate": lambda two, who: two.services.imports.certificate(who, two.import_id),
    "imports.reconciliation_csv": lambda two, who: two.services.imports.reconciliation_csv(who, two.import_id),
    "imports.bridge_csv": lambda two, who: two.services.imports.bridge_csv(who, two.import_id),
    "import_logs.page": lambda two, who: two.services.import_logs.page(who, two.import_id, LIST, LogFilter()),
    "import_logs.csv": lambda two, who: two.services.import_logs.csv(who, two.import_id, LogFilter()),
    "import_logs.summary": lambda two, who: two.services.import_logs.summary(who, two.import_id),
    "reports.job_report": lambda two, who: two.services.reports.job_report(who, two.running.job_id),
}
WRITES: dict[str, Operation] = {
    "connecting.begin": lambda two, who: two.services.connecting.begin(who, two.running.project_id, "contosofiles", ""),
    "connecting.containers": lambda two, who: two.services.connecting.containers(who, two.running.project_id, "d" * 16),
    "connecting.draft": lambda two, who: two.services.connecting.draft(who, two.running.project_id, "d" * 16),
    "connecting.save": lambda two, who: two.services.connecting.save(who, two.running.project_id, "d" * 16, "archive"),
    "customer_links.create": lambda two, who: two.services.customer_links.create(who, two.running.project_id),
    "customer_links.show_address": lambda two, who: two.services.customer_links.show_address(
        who, two.running.project_id, two.link_id
    ),
    "customer_links.revoke": lambda two, who: two.services.customer_links.revoke(
        who, two.running.project_id, two.link_id
    ),
    "link_mail.send": lambda two, who: two.services.link_mail.send(who, two.running.project_id),
    "clients.change": lambda two, who: two.services.clients.change(who, two.running.client_id, ClientPatch(name="X")),
    "clients.delete": lambda two, who: two.services.clients.delete(who, two.running.client_id),
    "codes.create": lambda two, who: two.services.codes.create(who, CodeCreate(client_id=two.running.client_id)),
    "codes.revoke": lambda two, who: two.services.codes.revoke(who, two.code_id),
    "agents.rename": lambda two, who: two.services.agents.rename(who, two.running.agent.agent_id, AgentPatch(name="X")),
    "agents.revoke": lambda two, who: two.services.agents.revoke(who, two.running.agent.agent_id),
    "agents.lift_suspension": lambda two, who: two.services.agents.lift_suspension(who, two.running.agent.agent_id),
    "projects.create": lambda two, who: two.services.projects.create(
        who, ProjectCreate(client_id=two.running.client_id, name="X")
    ),
    "projects.change": lambda two, who: two.services.projects.change(
        who, two.running.project_id, ProjectPatch(name="X")
    ),
    "projects.delete": lambda two, who: two.services.projects.delete(who, two.running.project_id),
    "connections.connect": lambda two, who: two.services.connections.connect(
        who, two.running.project_id, AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)
    ),
    "connections.disconnect": lambda two, who: two.services.connections.disconnect(who, two.running.project_id),
    "missions.connect": lambda two, who: connect_mission(two.world, two.running.project_id, who),
    "missions.disconnect": lambda two, who: two.services.missions.disconnect(who, two.running.project_id),
    "rock.test_rockrms": lambda two, who: two.services.rock.test_rockrms(who, two.running.project_id, ANYONE),
    "rock.test_mission": lambda two, who: two.services.rock.test_mission(who, two.running.project_id, ANYONE),
    "rock.trace": lambda two, who: two.services.rock.trace(
        who, two.running.project_id, TraceBody(entity=Entity.PEOPLE, source_id=1)
    ),
    "rock.keep": lambda two, who: two.services.rock.keep(
        who, two.running.project_id, RockConnectionBody(agent_id=two.running.agent.agent_id, connection_string="x")
    ),
    "rock.forget": lambda two, who: two.services.rock.forget(who, two.running.project_id, ANYONE),
    "funds.choose": lambda two, who: two.services.funds.choose(who, two.running.project_id, FundsBody(funds=[])),
    "imports.decide": lambda two, who: two.services.imports.decide(who, two.import_id, DecisionsBody(gone=[])),
    "next_attempts.change": lambda two, who: two.services.next_attempts.change(
        who, two.import_id, ImportSettingsBody(rockrms=import_body())
    ),
    "next_attempts.leave_dry_run": lambda two, who: two.services.next_attempts.leave_dry_run(who, two.import_id),
    "bandwidth.schedule_project": lambda two, who: two.services.bandwidth.schedule_project(
        who, two.running.project_id, BandwidthScheduleBody(zone="UTC", outside_mbps=0.0)
    ),
    "bandwidth.clear_schedule": lambda two, who: two.services.bandwidth.clear_schedule(who, two.running.project_id),
    "bandwidth.limit_site": lambda two, who: two.services.bandwidth.limit_site(
        who, two.running.client_id, BandwidthLimitBody(limit_mbps=1.0)
    ),
    "bandwidth.limit_job": lambda two, who: two.services.bandwidth.limit_job(
        who, two.running.job_id, BandwidthLimitBody(limit_mbps=1.0)
    ),
    "webhooks.create": lambda two, who: two.services.webhooks.create(
        who, WebhookCreate(url="https://hooks.customer.example/", project_id=two.running.project_id)
    ),
    "webhooks.change": lambda two, who: two.services.webhooks.change(who, two.webhook_id, WebhookPatch(enabled=False)),
    "webhooks.renew_secret": lambda two, who: two.services.webhooks.renew_secret(who, two.webhook_id),
    "webhooks.delete": lambda two, who: two.services.webhooks.delete(who, two.webhook_id),
    "webhooks.need_changeable": lambda two, who: two.services.webhooks.need_changeable(who, two.webhook_id),
    "deliveries.test": lambda two, who: two.services.deliveries.test(who, two.webhook_id),
    "deliveries.again": lambda two, who: two.services.deliveries.again(who, two.webhook_id, two.event_id),
    "jobs.create": lambda two, who: two.services.jobs.create(
        who,
        JobCreate(project_id=two.running.project_id, name="X", source=LocalSource(path="/"), destination=DESTINATION),
    ),
    "jobs.edit": lambda two, who: two.services.jobs.edit(who, two.running.job_id, JobEdit(name="X")),
    "jobs.duplicate": lambda two, who: two.services.jobs.duplicate(
        who, two.running.job_id, JobDuplicate(destination=DESTINATION)
    ),
    "jobs.delete": lambda two, who: two.services.jobs.delete(who, two.running.job_id),
    "lifecycle.pause": lambda two, who: two.services.lifecycle.pause(who, two.running.job_id),
    "lifecycle.resume": lambda two, who: two.services.lifecycle.resume(who, two.running.job_id),
    "lifecycle.cancel": lambda two, who: two.services.lifecycle.cancel(who, two.running.job_id),
    "lifecycle.rerun": lambda two, who: two.services.lifecycle.rerun(who, two.running.job_id),
    "lifecycle.retry_failed": lambda two, who: two.services.lifecycle.retry_failed(who, two.running.job_id),
    "lifecycle.cutover": lambda two, who: two.services.lifecycle.cutover(who, two.running.job_id),
    "expired_jobs.rerun": lambda two, who: two.services.expired_jobs.rerun(who, two.running.project_id),
    "syncs.change": lambda two, who: two.services.syncs.change(who, two.running.job_id, SyncSettings()),
    "syncs.confirm_mirror": lambda two, who: two.services.syncs.confirm_mirror(
        who, two.running.job_id, MirrorConfirm(container="files")
    ),
    "syncs.withdraw_mirror": lambda two, who: two.services.syncs.withdraw_mirror(who, two.running.job_id),
    "recipients.add": lambda two, who: two.services.recipients.add(
        who, two.running.project_id, RecipientBody(address="it@church.example")
    ),
    "recipients.remove": lambda two, who: two.services.recipients.remove(who, two.running.project_id, "a" * 24),
    "mails.send_test": lambda two, who: two.services.mails.send_test(who, two.running.project_id, TestMailBody()),
    "lifecycle.approve": lambda two, who: two.services.lifecycle.approve(who, two.running.job_id),
    "lifecycle.reassign": lambda two, who: two.services.lifecycle.reassign(
        who, two.running.job_id, JobReassign(agent_id=two.running.agent.agent_id)
    ),
}
LISTS: dict[str, Callable[[Two, OperatorCaller], list[Any]]] = {
    "clients.list": lambda two, who: list(two.services.clients.list(who, LIST).items),
    "codes.list": lambda two, who: list(two.services.codes.list(who, LIST).items),
    "agents.list": lambda two, who: list(two.services.agents.list(who, LIST).items),
    "projects.list": lambda two, who: list(two.services.projects.list(who, LIST).items),
    "jobs.list": lambda two, who: list(two.services.jobs.list(who, LIST).items),
    "alerts.list": lambda two, who: list(two.services.alerts.list(who, LIST, open_only=False).items),
    "webhooks.list": lambda two, who: list(two.services.webhooks.list(who, LIST).items),
    "audit.list": lambda two, who: list(two.services.audit.list(who, LIST).items),
}
OF_AGENTS = {
    "enrolment.register",
    "enrolment.authenticate",
    "enrolment.rotate_key",
    "enrolment.unregister",
    "heartbeats.beat",
    "commands.result",
    "progress.report",
    "grants.issue",
    "ledgers.append",
    "ledgers.failed_files",
    "missions.for_attempt",
    "checks.mission_access",
    "import_logs.append",
    "imports.put_report",
}
"""Tried below, and in the tests of enrolment and heartbeats: the caller's partition is its own."""
WITHOUT_A_CALLER = {
    "connecting.approval_url",
    "connecting.begin_visit",
    "connecting.finish",
    "connecting.save_visit",
    "connecting.visit",
    "connecting.visit_draft",
    "customer_links.address",
    "customer_links.for_mail",
    "customer_links.open",
    "customer_links.saved",
    "checks.answer",
    "checks.end",
    "checks.start",
    "checks.views",
    "funds.of",
    "imports.money_differs",
    "imports.prepared",
    "missions.for_check",
    "missions.need",
    "missions.open",
    "missions.rewrap",
    "rock.holder",
    "members.resolve",
    "members.install",
    "agents.retire",
    "connection_drafts.add",
    "connection_drafts.containers",
    "connection_drafts.save",
    "connection_drafts.show",
    "connection_drafts.test",
    "connections.adopt",
    "connections.last_grant_ends_at",
    "connections.open",
    "connections.standing",
    "redemption.access",
    "redemption.need",
    "redemption.redeem",
    "redemption.redeemed_at",
    "redemption.stored",
    "redemption.token",
    "sign_in_upkeep.run",
    "sign_ins.approval_url",
    "sign_ins.begin",
    "sign_ins.finish",
    "sign_ins.forget_old",
    "alerts.is_open",
    "alerts.occurred",
    "alerts.stands",
    "alerts.over",
    "alerts.open_subjects",
    "alerts.forget",
    "audit.record",
    "dispatch.handle",
    "dispatch.dispatch",
    "poison.record",
    "events.record",
    "events.since",
    "sign_in_failures.failed",
    "sign_in_failures.resolve",
    "webhooks.every",
    "webhooks.find",
    "webhooks.key",
    "deliveries.enqueue",
    "deliveries.run",
    "sweeps.run",
    "token_checks.run",
    "token_reports.finish",
    "outbox.post",
    "outbox.withdraw",
    "outbox.run",
    "mail_reports.handle",
    "recipients.addresses",
    "recipients.address_of",
    "recipients.is_muted",
    "recipients.has_muted",
    "recipients.mute",
    "recipients.unmute",
    "unsubscribes.link",
    "unsubscribes.show",
    "unsubscribes.mute",
    "unsubscribes.unmute",
}
"""Called by other services, triggers of queues and timers, and the sign-in."""
OF_THE_CHECKER = {"token_reports.checks", "token_reports.runs"}
"""Lists that need a run of the checker; tried in its tests."""
OF_CUSTOMERS = {"connections.status"}
"""Needs a customer's connection; tried in its tests."""
NAMES_NOTHING = {"members.me", "clients.create", "sign_in_upkeep.run_for"}
"""Operations that name no row of anybody's."""


def test_every_operation_is_tried() -> None:
    services = World().services
    operations = {
        f"{field.name}.{name}"
        for field in fields(services)
        for name, member in inspect.getmembers(getattr(services, field.name), inspect.ismethod)
        if not name.startswith("_")
    }
    elsewhere = {*OF_AGENTS, *WITHOUT_A_CALLER, *OF_THE_CHECKER, *OF_CUSTOMERS, *NAMES_NOTHING}
    assert operations == {*READS, *WRITES, *LISTS, *elsewhere}


def outsiders(two: Two) -> dict[str, OperatorCaller]:
    return {"organization": STRANGER, "client": limited(two.other_client, Role.ADMIN)}


@pytest.mark.parametrize("outsider", ["organization", "client"])
@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_what_is_another_ones_is_not_there(name: str, outsider: str) -> None:
    two = Two(name)
    before = two.world.tables.everything()
    operation = {**READS, **WRITES}[name]
    refused(ErrorCode.NOT_FOUND, lambda: operation(two, outsiders(two)[outsider]))
    assert two.world.tables.everything() == before


@pytest.mark.parametrize("name", WRITES)
def test_a_reader_changes_nothing(name: str) -> None:
    two = Two(name)
    before = two.world.tables.everything()
    with pytest.raises(MigrateError) as caught:
        WRITES[name](two, READER)
    assert caught.value.code is ErrorCode.ROLE_INSUFFICIENT
    assert two.world.tables.everything() == before


@pytest.mark.parametrize("name", READS)
def test_a_reader_reads(name: str) -> None:
    READS[name](Two(name), READER)


def test_only_administrators_delete_clients_and_only_those_of_all_clients_add_one() -> None:
    two = Two()
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: two.services.clients.delete(OPERATOR, two.running.client_id))
    body = ClientCreate(name="X")
    for caller in (READER, limited(two.other_client, Role.ADMIN)):
        with pytest.raises(MigrateError) as caught:
            two.services.clients.create(caller, body)
        assert caught.value.code is ErrorCode.ROLE_INSUFFICIENT


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_what_is_ones_own(name: str) -> None:
    two = Two()
    two.world.clock.forward(700)
    two.services.sweeps.run()
    theirs = limited(two.other_client)
    mine = limited(two.running.client_id)
    everything = LISTS[name](two, ADMIN)
    assert LISTS[name](two, STRANGER) == []
    seen_by_mine, seen_by_theirs = LISTS[name](two, mine), LISTS[name](two, theirs)
    assert seen_by_mine
    assert {item.client_id for item in seen_by_mine} == {two.running.client_id}
    assert {item.client_id for item in seen_by_theirs} <= {two.other_client}
    assert len(everything) == len(seen_by_mine) + len(seen_by_theirs)


@pytest.mark.parametrize("service", ["codes", "agents", "projects"])
def test_a_list_of_a_client_that_is_not_ones_own_is_refused_or_empty(service: str) -> None:
    two = Two()
    listing = getattr(two.services, service).list
    refused(ErrorCode.NOT_FOUND, lambda: listing(limited(two.other_client), LIST, two.running.client_id))
    assert listing(STRANGER, LIST, two.running.client_id).items == []
    assert len(listing(ADMIN, LIST, two.running.client_id).items) == 1


def test_jobs_of_a_project_or_agent_that_is_not_ones_own_are_not_listed() -> None:
    two = Two()
    project_id, agent_id = two.running.project_id, two.running.agent.agent_id
    for caller in (STRANGER, limited(two.other_client)):
        refused(ErrorCode.NOT_FOUND, lambda caller=caller: two.services.jobs.list(caller, LIST, project_id))  # type: ignore[misc]
        assert two.services.jobs.list(caller, LIST, agent_id=agent_id).items == []
    assert len(two.services.jobs.list(ADMIN, LIST, project_id, agent_id=agent_id).items) == 1


def test_a_continuation_of_one_member_is_of_no_use_to_another() -> None:
    two = Two()
    first = two.services.clients.list(ADMIN, ListQuery(limit=1))
    assert first.continuation is not None
    taken = ListQuery(limit=1, continuation=first.continuation)
    for caller in (STRANGER, limited(two.other_client)):
        refused(ErrorCode.REQUEST_INVALID, lambda caller=caller: two.services.clients.list(caller, taken))  # type: ignore[misc]
    second = two.services.clients.list(ADMIN, taken)
    assert {view.client_id for view in first.items + second.items} == {two.running.client_id, two.other_client}


@pytest.mark.parametrize("attribute", ["job_id", "project_id", "client_id"])
@pytest.mark.parametrize("bad", ["", "x", "../..", "a|b", "job_" + "z" * 24, "prj_'or'1", "\x00"])
def test_an_id_that_is_none_is_not_found(attribute: str, bad: str) -> None:
    two = Two()
    show = {
        "job_id": two.services.jobs.show,
        "project_id": two.services.projects.show,
        "client_id": two.services.clients.show,
    }[attribute]
    refused(ErrorCode.NOT_FOUND, lambda: show(ADMIN, bad))


def test_a_job_takes_no_agent_of_another_client() -> None:
    two = Two()
    foreign = JobCreate(
        project_id=two.running.project_id,
        name="X",
        source=LocalSource(path="/"),
        destination=DESTINATION,
        agent_id=two.other_agent.agent_id,
    )
    two.world.clock.forward(700)
    refused(ErrorCode.AGENT_OF_ANOTHER_CLIENT, lambda: two.services.jobs.create(ADMIN, foreign))
    reassign = JobReassign(agent_id=two.other_agent.agent_id)
    refused(
        ErrorCode.AGENT_OF_ANOTHER_CLIENT,
        lambda: two.services.lifecycle.reassign(ADMIN, two.running.job_id, reassign),
    )
    mine = limited(two.running.client_id)
    refused(ErrorCode.NOT_FOUND, lambda: two.services.jobs.create(mine, foreign))


def foreign_agents(two: Two) -> dict[str, AgentHand]:
    """An agent of another client, one of another organization, and another one of the same client."""
    their_client = two.services.clients.create(STRANGER, ClientCreate(name="Theirs")).client_id
    return {
        "client": two.other_agent,
        "organization": two.world.online_agent(their_client, STRANGER),
        "sibling": two.world.online_agent(two.running.client_id),
    }


@pytest.mark.parametrize("whose", ["client", "organization", "sibling"])
def test_an_agent_does_nothing_to_a_job_that_is_not_its_own(whose: str) -> None:
    two = Two("imports")
    agent = foreign_agents(two)[whose]
    caller, job_id = agent.caller(), two.running.job_id
    row = LedgerRow(row=1, path="x", bucket=Bucket.TRANSFERRED, finished_at=ManualClock().now)
    before = two.world.tables.everything()
    code = ErrorCode.ATTEMPT_SUPERSEDED if whose == "sibling" else ErrorCode.NOT_FOUND
    for phase in JobPhase:
        body = Progress(attempt=1, sequence=99, phase=phase)
        refused(code, lambda body=body: two.services.progress.report(caller, job_id, body))  # type: ignore[misc]
    refused(code, lambda: two.services.grants.issue(caller, job_id, GrantRequest(attempt=1)))
    refused(code, lambda: two.services.ledgers.failed_files(caller, job_id, FailedFilesRequest(attempt=1)))
    refused(code, lambda: two.services.ledgers.append(caller, job_id, LedgerChunk(attempt=1, rows=[row])))
    log, report = ImportLogChunk(attempt=1, rows=[log_row(1, two.world)]), report_of(two.world)
    access = MissionAccessRequest(attempt=1)
    refused(code, lambda: two.services.missions.for_attempt(caller, two.import_id, access))
    refused(code, lambda: two.services.import_logs.append(caller, two.import_id, log))
    refused(code, lambda: two.services.imports.put_report(caller, two.import_id, report))
    for kind in ("start", "pause", "cancel", "approve"):
        answer = two.services.commands.result(
            caller, f"cmd_{kind}-{job_id[4:]}-1-1", CommandResult(status=CommandStatus.ACCEPTED)
        )
        assert not answer.proceed
    assert two.world.tables.everything() == before
    assert agent.beat().commands == []


def test_two_organizations_may_use_the_same_names_and_never_the_same_container() -> None:
    two = Two()
    their_client = two.services.clients.create(STRANGER, ClientCreate(name="St. Mary")).client_id
    project_id = two.world.project(their_client, STRANGER)
    refused(
        ErrorCode.CONTAINER_OF_ANOTHER_CLIENT,
        lambda: two.world.new_job(project_id, caller=STRANGER, prefix="below"),
    )
    job = two.world.new_job(project_id, caller=STRANGER, container="rivals")
    refused(ErrorCode.NOT_FOUND, lambda: two.world.job(job.job_id, ADMIN))


def test_members_are_looked_up_and_nobody_else_gets_in() -> None:
    world = World()
    members = world.services.members
    refusal = refused(ErrorCode.NOT_A_MEMBER, lambda: members.resolve(Principal("tenant", "somebody", "Eve")))
    assert "Ask an administrator" in refusal.detail
    refused(ErrorCode.NOT_A_MEMBER, lambda: members.resolve(Principal("other-tenant", "admin", "Eve")))
    first = members.resolve(Principal("tenant", "admin", "Ada"))
    assert (first.role, first.organization, first.client_ids) == (Role.ADMIN, "acme", frozenset())
    assert members.resolve(Principal("tenant", "admin", "Ada")) == first
    members.install(OTHER_ORGANIZATION, "tenant2", "someone", Role.READER, "Rob", ["cli_000000000001"])
    second = members.resolve(Principal("tenant2", "someone", "?"))
    assert (second.name, second.role, second.organization) == ("Rob", Role.READER, OTHER_ORGANIZATION)
    assert second.client_ids == {"cli_000000000001"}
    assert members.me(first).organization_name == "Acme"
    assert members.me(second).organization_name == OTHER_ORGANIZATION


def test_a_client_is_deleted_when_nothing_living_is_left_and_leaves_a_receipt() -> None:
    two = Two()
    delete = two.services.clients.delete
    refusal = refused(ErrorCode.CLIENT_NOT_EMPTY, lambda: delete(ADMIN, two.other_client))
    assert "projects" in refusal.detail
    two.services.projects.delete(ADMIN, two.other_project)
    refusal = refused(ErrorCode.CLIENT_NOT_EMPTY, lambda: delete(ADMIN, two.other_client))
    assert "not revoked" in refusal.detail
    two.services.agents.revoke(ADMIN, two.other_agent.agent_id)
    two.world.clock.forward(1)
    delete(ADMIN, two.other_client)
    refused(ErrorCode.NOT_FOUND, lambda: two.services.clients.show(ADMIN, two.other_client))
    assert all(two.other_agent.agent_id not in row.pk for row in two.world.tables.everything()["agents"])
    receipt = two.services.audit.list(ADMIN, LIST).items[0]
    assert (receipt.action, receipt.detail) == ("client.delete", "Other: removed 1 agents and 1 registration codes")


def test_what_is_added_while_a_client_is_deleted_stops_the_deletion() -> None:
    world = World()
    client_id = world.client()

    def race(table: str, pk: str, rk: str) -> None:
        if table == "clients":
            world.tables.before_write = None
            world.services.projects.create(ADMIN, ProjectCreate(client_id=client_id, name="Late"))

    world.tables.before_write = race
    refused(ErrorCode.CHANGED_MEANWHILE, lambda: world.services.clients.delete(ADMIN, client_id))
    assert world.services.clients.show(ADMIN, client_id).name == "St. Mary"


def test_what_is_added_to_a_project_that_was_just_deleted_is_taken_back() -> None:
    world = World()
    project_id = world.project(world.client())

    def race(table: str, pk: str, rk: str) -> None:
        if table == "jobs":
            world.tables.before_write = None
            world.services.projects.delete(ADMIN, project_id)

    world.tables.before_write = race
    refused(ErrorCode.NOT_FOUND, lambda: world.new_job(project_id))
    assert world.tables.everything()["jobs"] == []
    assert world.tables.everything()["claims"] == []


def test_the_audit_pages_over_months() -> None:
    world = World()
    for number in range(5):
        world.services.audit.record("acme", "Ada", "action", str(number))
        world.clock.forward(20 * 86_400)
    found: list[str] = []
    query = ListQuery(limit=2)
    while True:
        page = world.services.audit.list(ADMIN, query)
        found += [item.subject for item in page.items]
        if page.continuation is None:
            break
        query = ListQuery(limit=2, continuation=page.continuation)
    assert found == ["4", "3", "2", "1", "0"]
