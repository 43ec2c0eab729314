"""Use cases, one module each. `assemble` joins them over the ports; triggers and pages call them, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic

from functions.domain.keys import Continuations, derive
from functions.domain.limits import Limits
from functions.domain.ports import Ports
from functions.services.account_sharing import AccountSharing
from functions.services.agent_sweep import AgentSweep
from functions.services.agents import Agents
from functions.services.alerts import Alerts
from functions.services.allowances import Allowances
from functions.services.announcements import Announcements
from functions.services.attempts import Attempts
from functions.services.audit import Audit
from functions.services.bandwidth import Bandwidth
from functions.services.claims import Claims
from functions.services.client_purge import ClientPurge
from functions.services.clients import Clients
from functions.services.codes import Codes
from functions.services.commands import Commands
from functions.services.connecting import Connecting
from functions.services.connection_drafts import ConnectionDrafts
from functions.services.connections import Connections
from functions.services.customer_links import CustomerLinks
from functions.services.customer_side import customer_side
from functions.services.deliveries import Deliveries
from functions.services.deployment import Deployment
from functions.services.destinations import Destinations
from functions.services.dispatch import Dispatch
from functions.services.enrolment import Enrolment
from functions.services.events import Events
from functions.services.expired_jobs import ExpiredJobs
from functions.services.following import Following
from functions.services.fund_map import FundMap
from functions.services.grants import Grants
from functions.services.heartbeats import Heartbeats
from functions.services.import_logs import ImportLogs
from functions.services.import_store import ImportStore
from functions.services.imports import Imports
from functions.services.job_news import JobNews
from functions.services.job_store import JobStore
from functions.services.job_sweep import JobSweep
from functions.services.job_views import JobViews
from functions.services.job_watch import JobWatch
from functions.services.jobs import Jobs
from functions.services.ledger_store import LedgerStore
from functions.services.ledgers import Ledgers
from functions.services.lifecycle import Lifecycle
from functions.services.link_mail import LinkMail
from functions.services.mail_alerts import MailAlerts
from functions.services.mail_composer import MailComposer
from functions.services.mail_outbox import MailOutbox
from functions.services.mail_quota import MailQuota
from functions.services.mail_reports import MailReports
from functions.services.mail_retention import MailRetention
from functions.services.mail_sender import MailSender
from functions.services.mailbox import Mailbox
from functions.services.mails import Mails
from functions.services.members import Members
from functions.services.missions import Missions
from functions.services.moves import Moves
from functions.services.next_attempts import NextAttempts
from functions.services.poison import Poison
from functions.services.progress import ProgressReports
from functions.services.projects import Projects
from functions.services.recipients import Recipients
from functions.services.redemption import Redemption
from functions.services.releases import Releases
from functions.services.reports import Reports
from functions.services.rock_checks import RockChecks
from functions.services.rock_connections import RockConnections
from functions.services.scheduled_runs import ScheduledRuns
from functions.services.secrets import Secrets
from functions.services.sign_in_ends import SignInEnds
from functions.services.sign_in_failures import SignInFailures
from functions.services.sign_in_upkeep import SignInUpkeep
from functions.services.sign_ins import SignIns
from functions.services.sweeps import Sweeps
from functions.services.syncs import Schedules, Syncs
from functions.services.telling import Telling
from functions.services.throttle import Throttle
from functions.services.token_checks import TokenChecks
from functions.services.token_look import TokenLook
from functions.services.token_reports import TokenReports
from functions.services.unsubscribes import Unsubscribes
from functions.services.webhooks import Webhooks

__all__ = ["Deployment", "Services", "assemble"]


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case."""

    members: Members
    clients: Clients
    codes: Codes
    agents: Agents
    enrolment: Enrolment
    heartbeats: Heartbeats
    commands: Commands
    progress: ProgressReports
    grants: Grants
    ledgers: Ledgers
    projects: Projects
    connections: Connections
    missions: Missions
    rock: RockConnections
    checks: RockChecks
    funds: FundMap
    imports: Imports
    import_logs: ImportLogs
    next_attempts: NextAttempts
    connection_drafts: ConnectionDrafts
    redemption: Redemption
    sign_ins: SignIns
    sign_in_upkeep: SignInUpkeep
    customer_links: CustomerLinks
    connecting: Connecting
    bandwidth: Bandwidth
    jobs: Jobs
    syncs: Syncs
    lifecycle: Lifecycle
    expired_jobs: ExpiredJobs
    token_checks: TokenChecks
    token_reports: TokenReports
    reports: Reports
    alerts: Alerts
    events: Events
    sign_in_failures: SignInFailures
    webhooks: Webhooks
    deliveries: Deliveries
    audit: Audit
    dispatch: Dispatch
    poison: Poison
    sweeps: Sweeps
    recipients: Recipients
    unsubscribes: Unsubscribes
    outbox: MailOutbox
    mails: Mails
    link_mail: LinkMail
    mail_reports: MailReports


