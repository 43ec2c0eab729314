"""The whole control plane over memory, with the hands of operators and agents: what service tests are written in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from functions.adapters.sealing import X25519Sealer
from functions.dashboard.mail_texts import LetterTexts
from functions.domain.caller import AgentCaller, OperatorCaller, Role
from functions.domain.connection import Connector, Person
from functions.domain.connection_views import DraftView
from functions.domain.limits import Limits
from functions.domain.ports import Ports
from functions.domain.views import (
    AzureConnectionBody,
    ClientCreate,
    CodeCreate,
    ConnectionKind,
    JobCreate,
    JobView,
    ProjectCreate,
)
from functions.services import Deployment, Services, assemble
from functions.services.job_store import JobStore
from migrate_contract.agents import (
    HeartbeatJob,
    HeartbeatRequest,
    HeartbeatResponse,
    MachineFacts,
    ProcessMode,
    RegisterRequest,
)
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.jobs import (
    BlobDestination,
    GrantRequest,
    JobPhase,
    LocalSource,
    Progress,
    ProgressAnswer,
    Tally,
)
from tests.memory.blobs import MemoryBlobs
from tests.memory.chance import CountingTokens, ManualClock
from tests.memory.customer_accounts import ACCOUNT, MemoryCustomerAccounts
from tests.memory.data_accounts import MemoryAccount, MemoryDataAccounts
from tests.memory.deliverer import MemoryDeliverer
from tests.memory.identity import OWNER, MemoryIdentity, MemoryWrapping
from tests.memory.mailer import MemoryMailer
from tests.memory.queues import MemoryQueues
from tests.memory.tables import MemoryTables

ORGANIZATION = "acme"
OTHER_ORGANIZATION = "rival"
ADMIN = OperatorCaller(ORGANIZATION, "tenant", "admin", "Ada", Role.ADMIN)
OPERATOR = OperatorCaller(ORGANIZATION, "tenant", "operator", "Olga", Role.OPERATOR)
READER = OperatorCaller(ORGANIZATION, "tenant", "reader", "Rita", Role.READER)
STRANGER = OperatorCaller(OTHER_ORGANIZATION, "tenant2", "stranger", "Sam", Role.ADMIN)
DEPLOYMENT = Deployment(
    ORGANIZATION,
    "Acme",
    "tenant",
    "admin",
    b"k" * 32,
    public_url="https://migrate.example",
    operator_mail=("operators@acme.example",),
)


@dataclass
class AgentHand:
    """One agent process, as the control plane hears it."""

    world: World
    key: str
    agent_id: str
    client_id: str
    machine_id: str = "machine-0001"
    instance_id: str = "instance-0001"
    epoch: int | None = None
    sequence: int = 0
    reports: int = 0

    def caller(self, *, session: int | None = None) -> AgentCaller:
        """Authenticated as for every call but a heartbeat."""
        header = str(session if session is not None else self.epoch or 0)
        return self.world.services.enrolment.authenticate(self.key, header)

    def beat(
        self,
        mode: ProcessMode = ProcessMode.SERVICE,
        jobs: list[HeartbeatJob] | None = None,
        **changes: object,
    ) -> HeartbeatResponse:
        """One heartbeat; remembers the session that it is told."""
        self.sequence += 1
        body = HeartbeatRequest(
            instance_id=self.instance_id,
            session_epoch=self.epoch,
            sequence=self.sequence,
            mode=mode,
            machine=machine(self.machine_id),
            agent_time=self.world.clock(),
            jobs=jobs or [],
        ).model_copy(update=changes)
        caller = self.world.services.enrolment.authenticate(self.key, None, session_required=False)
        answer = self.world.services.heartbeats.beat(caller, body)
        self.epoch = answer.session_epoch
        return answer

    def restart(self) -> HeartbeatResponse:
        """A new process on the same machine."""
        self.instance_id = f"instance-{next(self.world.numbers):04d}"
        self.epoch, self.sequence = None, 0
        return self.beat()

    def answer(self, command_id: str, status: CommandStatus = CommandStatus.ACCEPTED, **details: object) -> bool:
        """Posts a command's result; the answer is whether to proceed."""
        result = CommandResult.model_validate({"status": status, **details})
        return self.world.services.commands.result(self.caller(), command_id, result).proceed

    def take(self, job: JobView) -> None:
        """Heartbeat, then acknowledge the start of this job."""
        starts = [c for c in self.beat().commands if c.kind == "start_job" and c.job_id == job.job_id]
        assert len(starts) == 1
        assert self.answer(starts[0].command_id)

    def report(
        self,
        job: JobView | str,
        phase: JobPhase,
        *,
        attempt: int | None = None,
        sequence: int | None = None,
        **numbers: object,
    ) -> ProgressAnswer:
        """Posts progress with the next sequence, unless one is given."""
        if sequence is None:
            self.reports += 1
            sequence = self.reports
        job_id = job if isinstance(job, str) else job.job_id
        body = Progress(attempt=attempt or self.world.job(job_id).attempt, sequence=sequence, phase=phase)
        return self.world.services.progress.report(self.caller(), job_id, body.model_copy(update=numbers))

    def grant(self, job: JobView, attempt: int | None = None) -> str:
        """Asks for access; the answer is the signature."""
        body = GrantRequest(attempt=attempt or self.world.job(job.job_id).attempt)
        return self.world.services.grants.issue(self.caller(), job.job_id, body).sas_token


