"""What every identity service must do; over the local identity server every refusal of Entra is provoked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.adapters.entra import ConsentApp, EntraIdentity
from functions.adapters.no_identity import NoIdentity
from functions.domain.connection import Person
from functions.domain.identity_ports import BegunSignIn, IdentityService
from local.customer_cloud import ADMINISTRATOR, GUEST, OWNER
from local.entra.refusals import Refusal
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from tests.harness.customer_azure import REDIRECT, CustomerAzure
from tests.memory.identity import OWNER as MEMORY_OWNER
from tests.memory.identity import TENANT, MemoryIdentity
from tests.memory.world import refused


@dataclass
class Service:
    """A service under test: who signs in at which tenant, and how."""

    identity: IdentityService
    tenant_id: str
    owner: Person
    answer: Callable[[BegunSignIn], dict[str, str]]


@pytest.fixture(params=["memory", "entra"])
def service(request: pytest.FixtureRequest) -> Service:
    if request.param == "memory":
        memory = MemoryIdentity()
        return Service(memory, TENANT, MEMORY_OWNER, lambda begun: memory.answer(begun.url))
    azure: CustomerAzure = request.getfixturevalue("azure")
    known = azure.cloud.person(OWNER)
    owner = Person(known.object_id, known.username, known.name)
    return Service(azure.identity(), azure.cloud.tenant_id, owner, lambda begun: azure.answer(begun.url, OWNER))


@pytest.fixture
def azure(customer: CustomerAzure) -> Iterator[CustomerAzure]:
    yield customer
    customer.recover()
    customer.entra.control.withdraw_consent(customer.cloud.tenant_id)


def test_a_person_signs_in_and_each_redemption_gives_another_token(service: Service) -> None:
    begun = service.identity.begin(service.tenant_id, REDIRECT)
    assert begun.state in begun.url
    assert begun.state not in repr(begun)
    signed_in = service.identity.finish(service.tenant_id, begun.flow, service.answer(begun))
    assert signed_in.person == service.owner
    assert signed_in.refresh_token not in repr(signed_in)
    first = service.identity.redeem(service.tenant_id, signed_in.refresh_token)
    second = service.identity.redeem(service.tenant_id, first.refresh_token)
    assert len({signed_in.refresh_token, first.refresh_token, second.refresh_token}) == 3
    assert first.access_token not in repr(first)
    # The one before lives on: another instance may be about to use it.
    service.identity.redeem(service.tenant_id, signed_in.refresh_token)


def test_an_answer_of_another_sign_in_and_a_used_code_are_refused(service: Service) -> None:
    begun = service.identity.begin(service.tenant_id, REDIRECT)
    answer = service.answer(begun)
    other = service.identity.begin(service.tenant_id, REDIRECT)
    refused(ErrorCode.SIGN_IN_STATE_LOST, lambda: service.identity.finish(service.tenant_id, other.flow, answer))


def test_a_token_that_nobody_issued_needs_a_person_or_the_operator(service: Service) -> None:
    with pytest.raises(Fatal) as caught:
        service.identity.redeem(service.tenant_id, "made-up")
    assert caught.value.code in (ErrorCode.AZURE_CREDENTIALS_EXPIRED, ErrorCode.IDENTITY_MISCONFIGURED)


def test_an_administrator_approves_at_the_tenant(service: Service) -> None:
    url = service.identity.approval_url(service.tenant_id, "https://m.example/connect/approved")
    assert f"/{service.tenant_id}/" in url
    assert "adminconsent" in url


def test_where_no_sign_in_is_set_up_every_call_says_so() -> None:
    none = NoIdentity()
    for call in (
        lambda: none.begin(TENANT, REDIRECT),
        lambda: none.finish(TENANT, "{}", {}),
        lambda: none.redeem(TENANT, "x"),
        lambda: none.approval_url(TENANT, REDIRECT),
    ):
        refused(ErrorCode.CUSTOMER_SIGN_IN_MISSING, call)


def test_the_sign_in_is_by_code_with_pkce_for_storage_alone_and_comes_back_by_query(azure: CustomerAzure) -> None:
    url = urlsplit(azure.identity().begin(azure.cloud.tenant_id, REDIRECT).url)
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.path.startswith(f"/{azure.cloud.tenant_id}/")
    assert asked["code_challenge_method"] == "S256"
    assert (asked["response_type"], asked["response_mode"]) == ("code", "query")
    assert "https://storage.azure.com/user_impersonation" in asked["scope"].split()
    assert "offline_access" in asked["scope"].split()


def test_a_guest_signs_in_at_the_accounts_tenant(azure: CustomerAzure) -> None:
    identity = azure.identity()
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    signed_in = identity.finish(azure.cloud.tenant_id, begun.flow, azure.answer(begun.url, GUEST))
    assert signed_in.person.object_id == azure.cloud.object_ids[GUEST]


RECONNECT = ErrorCode.AZURE_CREDENTIALS_EXPIRED
OPERATOR = ErrorCode.IDENTITY_MISCONFIGURED
LATER = ErrorCode.IDENTITY_UNAVAILABLE


@pytest.mark.parametrize(
    ("refusal", "code", "said"),
    [
        (Refusal.INACTIVE, RECONNECT, "AADSTS700082"),
        (Refusal.EXPIRED, RECONNECT, "AADSTS70008"),
        (Refusal.REVOKED, RECONNECT, "AADSTS50173"),
        (Refusal.SIGN_IN_FREQUENCY, RECONNECT, "AADSTS70043"),
        (Refusal.CONSENT_MISSING, RECONNECT, "AADSTS65001"),
        (Refusal.CONSENT_REQUIRED, RECONNECT, "AADSTS65001"),
        (Refusal.MFA_REQUIRED, RECONNECT, "AADSTS50076"),
        (Refusal.USER_DISABLED, RECONNECT, "AADSTS50057"),
        (Refusal.BLOCKED, RECONNECT, "AADSTS53003"),
        (Refusal.WRONG_SECRET, OPERATOR, "AADSTS7000215"),
        (Refusal.SECRET_EXPIRED, OPERATOR, "AADSTS7000222"),
        (Refusal.UNKNOWN_APPLICATION, OPERATOR, "AADSTS700016"),
        (Refusal.UNKNOWN, OPERATOR, "AADSTS999999"),
        (Refusal.MALFORMED, OPERATOR, "AADSTS9002313"),
        (Refusal.WRONG_SCOPE, OPERATOR, "AADSTS70011"),
        (Refusal.THROTTLED, LATER, ""),
        (Refusal.UNAVAILABLE, LATER, ""),
        (Refusal.BAD_GATEWAY, LATER, ""),
    ],
)
def test_every_refusal_of_a_redemption_is_somebodys_turn(
    azure: CustomerAzure, refusal: Refusal, code: ErrorCode, said: str
) -> None:
    token = azure.refresh_token(OWNER)
    identity = azure.identity()
    azure.entra.control.refuse(refusal, grant="refresh_token")
    fault = refused(code, lambda: identity.redeem(azure.cloud.tenant_id, token))
    assert isinstance(fault, Retryable) is (code is LATER)
    assert said in fault.detail
    assert "Trace ID" not in fault.detail
    assert token not in fault.detail
    azure.entra.control.recover()
    assert identity.redeem(azure.cloud.tenant_id, token).access_token, "no fault is kept"


def test_a_server_that_is_gone_is_nobodys_fault(azure: CustomerAzure) -> None:
    gone = ConsentApp(azure.cloud.client_id, "x", "https://127.0.0.1:9", str(azure.ca_file))
    fault = refused(LATER, lambda: EntraIdentity(gone).redeem(azure.cloud.tenant_id, "x"))
    assert isinstance(fault, Retryable)
    refused(LATER, lambda: EntraIdentity(gone).begin(azure.cloud.tenant_id, REDIRECT))


def test_one_persons_fault_at_the_sign_in_is_nobody_elses(azure: CustomerAzure) -> None:
    identity = azure.identity()
    azure.entra.control.refuse(Refusal.UNAVAILABLE, grant="authorization_code", times=1)
    first, second = (identity.begin(azure.cloud.tenant_id, REDIRECT) for _ in range(2))
    answers = [azure.answer(begun.url, OWNER) for begun in (first, second)]
    refused(LATER, lambda: identity.finish(azure.cloud.tenant_id, first.flow, answers[0]))
    assert identity.finish(azure.cloud.tenant_id, second.flow, answers[1]).refresh_token


def test_a_secret_of_ours_that_is_wrong_is_the_operators_turn_at_the_sign_in_too(azure: CustomerAzure) -> None:
    identity = azure.identity(secret="wrong")
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    answer = azure.answer(begun.url, OWNER)
    refused(OPERATOR, lambda: identity.finish(azure.cloud.tenant_id, begun.flow, answer))


@pytest.mark.parametrize(
    ("prepare", "kind", "answer", "code"),
    [
        (None, OWNER, "cancel", ErrorCode.AZURE_CONSENT_DENIED),
        ("approval", OWNER, "accept", ErrorCode.AZURE_APPROVAL_NEEDED),
        ("approval", ADMINISTRATOR, "cancel", ErrorCode.AZURE_CONSENT_DENIED),
    ],
)
def test_what_the_person_or_the_tenant_declines_has_its_own_code(
    azure: CustomerAzure, prepare: str | None, kind: str, answer: str, code: ErrorCode
) -> None:
    if prepare == "approval":
        azure.entra.control.allow_user_consent(azure.cloud.tenant_id, False)
    identity = azure.identity()
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    came_back = azure.answer(begun.url, kind, answer=answer)
    refused(code, lambda: identity.finish(azure.cloud.tenant_id, begun.flow, came_back))


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.CODE_USED, ErrorCode.SIGN_IN_STATE_LOST),
        (Refusal.CODE_EXPIRED, ErrorCode.SIGN_IN_EXPIRED),
        (Refusal.WRONG_VERIFIER, ErrorCode.SIGN_IN_REFUSED),
        (Refusal.NOT_IN_TENANT, ErrorCode.AZURE_WRONG_TENANT),
        (Refusal.USER_DISABLED, ErrorCode.SIGN_IN_REFUSED),
        (Refusal.BLOCKED, ErrorCode.SIGN_IN_REFUSED),
        (Refusal.MFA_REQUIRED, ErrorCode.SIGN_IN_REFUSED),
        (Refusal.SECRET_EXPIRED, OPERATOR),
        (Refusal.WRONG_REDIRECT, OPERATOR),
        (Refusal.UNAVAILABLE, LATER),
        (Refusal.THROTTLED, LATER),
    ],
)
def test_every_refusal_of_a_code_has_its_own_code(azure: CustomerAzure, refusal: Refusal, code: ErrorCode) -> None:
    identity = azure.identity()
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    answer = azure.answer(begun.url, OWNER)
    azure.entra.control.refuse(refusal, grant="authorization_code")
    refused(code, lambda: identity.finish(azure.cloud.tenant_id, begun.flow, answer))


@pytest.mark.parametrize(
    ("forgery", "code"),
    [
        ({"wrong_key": True}, ErrorCode.SIGN_IN_REFUSED),
        ({"aud": "00000000-0000-0000-0000-000000000001"}, ErrorCode.SIGN_IN_REFUSED),
        ({"exp": int(time.time()) - 3600}, ErrorCode.SIGN_IN_REFUSED),
        ({"iss": "https://login.evil.example/v2.0"}, ErrorCode.SIGN_IN_REFUSED),
        ({"tid": "00000000-0000-0000-0000-000000000001"}, ErrorCode.AZURE_WRONG_TENANT),
        ({"nonce": "another"}, ErrorCode.SIGN_IN_STATE_LOST),
    ],
)
def test_an_id_token_that_is_not_genuine_signs_nobody_in(
    azure: CustomerAzure, forgery: dict[str, object], code: ErrorCode
) -> None:
    identity = azure.identity()
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    answer = azure.answer(begun.url, OWNER)
    azure.entra.control.forge_id_tokens(**forgery)  # type: ignore[arg-type]
    refused(code, lambda: identity.finish(azure.cloud.tenant_id, begun.flow, answer))


def test_a_new_signing_key_is_asked_for(azure: CustomerAzure) -> None:
    identity = azure.identity()
    begun = identity.begin(azure.cloud.tenant_id, REDIRECT)
    identity.finish(azure.cloud.tenant_id, begun.flow, azure.answer(begun.url, OWNER))
    identity._id_tokens._asked_at -= 120  # Keys are asked for at most once a minute.
    azure.entra.control.rotate_key()
    again = identity.begin(azure.cloud.tenant_id, REDIRECT)
    identity.finish(azure.cloud.tenant_id, again.flow, azure.answer(again.url, OWNER))


def test_nothing_of_a_token_is_kept_by_msal(azure: CustomerAzure) -> None:
    token = azure.refresh_token(OWNER)
    identity = azure.identity()
    identity.redeem(azure.cloud.tenant_id, token)
    application = identity._application(azure.cloud.tenant_id)
    assert application.token_cache._cache == {}
    assert isinstance(
        refused(
            ErrorCode.AZURE_CONSENT_DENIED,
            lambda: identity.finish(azure.cloud.tenant_id, "{}", {"error": "access_denied"}),
        ),
        MigrateError,
    )
