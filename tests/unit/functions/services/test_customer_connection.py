"""The customer's connection: sign-in once and in time, proof, saving, renewal by several, disconnecting."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from functions.domain import rows
from functions.domain.connection import SignInRefused
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row
from functions.domain.views import AzureConnectionBody, ConnectionKind, ProjectPatch
from functions.services.redemption import Redemption
from functions.services.sign_ins import TABLE as SIGN_INS
from functions.services.token_store import TABLE as TOKENS
from functions.services.token_store import StoredSignIn
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from tests.memory.customer_accounts import ACCOUNT
from tests.memory.identity import NOBODY, OTHER_TENANT, OWNER, TENANT
from tests.memory.world import ADMIN, ORGANIZATION, READER, STRANGER, World, connector, limited, refused, taken_job


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def project(world: World) -> str:
    return world.project(world.client(), connected=False)


def _row(world: World, project_id: str) -> Row:
    found = OrganizationTables(world.tables, ORGANIZATION).get("projects", "", project_id)
    assert found is not None
    return found


def _tokens(world: World, project_id: str) -> list[Row]:
    return OrganizationTables(world.tables, ORGANIZATION).partition(TOKENS, project_id)


def test_a_customer_signs_in_chooses_a_container_and_saves(world: World, project: str) -> None:
    world.customer_accounts.accounts[ACCOUNT].containers |= {"archive", "backup"}
    draft = world.draft(project, container="archive")
    assert (draft.account, draft.container, draft.tenant_id) == (ACCOUNT, "archive", TENANT)
    assert draft.person == "Olivia Owner (olivia@contoso.example)"
    listed = world.services.connection_drafts.containers(connector(project), draft.draft_id)
    assert listed.containers == ["archive", "backup"]
    assert listed.listed
    world.services.connection_drafts.test(connector(project), draft.draft_id, "archive")
    saved = world.services.connection_drafts.save(connector(project), draft.draft_id, "new-one")
    assert (saved.kind, saved.account, saved.container) == (ConnectionKind.CUSTOMER, ACCOUNT, "new-one")
    shown = world.services.projects.show(ADMIN, project)
    assert shown.azure_connection == saved
    status = world.services.connections.status(READER, project)
    assert status.signed_in_as == draft.person
    assert status.expires_at == world.clock() + timedelta(days=90)
    assert any("new-one/_onemigrate/access-test-" in name for name in world.customer_accounts.accounts[ACCOUNT].blobs)


def test_a_job_is_granted_access_to_the_customers_account(world: World) -> None:
    running = taken_job(world)
    world.connect_customer(running.project_id)
    refused(ErrorCode.GRANT_REFUSED, lambda: running.agent.grant(running.job))  # It began with another account.
    project = world.project(world.client(), connected=False)
    world.connect_customer(project)
    account = world.services.connections.open(_row(world, project))
    redeemed = len(world.identity.redeemed)
    assert account.account == ACCOUNT
    assert len(world.identity.redeemed) == redeemed  # Opening asks nobody.
    account.ensure_container("files")
    assert account.grant("files", 3600).sas_token.startswith("sig=customer")
    assert len(world.identity.redeemed) == redeemed + 1
    assert {host for host, _ in world.customer_accounts.tokens} == {f"{ACCOUNT}.blob.core.windows.net"}


@pytest.mark.parametrize(
    "typed",
    [
        "ab",
        "Contoso_Files",
        "contosofiles.evil.example",
        "contosofiles.blob.core.windows.net.evil.example",
        "http://contosofiles.blob.core.windows.net",
        "contosofiles/x",
        "127.0.0.1",
        "a" * 25,
        "",
        "contosofiles@evil",
    ],
)
def test_what_cannot_be_an_account_is_refused_before_anything_is_asked(world: World, project: str, typed: str) -> None:
    refused(ErrorCode.AZURE_ACCOUNT_INVALID, lambda: world.services.sign_ins.begin(connector(project), typed))


def test_an_account_is_known_by_its_address_too(world: World, project: str) -> None:
    for typed in ("contosofiles", " ContosoFiles ", "https://contosofiles.blob.core.windows.net/"):
        assert world.services.sign_ins.begin(connector(project), typed).account == ACCOUNT
    refused(
        ErrorCode.AZURE_CONTAINER_INVALID,
        lambda: world.services.sign_ins.begin(connector(project), ACCOUNT, "No Such"),
    )
    refused(ErrorCode.AZURE_ACCOUNT_NOT_FOUND, lambda: world.services.sign_ins.begin(connector(project), "unknown1"))


def test_a_sign_in_is_answered_once_by_its_own_browser_and_in_time(world: World, project: str) -> None:
    sign_ins = world.services.sign_ins
    start = sign_ins.begin(connector(project), ACCOUNT)
    answer = world.identity.answer(start.url)
    refused(ErrorCode.SIGN_IN_STATE_LOST, lambda: sign_ins.finish("another-browser", answer))
    refused(ErrorCode.SIGN_IN_STATE_LOST, lambda: sign_ins.finish(start.browser, {**answer, "state": "made-up"}))
    refused(ErrorCode.SIGN_IN_STATE_LOST, lambda: sign_ins.finish(start.browser, {}))
    assert sign_ins.finish(start.browser, answer).project_id == project
    again = refused(ErrorCode.SIGN_IN_STATE_LOST, lambda: sign_ins.finish(start.browser, answer))
    assert isinstance(again, SignInRefused)
    assert again.project_id == project
    late = sign_ins.begin(connector(project), ACCOUNT)
    world.clock.forward(600)
    refused(ErrorCode.SIGN_IN_EXPIRED, lambda: sign_ins.finish(late.browser, world.identity.answer(late.url)))


def test_nothing_of_a_sign_in_is_stored_in_the_clear(world: World, project: str) -> None:
    start = world.services.sign_ins.begin(connector(project), ACCOUNT)
    world.services.sign_ins.finish(start.browser, world.identity.answer(start.url))
    stored = repr([row.values for table in (SIGN_INS, TOKENS) for row in world.tables.page(table).rows])
    for secret in ("state-", "nonce-", "verifier-", "refresh-", "code-", start.browser):
        assert secret not in stored


def test_a_sign_in_that_is_refused_names_the_tenant_where_it_can_be_approved(world: World, project: str) -> None:
    start = world.services.sign_ins.begin(connector(project), ACCOUNT)
    world.identity.sign_in_fault = Fatal(ErrorCode.AZURE_APPROVAL_NEEDED, "AADSTS90094")
    fault = refused(
        ErrorCode.AZURE_APPROVAL_NEEDED,
        lambda: world.services.sign_ins.finish(start.browser, world.identity.answer(start.url)),
    )
    assert isinstance(fault, SignInRefused)
    assert (fault.tenant_id, fault.project_id) == (TENANT, project)
    assert world.services.sign_ins.approval_url(TENANT).startswith(f"https://login.example/{TENANT}/adminconsent")
    refused(ErrorCode.NOT_FOUND, lambda: world.services.sign_ins.approval_url("../evil"))


def test_a_draft_ends_by_itself_and_is_of_one_project(world: World, project: str) -> None:
    drafts = world.services.connection_drafts
    draft = world.draft(project)
    other = world.project(world.client(), connected=False)
    refused(ErrorCode.SIGN_IN_EXPIRED, lambda: drafts.show(connector(other), draft.draft_id))
    refused(ErrorCode.SIGN_IN_EXPIRED, lambda: drafts.show(connector(project), "../../other"))
    assert drafts.show(connector(project), draft.draft_id) == draft
    world.clock.forward(3600)
    refused(ErrorCode.SIGN_IN_EXPIRED, lambda: drafts.save(connector(project), draft.draft_id, "files"))
    done = world.services.sign_in_upkeep.run()
    assert done.destroyed == 1
    assert _tokens(world, project) == []


def test_a_missing_role_says_so_at_once_and_may_pass_for_ten_minutes(world: World, project: str) -> None:
    drafts, account = world.services.connection_drafts, world.customer_accounts.accounts[ACCOUNT]
    draft = world.draft(project, NOBODY)

    def test() -> None:
        drafts.test(connector(project), draft.draft_id, "files")

    fault = refused(ErrorCode.AZURE_ROLE_MISSING, test)
    assert isinstance(fault, Retryable)
    assert fault.retry_after_seconds is not None
    assert "nora@contoso.example" in fault.detail
    world.clock.forward(599)
    assert isinstance(refused(ErrorCode.AZURE_ROLE_MISSING, test), Retryable)
    world.clock.forward(1)
    assert isinstance(refused(ErrorCode.AZURE_ROLE_MISSING, test), Fatal)
    account.containers.add("files")
    account.container_contributors.add((NOBODY.object_id, "files"))
    refused(ErrorCode.AZURE_ROLE_SCOPE, test)
    assert drafts.containers(connector(project), draft.draft_id).listed is False
    account.delegators.add(NOBODY.object_id)
    test()


def test_a_job_waits_ten_minutes_for_a_role_that_was_taken_away(world: World, project: str) -> None:
    world.connect_customer(project)
    world.clock.forward(86_400)
    account = world.customer_accounts.accounts[ACCOUNT]
    account.contributors.clear()

    def ask() -> None:
        opened = world.services.connections.open(_row(world, project))
        opened.ensure_container("files")
        opened.grant("files", 3600)

    fault = refused(ErrorCode.AZURE_ROLE_WAIT, ask)
    assert isinstance(fault, Retryable)
    account.containers.add("files")
    account.container_contributors.add((OWNER.object_id, "files"))
    world.clock.forward(599)
    refused(ErrorCode.AZURE_ROLE_WAIT, ask)  # Seeing the container ends no wait.
    world.clock.forward(1)
    refused(ErrorCode.AZURE_ROLE_SCOPE, ask)
    account.contributors.add(OWNER.object_id)
    ask()
    account.contributors.clear()
    account.container_contributors.clear()
    refused(ErrorCode.AZURE_ROLE_WAIT, ask)  # A success begins anew.


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"firewall": True}, ErrorCode.AZURE_FIREWALL),
        ({"disabled": True}, ErrorCode.AZURE_ACCOUNT_DISABLED),
        ({"tenant_id": OTHER_TENANT}, ErrorCode.AZURE_WRONG_TENANT),
    ],
)
def test_what_the_account_refuses_has_its_own_code(
    world: World, project: str, change: dict[str, object], code: ErrorCode
) -> None:
    draft = world.draft(project)
    for name, value in change.items():
        setattr(world.customer_accounts.accounts[ACCOUNT], name, value)
    refused(code, lambda: world.services.connection_drafts.test(connector(project), draft.draft_id, "files"))
    refused(code, lambda: world.services.connection_drafts.save(connector(project), draft.draft_id, "files"))
    assert world.services.projects.show(ADMIN, project).azure_connection is None


def test_reconnecting_destroys_the_sign_in_before_and_disconnecting_every_one(world: World, project: str) -> None:
    first = world.connect_customer(project)
    second = world.connect_customer(project)
    assert first != second
    assert [row.rk for row in _tokens(world, project)] == [second]
    row = _row(world, project)
    world.draft(project)
    world.services.connections.disconnect(ADMIN, project)
    assert _tokens(world, project) == []
    refused(ErrorCode.NO_AZURE_CONNECTION, lambda: world.services.redemption.token(row))
    refused(ErrorCode.NO_AZURE_CONNECTION, lambda: world.services.connections.status(ADMIN, project))
    world.connect_customer(project)
    body = AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)
    world.services.connections.connect(ADMIN, project, body)
    assert _tokens(world, project) == []


def test_how_a_connection_stands_is_shown_to_those_who_may_see_the_project(world: World, project: str) -> None:
    world.connect_customer(project)
    other = world.client(name="Other")
    for outsider in (STRANGER, limited(other)):
        refused(ErrorCode.NOT_FOUND, lambda who=outsider: world.services.connections.status(who, project))  # type: ignore[misc]
    assert world.services.connections.status(READER, project).account == ACCOUNT


def test_a_deleted_project_leaves_no_sign_in(world: World, project: str) -> None:
    world.connect_customer(project)
    world.services.projects.delete(ADMIN, project)
    assert _tokens(world, project) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "AADSTS50173: revoked"),
        Fatal(ErrorCode.IDENTITY_MISCONFIGURED, "AADSTS7000222: ended"),
        Retryable(ErrorCode.IDENTITY_UNAVAILABLE, "503"),
    ],
)
def test_a_redemption_that_fails_changes_nothing(world: World, project: str, fault: Fatal) -> None:
    world.connect_customer(project)
    before = _tokens(world, project)
    world.clock.forward(3600)
    world.identity.fault = fault
    refused(fault.code, lambda: world.services.redemption.redeem(_row(world, project)))
    assert [row.values for row in _tokens(world, project)] == [row.values for row in before]
    world.identity.fault = None
    assert world.services.redemption.redeem(_row(world, project)) == world.clock()
    assert world.services.redemption.redeemed_at(_row(world, project)) == world.clock()


@pytest.mark.parametrize("strict", [False, True])
def test_two_instances_that_renew_at_once_lose_nothing(world: World, project: str, strict: bool) -> None:
    world.connect_customer(project)
    world.identity.strict = strict
    row = _row(world, project)
    for _ in range(20):
        start = threading.Barrier(2)
        faults: list[BaseException] = []

        def renew(start: threading.Barrier = start, faults: list[BaseException] = faults) -> None:
            start.wait()
            try:
                world.services.redemption.redeem(row)
            except (Fatal, Retryable) as fault:
                faults.append(fault)

        both = [threading.Thread(target=renew) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        if not strict:
            assert faults == []
    world.services.redemption.redeem(row)  # What is stored lives, whoever wrote it.


def test_a_refusal_does_not_count_if_somebody_has_renewed_meanwhile(world: World, project: str) -> None:
    world.connect_customer(project)
    world.identity.strict = True
    row = _row(world, project)
    stale = world.services.redemption.need(row)
    world.services.redemption.redeem(row)
    assert world.services.redemption.access(stale).startswith("access-")


def test_a_renewal_that_comes_after_a_disconnect_stores_nothing(world: World, project: str) -> None:
    world.connect_customer(project)
    stored = world.services.redemption.need(_row(world, project))
    world.services.connections.disconnect(ADMIN, project)
    refused(ErrorCode.NO_AZURE_CONNECTION, lambda: world.services.redemption.access(stored))
    assert _tokens(world, project) == []


def test_a_token_that_was_copied_to_another_project_cannot_be_used(world: World, project: str) -> None:
    world.connect_customer(project)
    victim = _tokens(world, project)[0]
    other = world.project(world.client(), connected=False)
    mine = world.connect_customer(other)
    sealed = {name: value for name, value in victim.values.items() if name.startswith("sealed")}
    OrganizationTables(world.tables, ORGANIZATION).merge(TOKENS, other, mine, sealed, None)
    refused(ErrorCode.SECRET_UNREADABLE, lambda: world.services.redemption.token(_row(world, other)))


def test_a_rotated_key_wraps_everything_anew_and_the_old_one_can_go(world: World, project: str) -> None:
    world.connect_customer(project)
    other = world.project(world.client(), connected=False)
    world.connect_customer(other)
    world.wrapping.rotate()
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: world.services.sign_in_upkeep.run_for(READER))
    done = world.services.sign_in_upkeep.run_for(ADMIN)
    assert (done.looked_at, done.rewrapped, done.destroyed) == (2, 2, 0)
    assert world.services.sign_in_upkeep.run().rewrapped == 0
    world.wrapping.keys.remove("key-1")
    world.services.redemption.redeem(_row(world, project))
    world.services.redemption.redeem(_row(world, other))
    world.wrapping.keys[:] = ["key-9"]
    refused(ErrorCode.SECRET_UNREADABLE, lambda: world.services.redemption.redeem(_row(world, project)))
    with pytest.raises(ExceptionGroup):
        world.services.sign_in_upkeep.run()


def test_upkeep_forgets_old_sign_ins_and_keeps_connections(world: World, project: str) -> None:
    world.connect_customer(project)
    world.clock.forward(2 * 86_400)
    done = world.services.sign_in_upkeep.run()
    assert (done.looked_at, done.destroyed) == (1, 0)
    assert world.tables.page(SIGN_INS).rows == []
    world.services.redemption.redeem(_row(world, project))


def test_a_closed_project_is_not_connected(world: World, project: str) -> None:
    draft = world.draft(project)
    world.services.projects.change(ADMIN, project, ProjectPatch(status="cancelled"))
    refused(ErrorCode.PROJECT_CLOSED, lambda: world.services.sign_ins.begin(connector(project), ACCOUNT))
    refused(
        ErrorCode.PROJECT_CLOSED,
        lambda: world.services.connection_drafts.save(connector(project), draft.draft_id, "files"),
    )


def test_the_last_grants_end_is_told_while_it_lives(world: World) -> None:
    running = taken_job(world)
    running.agent.grant(running.job)
    row = _row(world, running.project_id)
    assert world.services.connections.last_grant_ends_at(row) == world.clock() + timedelta(hours=1)
    world.services.connections.disconnect(ADMIN, running.project_id)
    assert world.services.connections.last_grant_ends_at(row) is not None
    world.clock.forward(3600)
    assert world.services.connections.last_grant_ends_at(row) is None


def test_what_is_secret_is_not_in_anything_that_is_printed(world: World, project: str) -> None:
    start = world.services.sign_ins.begin(connector(project), ACCOUNT)
    world.services.sign_ins.finish(start.browser, world.identity.answer(start.url))
    row = _tokens(world, project)[0]
    stored = world.services.redemption._store.get(ORGANIZATION, project, row.rk)
    assert isinstance(stored, StoredSignIn)
    assert isinstance(world.services.redemption, Redemption)
    for shown in (repr(start), repr(stored)):
        assert start.browser not in shown
        assert rows.joined_text(row, "sealed") not in shown
