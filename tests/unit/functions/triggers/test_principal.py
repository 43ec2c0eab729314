import base64
import json

import pytest

from functions.triggers.principal import PRINCIPAL_HEADER, Trust, read_principal

TENANT = "11111111-2222-3333-4444-555555555555"
OBJECT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
APP = "99999999-8888-7777-6666-555555555555"
TRUST = Trust(platform_authentication=True, tenant_id=TENANT, audience=APP)
LONG = "http://schemas.microsoft.com/identity/claims/"


def headers(claims: object, **more: object) -> dict[str, str]:
    listed = [{"typ": typ, "val": val} for typ, val in claims] if isinstance(claims, list) else claims
    text = json.dumps({"auth_typ": "aad", "claims": listed, **more})
    return {PRINCIPAL_HEADER: base64.b64encode(text.encode()).decode()}


GOOD = [("aud", APP), ("tid", TENANT), ("oid", OBJECT), ("name", "Ann")]


def changed(**changes: str | None) -> list[tuple[str, str]]:
    return [(typ, changes.get(typ, val)) for typ, val in GOOD if changes.get(typ, val) is not None]  # type: ignore[misc]


def test_short_claim_types():
    found = read_principal(headers(GOOD), TRUST)
    assert found is not None
    assert (found.tenant_id, found.object_id, found.name) == (TENANT, OBJECT, "Ann")


def test_long_claim_types_and_upper_case():
    claims = [("aud", f"api://{APP}"), (LONG + "tenantid", TENANT.upper()), (LONG + "objectidentifier", OBJECT.upper())]
    found = read_principal(headers(claims), TRUST)
    assert found is not None
    assert (found.tenant_id, found.object_id, found.name) == (TENANT, OBJECT, OBJECT)


def test_nothing_counts_where_the_platform_does_not_authenticate():
    assert read_principal(headers(GOOD), Trust(False, TENANT, APP)) is None


@pytest.mark.parametrize(
    "claims",
    [
        changed(aud="00000000-8888-7777-6666-555555555555"),
        changed(aud=None),
        changed(tid="00000000-2222-3333-4444-555555555555"),
        changed(tid=None),
        changed(oid=None),
        changed(oid=""),
        [*GOOD, ("aud", "00000000-8888-7777-6666-555555555555")],
        [*GOOD, (LONG + "objectidentifier", "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee")],
        [],
    ],
)
def test_claims_of_another_app_or_tenant_or_nobody_are_refused(claims):
    assert read_principal(headers(claims), TRUST) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "not base64!",
        base64.b64encode(b"not json").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b'{"claims": 5}').decode(),
        base64.b64encode(b'{"claims": [5, {"typ": 1, "val": 2}, {"typ": "oid"}]}').decode(),
        base64.b64encode(b"[" * 50_000).decode(),
        "A" * 100_000,
    ],
)
def test_unreadable_principals_are_nobody(header):
    assert read_principal({PRINCIPAL_HEADER: header}, TRUST) is None


def test_an_unset_audience_trusts_nobody():
    assert read_principal(headers(changed(aud="")), Trust(True, TENANT, "")) is None