def assemble(ports: Ports, deployment: Deployment, limits: Limits) -> Services:
    """Result: the services over these ports. Keys for codes, addresses and tokens are derived from the one secret."""
    tables, clock, tokens = ports.tables, ports.clock, ports.tokens
    code_key = derive(deployment.secret_key, "registration-codes")
    continuations = Continuations(derive(deployment.secret_key, "continuations"))
    throttle = Throttle(tables, clock, limits, derive(deployment.secret_key, "addresses"))
    audit = Audit(tables, clock, tokens, continuations)
    alerts = Alerts(tables, clock, continuations)
    store = JobStore(tables)
    allowances = Allowances(tables, store)
    mailbox = Mailbox(tables, clock, allowances)
    claims = Claims(tables, store)
    moves = Moves(tables, clock, ports.queues, store, mailbox, claims)
    releases = Releases(tables, store, moves)
    attempts = Attempts(store, moves)
    ledger_store = LedgerStore(ports.blobs)
    clients = Clients(tables, clock, tokens, audit, continuations, ClientPurge(tables))
    projects = Projects(tables, clock, tokens, audit, continuations)
    customer_links = CustomerLinks(
        tables, clock, tokens, limits, audit, derive(deployment.secret_key, "customer-links")
    )
    events = Events(tables, continuations)
    sign_in_failures = SignInFailures(clock, limits, events, alerts)
    missions = Missions(tables, clock, audit, projects, Secrets(tokens, ports.wrapping), attempts)
    customer = customer_side(ports, deployment, limits, audit, projects, sign_in_failures, missions)
    connections = customer.connections
    destinations = Destinations(connections, claims)
    agents = Agents(tables, clock, limits, audit, alerts, continuations, releases)
    views = JobViews(tables, clock, limits, store)
    import_store = ImportStore(ports.blobs)
    funds = FundMap(tables, clock, audit)
    checks = RockChecks(tables, clock, tokens, limits, audit, mailbox, missions)
    rock = RockConnections(tables, clock, limits, ports.sealer, store, checks, missions, funds)
    imports = Imports(tables, clock, store, attempts, moves, views, import_store, missions, funds, events, audit)
    schedules = Schedules(clock, limits)
    webhooks = Webhooks(tables, clock, tokens, limits, audit, continuations, derive(deployment.secret_key, "webhooks"))
    deliveries = Deliveries(
        tables,
        clock,
        tokens,
        limits,
        ports.deliverer,
        webhooks,
        audit,
        continuations,
        deployment.public_url,
    )
    recipients = Recipients(tables, clock, audit)
    unsubscribes = Unsubscribes(tables, deployment, recipients, derive(deployment.secret_key, "unsubscribe-links"))
    composer = MailComposer(
        tables,
        deployment,
        ports.mail_texts,
        recipients,
        unsubscribes,
        partial(_customer_page, deployment, customer_links),
    )
    sender = MailSender(tables, clock, limits, ports.mailer, MailQuota(tables, clock, limits))
    mail_alerts = MailAlerts(tables, deployment, alerts)
    outbox = MailOutbox(tables, clock, deployment, recipients, sender, composer, mail_alerts)
    ends = SignInEnds(tables, clock, outbox, events)
    lifecycle = Lifecycle(tables, store, moves, views, destinations, audit)
    token_reports = TokenReports(tables, clock, limits, alerts, outbox, deployment, continuations)
    return Services(
        members=Members(tables, clock, deployment),
        clients=clients,
        codes=Codes(tables, clock, tokens, limits, audit, continuations, code_key),
        agents=agents,
        enrolment=Enrolment(tables, clock, tokens, limits, audit, agents, throttle, code_key),
        heartbeats=Heartbeats(tables, clock, tokens, limits, alerts),
        commands=Commands(clock, store, moves, mailbox, checks),
        progress=ProgressReports(tables, clock, store, attempts, Following(moves, imports.money_differs), mailbox),
        grants=Grants(tables, clock, limits, attempts, connections, ends),
        ledgers=Ledgers(tables, store, attempts, ledger_store, continuations),
        projects=projects,
        connections=connections,
        missions=missions,
        rock=rock,
        checks=checks,
        funds=funds,
        imports=imports,
        import_logs=ImportLogs(tables, store, attempts, import_store, continuations),
        next_attempts=NextAttempts(store, moves, views, audit),
        connection_drafts=customer.drafts,
        redemption=customer.redemption,
        sign_ins=customer.sign_ins,
        sign_in_upkeep=customer.upkeep,
        customer_links=customer_links,
        connecting=Connecting(tables, customer.sign_ins, customer.drafts, customer_links),
        bandwidth=Bandwidth(tables, store, moves, mailbox, allowances, views, projects, clients, audit),
        jobs=Jobs(
            tables,
            clock,
            tokens,
            store,
            moves,
            mailbox,
            views,
            AccountSharing(tables, store),
            destinations,
            schedules,
            ledger_store,
            import_store,
            alerts,
            audit,
            continuations,
        ),
        syncs=Syncs(tables, store, moves, views, schedules, audit),
        lifecycle=lifecycle,
        expired_jobs=ExpiredJobs(tables, views, lifecycle),
        token_checks=TokenChecks(
            tables, clock, monotonic, tokens, limits, TokenLook(clock, limits, customer.redemption, ends), token_reports
        ),
        token_reports=token_reports,
        reports=Reports(clock, store, views, ledger_store),
        alerts=alerts,
        events=events,
        sign_in_failures=sign_in_failures,
        webhooks=webhooks,
        deliveries=deliveries,
        audit=audit,
        dispatch=Dispatch(tables, store, moves, mailbox, releases, connections, destinations, imports, rock),
        poison=Poison(ports.blobs, clock, tokens, store, alerts, deployment),
        sweeps=Sweeps(
            tables,
            clock,
            limits,
            AgentSweep(tables, clock, limits, alerts),
            JobSweep(
                tables,
                clock,
                limits,
                store,
                moves,
                mailbox,
                allowances,
                releases,
                alerts,
                JobWatch(clock, limits, events),
            ),
            ScheduledRuns(tables, clock, moves, destinations),
            Telling(
                limits,
                JobNews(tables, events),
                sign_in_failures,
                Announcements(tables, clock, outbox.post, deliveries),
                deliveries,
            ),
            outbox,
            MailRetention(tables, clock, limits),
        ),
        recipients=recipients,
        unsubscribes=unsubscribes,
        outbox=outbox,
        link_mail=LinkMail(tables, clock, tokens, recipients, customer_links, outbox, audit),
        mails=Mails(tables, clock, tokens, outbox, audit),
        mail_reports=MailReports(tables, clock, mail_alerts),
    )


def _customer_page(deployment: Deployment, links: CustomerLinks, organization: str, project_id: str) -> str:
    """Result: the address of the page on which the customer reconnects."""
    return deployment.public_url + links.for_mail(organization, project_id)
