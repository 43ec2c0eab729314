"""The services of customers' connections, joined: they are built on one another more than on anything else."""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.limits import Limits
from functions.domain.ports import Ports
from functions.services.audit import Audit
from functions.services.connection_drafts import ConnectionDrafts
from functions.services.connections import Accounts, Connections, StoredSignIns
from functions.services.deployment import Deployment
from functions.services.missions import Missions
from functions.services.projects import Projects
from functions.services.redemption import Redemption
from functions.services.role_wait import RoleWait
from functions.services.secrets import Secrets
from functions.services.sign_in_upkeep import SignInUpkeep
from functions.services.sign_ins import Failures, SignIns
from functions.services.token_store import TokenStore


@dataclass(frozen=True, slots=True)
class CustomerSide:
    """What the rest is built on."""

    connections: Connections
    drafts: ConnectionDrafts
    redemption: Redemption
    sign_ins: SignIns
    upkeep: SignInUpkeep


def customer_side(
    ports: Ports,
    deployment: Deployment,
    limits: Limits,
    audit: Audit,
    projects: Projects,
    failures: Failures,
    missions: Missions,
) -> CustomerSide:
    """Result: the services over these ports."""
    tables, clock, tokens = ports.tables, ports.clock, ports.tokens
    secrets = Secrets(tokens, ports.wrapping)
    store = TokenStore(tables, secrets)
    redemption = Redemption(clock, ports.identity, store)
    stored = StoredSignIns(store, redemption, RoleWait(clock, limits, store))
    accounts = Accounts(ports.data_accounts, ports.customer_accounts)
    connections = Connections(tables, clock, limits, accounts, audit, projects, stored)
    drafts = ConnectionDrafts(tables, clock, tokens, limits, ports.customer_accounts, stored, connections)
    sign_ins = SignIns(
        tables,
        clock,
        tokens,
        limits,
        deployment,
        ports.identity,
        ports.customer_accounts,
        secrets,
        drafts,
        failures,
    )
    return CustomerSide(
        connections, drafts, redemption, sign_ins, SignInUpkeep(tables, clock, sign_ins, store, missions)
    )