class World:
    """One deployment in memory."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = ManualClock()
        self.tables = MemoryTables()
        self.queues = MemoryQueues()
        self.blobs = MemoryBlobs()
        self.tokens = CountingTokens()
        self.account = MemoryAccount(self.clock)
        self.accounts = MemoryDataAccounts(self.account)
        self.deliverer = MemoryDeliverer()
        self.limits = limits or Limits()
        self.numbers = count(2)
        self.mailer = MemoryMailer()
        self.identity = MemoryIdentity()
        self.wrapping = MemoryWrapping()
        self.customer_accounts = MemoryCustomerAccounts(self.clock, self.identity)
        self.ports = Ports(
            self.tables,
            self.queues,
            self.blobs,
            self.accounts,
            self.clock,
            self.tokens,
            self.mailer,
            LetterTexts(),
            self.deliverer,
            self.identity,
            self.wrapping,
            self.customer_accounts,
            X25519Sealer(),
        )
        self.services: Services = assemble(self.ports, DEPLOYMENT, self.limits)

    def client(self, caller: OperatorCaller = ADMIN, name: str = "St. Mary") -> str:
        return self.services.clients.create(caller, ClientCreate(name=name)).client_id

    def code(self, client_id: str, caller: OperatorCaller = ADMIN) -> str:
        return self.services.codes.create(caller, CodeCreate(client_id=client_id)).code

    def agent(self, client_id: str, caller: OperatorCaller = ADMIN, install: str = "") -> AgentHand:
        """A registered agent, whose process has not started."""
        number = next(self.numbers)
        body = RegisterRequest(
            code=self.code(client_id, caller),
            install_id=install or f"install-{number:04d}",
            machine=machine(f"machine-{number:04d}"),
        )
        answer = self.services.enrolment.register(body, "192.0.2.1")
        return AgentHand(
            self,
            answer.agent_key,
            answer.agent_id,
            client_id,
            machine_id=f"machine-{number:04d}",
            instance_id=f"instance-{number:04d}",
        )

    def online_agent(self, client_id: str, caller: OperatorCaller = ADMIN) -> AgentHand:
        agent = self.agent(client_id, caller)
        agent.beat()
        return agent

    def project(self, client_id: str, caller: OperatorCaller = ADMIN, *, connected: bool = True) -> str:
        project_id = self.services.projects.create(caller, ProjectCreate(client_id=client_id, name="Move")).project_id
        if connected:
            body = AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)
            self.services.connections.connect(caller, project_id, body)
        return project_id

    def draft(self, project_id: str, person: Person = OWNER, *, container: str = "") -> DraftView:
        """A person's sign-in, not saved yet."""
        start = self.services.sign_ins.begin(connector(project_id), ACCOUNT, container)
        return self.services.sign_ins.finish(start.browser, self.identity.answer(start.url, person))

    def connect_customer(self, project_id: str, person: Person = OWNER, container: str = "files") -> str:
        """Signs in and saves; the answer is the connection's id."""
        draft = self.draft(project_id, person)
        saved = self.services.connection_drafts.save(connector(project_id), draft.draft_id, container)
        return saved.connection_id

    def new_job(
        self,
        project_id: str,
        *,
        caller: OperatorCaller = ADMIN,
        container: str = "files",
        prefix: str = "",
        **fields: object,
    ) -> JobView:
        body = JobCreate(
            project_id=project_id,
            name="Copy",
            source=LocalSource(path="/data"),
            destination=BlobDestination(container=container, prefix=prefix),
        ).model_copy(update=fields)
        return self.services.jobs.create(caller, body)

    def drain(self) -> int:
        """Runs the queue trigger until the queue is empty."""
        handled = 0
        while (message := self.queues.take("dispatch")) is not None:
            self.services.dispatch.handle(message)
            handled += 1
        return handled

    def job(self, job_id: str, caller: OperatorCaller = ADMIN) -> JobView:
        return self.services.jobs.show(caller, job_id)

    def store(self) -> JobStore:
        return JobStore(self.tables)


@dataclass
class Running:
    """A client with an online agent and one job that the agent is running."""

    world: World
    client_id: str
    project_id: str
    agent: AgentHand
    job_id: str

    @property
    def job(self) -> JobView:
        return self.world.job(self.job_id)


def taken_job(world: World | None = None, **fields: Any) -> Running:
    """A job that its agent has acknowledged."""
    world = world or World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    project_id = world.project(client_id)
    job = world.new_job(project_id, **fields)
    world.drain()
    agent.take(job)
    return Running(world, client_id, project_id, agent, job.job_id)


def running_job(world: World | None = None, **fields: Any) -> Running:
    """A job that its agent is running."""
    running = taken_job(world, **fields)
    running.agent.report(running.job, JobPhase.SCANNING)
    running.agent.report(running.job, JobPhase.RUNNING)
    return running


def connector(project_id: str, organization: str = ORGANIZATION) -> Connector:
    return Connector(organization, project_id, "Olga")


def machine(machine_id: str) -> MachineFacts:
    return MachineFacts(machine_id=machine_id, hostname="files01", os="Linux", agent_version="1.0")


def tally(**counts: int) -> Tally:
    return Tally(scanned=sum(counts.values()), **counts)


def refused(code: ErrorCode, call: Callable[[], object]) -> MigrateError:
    """The refusal of the call, which must have this code."""
    with pytest.raises(MigrateError) as caught:
        call()
    assert caught.value.code is code, f"{caught.value.code}: {caught.value.detail}"
    return caught.value


def limited(client_id: str, role: Role = Role.OPERATOR) -> OperatorCaller:
    """A member who may see one client only."""
    return replace(OPERATOR, object_id="limited", name="Lena", role=role, client_ids=frozenset({client_id}))
