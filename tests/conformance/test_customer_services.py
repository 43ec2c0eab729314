"""The customer's connection over real parts: rows in the emulator, the identity server, the storage front."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from functions.adapters.key_file import KeyFile
from functions.adapters.randomness import SystemTokens, utc_now
from functions.adapters.tables import AzureTables
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Ports, Row
from functions.services import Services, assemble
from functions.services.sign_ins import TABLE as SIGN_INS
from functions.services.token_store import TABLE as TOKENS
from local.azurite import Azurite
from local.customer_cloud import ACCOUNT, OWNER
from local.entra.refusals import Refusal
from migrate_contract.errors import ErrorCode, MigrateError
from tests.conformance.conftest import access
from tests.conformance.test_key_wrapping import FileKeys
from tests.harness.customer_azure import REDIRECT, CustomerAzure
from tests.memory.world import ADMIN, DEPLOYMENT, ORGANIZATION, World, connector, refused

PUBLIC_URL = REDIRECT.removesuffix("/connect/callback")


@dataclass
class Connected:
    """A project that a customer has connected. `instance` is another process over the same rows."""

    azure: CustomerAzure
    ports: Ports
    keys: FileKeys
    services: Services
    project_id: str

    def instance(self) -> Services:
        ports = replace(self.ports, identity=self.azure.identity())
        return assemble(ports, replace(DEPLOYMENT, public_url=PUBLIC_URL), World().limits)

    def connect(self, container: str = "") -> None:
        who = connector(self.project_id)
        start = self.services.sign_ins.begin(who, ACCOUNT)
        draft = self.services.sign_ins.finish(start.browser, self.azure.answer(start.url, OWNER))
        self.services.connection_drafts.save(who, draft.draft_id, container or "c" + uuid.uuid4().hex)

    @property
    def row(self) -> Row:
        found = OrganizationTables(self.ports.tables, ORGANIZATION).get("projects", "", self.project_id)
        assert found is not None
        return found

    def stored(self) -> list[Row]:
        return OrganizationTables(self.ports.tables, ORGANIZATION).partition(TOKENS, self.project_id)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    """One for all tests here, whose rows are in one table."""
    return FileKeys(tmp_path_factory.mktemp("keys") / "wrapping.key")


@pytest.fixture
def connected(azurite: tuple[Azurite, Path], customer: CustomerAzure, keys: FileKeys) -> Iterator[Connected]:
    world = World()
    ports = replace(
        world.ports,
        tables=AzureTables(access(azurite)),
        clock=utc_now,
        tokens=SystemTokens(),
        identity=customer.identity(),
        wrapping=KeyFile(keys.path),
        customer_accounts=customer.accounts(),
    )
    world.services = assemble(ports, replace(DEPLOYMENT, public_url=PUBLIC_URL), world.limits)
    project_id = world.project(world.client(), connected=False)
    made = Connected(customer, ports, keys, world.services, project_id)
    made.connect()
    yield made
    customer.recover()


def test_a_customer_connects_and_a_job_gets_a_signature_that_works(connected: Connected) -> None:
    account = connected.services.connections.open(connected.row)
    account.ensure_container("files")
    granted = account.grant("files", 3600)
    assert granted.container_url == f"{connected.azure.front.account_url(ACCOUNT)}/files"
    status = connected.services.connections.status(ADMIN, connected.project_id)
    assert status.signed_in_as == "Olivia Owner (olivia@contoso.example)"


def test_two_instances_that_renew_at_once_lose_nothing(connected: Connected) -> None:
    instances = [connected.instance() for _ in range(2)]
    faults: list[BaseException] = []
    for _ in range(5):
        start = threading.Barrier(2)

        def renew(services: Services, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                services.redemption.redeem(connected.row)
            except MigrateError as fault:
                faults.append(fault)

        both = [threading.Thread(target=renew, args=(instance,)) for instance in instances]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert len(connected.stored()) == 1
    assert faults == []
    connected.instance().redemption.redeem(connected.row)


def test_what_ends_it_is_told_from_what_passes_and_what_is_ours(connected: Connected) -> None:
    expected = {
        Refusal.REVOKED: ErrorCode.AZURE_CREDENTIALS_EXPIRED,
        Refusal.SECRET_EXPIRED: ErrorCode.IDENTITY_MISCONFIGURED,
        Refusal.UNAVAILABLE: ErrorCode.IDENTITY_UNAVAILABLE,
    }
    before = [row.values for row in connected.stored()]
    for refusal, code in expected.items():
        connected.azure.entra.control.refuse(refusal, grant="refresh_token")
        refused(code, lambda: connected.services.redemption.redeem(connected.row))
        connected.azure.entra.control.recover()
    assert [row.values for row in connected.stored()] == before
    connected.services.redemption.redeem(connected.row)


def test_nothing_secret_is_in_a_row_and_disconnecting_leaves_nothing(connected: Connected) -> None:
    connected.services.redemption.redeem(connected.row)
    tables = connected.ports.tables
    rows = repr([row.values for table in (TOKENS, SIGN_INS, "projects", "audit") for row in tables.page(table).rows])
    secrets = [*connected.azure.entra.control.issued(), connected.azure.cloud.client_secret]
    assert len(secrets) > 5
    assert not any(secret in rows for secret in secrets)
    connected.services.connections.disconnect(ADMIN, connected.project_id)
    assert connected.stored() == []


def test_a_key_file_that_was_rotated_lets_the_old_key_go(connected: Connected) -> None:
    connected.keys.rotate()
    assert connected.services.sign_in_upkeep.run().rewrapped >= 1
    connected.keys.remove("")
    connected.services.redemption.redeem(connected.row)


def test_a_role_that_acts_late_is_waited_for(connected: Connected) -> None:
    person = connected.azure.cloud.object_ids[OWNER]
    control = connected.azure.front.control
    account = connected.services.connections.open(connected.row)
    control.unassign(ACCOUNT, person)
    try:
        refused(ErrorCode.AZURE_ROLE_WAIT, lambda: account.ensure_container("files"))
        control.assign(ACCOUNT, person, refusals_first=2)
        codes = []
        for _ in range(3):
            try:
                again = connected.services.connections.open(connected.row)
                again.ensure_container("files")
                again.grant("files", 600)
            except MigrateError as fault:
                codes.append(fault.code)
        assert codes == [ErrorCode.AZURE_ROLE_WAIT] * 2
    finally:
        control.unassign(ACCOUNT, person)
        control.assign(ACCOUNT, person)
