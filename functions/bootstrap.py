"""From environment to services: read once per process, on the first call that needs them.

Nothing here calls storage: tables, queues and containers are made by the adapters when they are first written to.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from functions.adapters.access import StorageAccess
from functions.adapters.blobs import AzureBlobs
from functions.adapters.data_accounts import AzureDataAccounts
from functions.adapters.queues import AzureQueues
from functions.adapters.randomness import SystemTokens, utc_now
from functions.adapters.tables import AzureTables
from functions.domain.keys import Continuations, derive
from functions.domain.ports import Clock, Ports
from functions.logs import set_up_log
from functions.services.agent_sweep import AgentSweep
from functions.services.agents import Agents
from functions.services.alerts import Alerts
from functions.services.audit import Audit
from functions.services.claims import Claims
from functions.services.client_purge import ClientPurge
from functions.services.clients import Clients
from functions.services.codes import Codes
from functions.services.commands import Commands
from functions.services.connections import Connections
from functions.services.deployment import Deployment
from functions.services.destinations import Destinations
from functions.services.dispatch import Dispatch
from functions.services.enrolment import Enrolment
from functions.services.following import Following
from functions.services.grants import Grants
from functions.services.heartbeats import Heartbeats
from functions.services.job_store import JobStore
from functions.services.job_sweep import JobSweep
from functions.services.job_views import JobViews
from functions.services.jobs import Jobs
from functions.services.ledger_store import LedgerStore
from functions.services.ledgers import Ledgers
from functions.services.lifecycle import Lifecycle
from functions.services.mailbox import Mailbox
from functions.services.members import Members
from functions.services.moves import Moves
from functions.services.poison import Poison
from functions.services.progress import ProgressReports
from functions.services.projects import Projects
from functions.services.releases import Releases
from functions.services.reports import Reports
from functions.services.sweeps import Sweeps
from functions.services.throttle import Throttle
from functions.settings import Settings, read_settings
from functions.settings import StorageAccess as StorageSetting


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a trigger may call."""

    settings: Settings
    clock: Clock
    csrf_key: bytes = field(repr=False)
    agents: Agents
    alerts: Alerts
    audit: Audit
    clients: Clients
    codes: Codes
    commands: Commands
    connections: Connections
    dispatch: Dispatch
    enrolment: Enrolment
    grants: Grants
    heartbeats: Heartbeats
    jobs: Jobs
    ledgers: Ledgers
    lifecycle: Lifecycle
    members: Members
    poison: Poison
    progress: ProgressReports
    projects: Projects
    reports: Reports
    sweeps: Sweeps


_lock = threading.Lock()
_services: Services | None = None


def services() -> Services:
    """Result: the services of this process, built by the first call; raises Fatal(settings-invalid)."""
    global _services
    if _services is None:
        with _lock:
            if _services is None:
                set_up_log()
                settings = read_settings(os.environ)
                _services = build(settings, azure_ports(settings))
    return _services


def azure_ports(settings: Settings) -> Ports:
    """Result: the ports over the accounts that the settings name. Calls nothing."""
    ca_file = str(settings.storage_ca_file) if settings.storage_ca_file else None
    state = _access(settings.storage, ca_file)
    data = _access(settings.data_storage, ca_file) if settings.data_storage else None
    return Ports(
        tables=AzureTables(state),
        queues=AzureQueues(state),
        blobs=AzureBlobs(state),
        data_accounts=AzureDataAccounts(data),
        clock=utc_now,
        tokens=SystemTokens(),
    )


def build(settings: Settings, ports: Ports) -> Services:
    """Result: the services over any ports."""
    tables, clock, tokens, limits = ports.tables, ports.clock, ports.tokens, settings.limits
    secret = settings.secret_key.get_secret_value()
    pages = Continuations(derive(secret, "continuations"))
    code_key = derive(secret, "registration codes")
    alerts = Alerts(tables, clock, pages)
    audit = Audit(tables, clock, tokens, pages)
    projects = Projects(tables, clock, tokens, audit, pages)
    connections = Connections(tables, clock, ports.data_accounts, audit, projects)
    store = JobStore(tables)
    claims = Claims(tables, store)
    mailbox = Mailbox(tables, clock)
    moves = Moves(tables, clock, ports.queues, store, mailbox, claims)
    views = JobViews(tables, clock, limits, store)
    destinations = Destinations(connections, claims)
    ledgers = LedgerStore(ports.blobs)
    releases = Releases(tables, store, moves)
    agents = Agents(tables, clock, limits, audit, alerts, pages, releases)
    deployment = _deployment(settings)
    throttle = Throttle(tables, clock, limits, derive(secret, "throttle"))
    return Services(
        settings=settings,
        clock=clock,
        csrf_key=derive(secret, "forms"),
        agents=agents,
        alerts=alerts,
        audit=audit,
        clients=Clients(tables, clock, tokens, audit, pages, ClientPurge(tables)),
        codes=Codes(tables, clock, tokens, limits, audit, pages, code_key),
        commands=Commands(clock, store, moves, mailbox),
        connections=connections,
        dispatch=Dispatch(tables, store, moves, mailbox, releases, connections, destinations),
        enrolment=Enrolment(tables, clock, tokens, limits, audit, agents, throttle, code_key),
        grants=Grants(tables, clock, limits, store, connections),
        heartbeats=Heartbeats(tables, clock, tokens, limits, alerts),
        jobs=Jobs(tables, clock, tokens, store, moves, mailbox, views, destinations, ledgers, alerts, audit, pages),
        ledgers=Ledgers(tables, store, ledgers, pages),
        lifecycle=Lifecycle(tables, store, moves, views, destinations, audit),
        members=Members(tables, clock, deployment),
        poison=Poison(ports.blobs, clock, tokens, store, alerts, deployment),
        progress=ProgressReports(tables, clock, store, Following(moves), mailbox),
        projects=projects,
        reports=Reports(clock, store, views, ledgers),
        sweeps=Sweeps(
            tables,
            clock,
            limits,
            AgentSweep(tables, clock, limits, alerts),
            JobSweep(tables, clock, limits, store, moves, mailbox, releases, alerts),
        ),
    )


def _deployment(settings: Settings) -> Deployment:
    return Deployment(
        organization=settings.organization,
        organization_name=settings.organization_name,
        first_admin_tenant_id=settings.first_admin.tenant_id,
        first_admin_object_id=settings.first_admin.object_id,
        secret_key=settings.secret_key.get_secret_value(),
    )


def _access(setting: StorageSetting, ca_file: str | None) -> StorageAccess:
    string = setting.connection_string
    return StorageAccess(
        connection_string=string.get_secret_value() if string else None,
        blob_endpoint=setting.blob_endpoint,
        queue_endpoint=setting.queue_endpoint,
        table_endpoint=setting.table_endpoint,
        identity_client_id=setting.identity_client_id,
        ca_file=ca_file,
    )
