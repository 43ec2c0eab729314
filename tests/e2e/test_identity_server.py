"""The local identity server behaves like Entra: driven by MSAL, as the product drives it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
import requests

from local.certificates import Certificates
from local.customer_cloud import ADMINISTRATOR, GUEST, OWNER, STRANGER, CustomerCloud, new_customer_cloud
from local.entra.browser import Browser, SignInStuck
from local.entra.process import Entra
from local.entra.refusals import ANSWERS, Refusal
from local.ports import free_ports
from tests.harness.sign_in import SCOPE, MsalApplication, facts_of

DAY = 86400


@pytest.fixture(scope="module")
def cloud() -> CustomerCloud:
    return new_customer_cloud()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, cloud: CustomerCloud
) -> Iterator[Entra]:
    port, control = free_ports(2)
    folder = tmp_path_factory.mktemp("entra")
    entra = Entra(folder, certificates.ca_file.parent, cloud.directory((MsalApplication.REDIRECT,)), (port, control))
    entra.start()
    yield entra
    entra.stop()


@pytest.fixture
def entra(server: Entra, cloud: CustomerCloud) -> Iterator[Entra]:
    yield server
    server.control.recover()
    server.control.move_clock(0)
    server.control.allow_user_consent(cloud.tenant_id)
    server.control.withdraw_consent(cloud.tenant_id)


@pytest.fixture
def application(entra: Entra, cloud: CustomerCloud, certificates: Certificates) -> MsalApplication:
    return MsalApplication(entra, cloud, certificates)


def code_of(result: dict[str, Any]) -> int:
    return int(result["error_codes"][0])


def test_a_person_signs_in_and_tokens_are_rotated(application: MsalApplication, entra: Entra, cloud: CustomerCloud):
    signed_in = application.sign_in(cloud.person(OWNER))
    claims = signed_in["id_token_claims"]
    assert (claims["tid"], claims["oid"]) == (cloud.tenant_id, cloud.object_ids[OWNER])
    assert claims["iss"] == f"{entra.authority}/{cloud.tenant_id}/v2.0"
    again = application.redeem(signed_in["refresh_token"])
    assert again["refresh_token"] not in ("", signed_in["refresh_token"])
    access = jwt.decode(again["access_token"], options={"verify_signature": False})
    assert access["aud"] == "https://storage.azure.com"
    assert access["iss"] == f"https://sts.windows.net/{cloud.tenant_id}/"
    assert access["scp"] == "user_impersonation"
    assert "access_token" in application.redeem(signed_in["refresh_token"]), "the one before is not ended"
    issued = entra.control.issued()
    assert {again["refresh_token"], again["access_token"], signed_in["id_token"]} <= set(issued)
    assert not any(secret in str(entra.control.log()) for secret in issued)


def test_a_guest_signs_in_where_invited_and_a_stranger_does_not(application: MsalApplication, cloud: CustomerCloud):
    claims = application.sign_in(cloud.person(GUEST))["id_token_claims"]
    assert (claims["tid"], claims["oid"]) == (cloud.tenant_id, cloud.object_ids[GUEST])
    with pytest.raises(SignInStuck, match="AADSTS50020"):
        application.answer_of(application.start(), cloud.person(STRANGER))


def test_a_code_works_once_and_only_with_its_verifier(application: MsalApplication, cloud: CustomerCloud):
    flow = application.start()
    answer = application.answer_of(flow, cloud.person(OWNER))
    assert "access_token" in application.finish(flow, answer)
    other = application.start()
    stolen = application.answer_of(other, cloud.person(OWNER))
    assert code_of(application.finish({**other, "code_verifier": "x" * 43}, stolen)) == 501481
    assert code_of(application.finish({**flow, "code_verifier": "y" * 43}, answer)) == 54005


def test_consent_can_be_declined_and_withdrawn(application: MsalApplication, entra: Entra, cloud: CustomerCloud):
    declined = application.answer_of(application.start(), cloud.person(OWNER), answer="cancel")
    assert declined["error"] == "access_denied"
    assert declined["error_description"].startswith("AADSTS65004")
    token = application.sign_in(cloud.person(OWNER))["refresh_token"]
    entra.control.withdraw_consent(cloud.tenant_id, cloud.object_ids[OWNER])
    refused = application.redeem(token)
    assert (refused["error"], code_of(refused)) == ("invalid_grant", 65001)


def test_an_administrator_approves_for_everybody(
    application: MsalApplication, entra: Entra, cloud: CustomerCloud, certificates: Certificates
):
    entra.control.allow_user_consent(cloud.tenant_id, allowed=False)
    refused = application.answer_of(application.start(), cloud.person(OWNER))
    assert refused["error_description"].startswith("AADSTS90094")
    address = f"{entra.authority}/{cloud.tenant_id}/v2.0/adminconsent"
    query = f"?client_id={cloud.client_id}&redirect_uri={MsalApplication.REDIRECT}&state=s&scope={SCOPE}"
    with Browser(certificates.ca_file, entra.authority) as browser:
        page = browser.get(address + query)
        assert "Need admin approval" in browser.post(str(page.url), {"person": cloud.object_ids[OWNER]}).text
        with pytest.raises(httpx.ConnectError) as back:
            browser.sign_in(page, cloud.person(ADMINISTRATOR))
    came = facts_of(back.value)
    assert (came["admin_consent"], came["tenant"], came["state"]) == ("True", cloud.tenant_id, "s")
    assert "access_token" in application.sign_in(cloud.person(OWNER))


def test_revoked_disabled_and_inactive(application: MsalApplication, entra: Entra, cloud: CustomerCloud):
    owner = cloud.person(OWNER)
    token = application.sign_in(owner)["refresh_token"]
    entra.control.disable(owner.object_id)
    assert code_of(application.redeem(token)) == 50057
    entra.control.disable(owner.object_id, disabled=False)
    entra.control.move_clock(89 * DAY)
    kept = application.redeem(token)["refresh_token"]
    entra.control.move_clock(91 * DAY)
    assert code_of(application.redeem(token)) == 700082
    assert "access_token" in application.redeem(kept), "each redemption lives for 90 days of its own"
    entra.control.revoke(owner.object_id)
    assert code_of(application.redeem(kept)) == 50173


@pytest.mark.parametrize(
    "refusal",
    [each for each in Refusal if ANSWERS[each].status in (400, 401) and ANSWERS[each].error != "access_denied"],
)
def test_each_refusal_on_request(application: MsalApplication, entra: Entra, cloud: CustomerCloud, refusal: Refusal):
    owner = cloud.person(OWNER)
    token = application.sign_in(owner)["refresh_token"]
    entra.control.refuse(refusal, person=owner.object_id, grant="refresh_token", times=1)
    refused = application.redeem(token)
    assert (refused["error"], code_of(refused)) == (ANSWERS[refusal].error, ANSWERS[refusal].code)
    assert refused["error_description"].startswith(f"AADSTS{ANSWERS[refusal].code}: ")
    assert "access_token" in application.redeem(token)


def test_a_wrong_and_an_expired_secret(
    application: MsalApplication, entra: Entra, cloud: CustomerCloud, certificates: Certificates
):
    token = application.sign_in(cloud.person(OWNER))["refresh_token"]
    entra.control.expire_secret()
    refused = application.redeem(token)
    assert (refused["error"], code_of(refused)) == ("invalid_client", 7000222)
    wrong = MsalApplication(entra, CustomerCloud(**{**vars(cloud), "client_secret": "wrong"}), certificates)
    assert code_of(wrong.redeem(token)) == 7000215


def test_what_passes(application: MsalApplication, entra: Entra, cloud: CustomerCloud, certificates: Certificates):
    token = application.sign_in(cloud.person(OWNER))["refresh_token"]
    entra.control.refuse(Refusal.THROTTLED, times=1)
    session = requests.Session()
    session.trust_env = False
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": SCOPE}
    form |= {"client_id": cloud.client_id, "client_secret": cloud.client_secret}
    address = f"{entra.authority}/{cloud.tenant_id}/oauth2/v2.0/token"
    trust = str(certificates.ca_file)
    throttled = session.post(address, data=form, verify=trust, timeout=10)
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "3")
    for refusal, status in ((Refusal.UNAVAILABLE, 503), (Refusal.BAD_GATEWAY, 502)):
        entra.control.refuse(refusal, times=1)
        assert session.post(address, data=form, verify=trust, timeout=10).status_code == status
    entra.control.outage()
    with pytest.raises(requests.ConnectionError):
        requests.Session().post(address, data=form, verify=trust, timeout=10)
    entra.control.outage(False)
    assert session.post(address, data=form, verify=trust, timeout=10).status_code == 200


def test_an_id_token_can_be_forged_and_keys_rotate(application: MsalApplication, entra: Entra, cloud: CustomerCloud):
    entra.control.forge_id_tokens(wrong_key=True, tid="another")
    forged = application.sign_in(cloud.person(OWNER))["id_token"]
    assert jwt.decode(forged, options={"verify_signature": False})["tid"] == "another"
    entra.control.recover()
    before = {header["kid"] for header in entra.control.call("GET", "/keys")}
    entra.control.rotate_key()
    published = entra.control.call("GET", "/keys")
    assert before < {key["kid"] for key in published}
    true = application.sign_in(cloud.person(OWNER))["id_token"]
    kid = jwt.get_unverified_header(true)["kid"]
    key = jwt.PyJWK(next(entry for entry in published if entry["kid"] == kid))
    assert jwt.decode(true, key, ["RS256"], audience=cloud.client_id)["oid"] == cloud.object_ids[OWNER]


def test_consents_and_keys_outlive_a_restart(application: MsalApplication, entra: Entra, cloud: CustomerCloud):
    token = application.sign_in(cloud.person(OWNER))["refresh_token"]
    entra.stop()
    entra.start()
    assert "access_token" in application.redeem(token)
