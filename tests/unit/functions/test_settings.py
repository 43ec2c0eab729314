import base64

import pytest

from functions.adapters.mail_smtp import SmtpSecurity
from functions.domain.limits import Limits
from functions.mail_settings import MailSettings
from functions.settings import Settings, read_settings
from migrate_contract.errors import ErrorCode, Fatal

TENANT = "11111111-2222-3333-4444-55555555abcd"
OBJECT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "ONEMIGRATE_ORGANIZATION": "acme",
    "ONEMIGRATE_ORGANIZATION_NAME": "Acme Migrations",
    "ONEMIGRATE_FIRST_ADMIN": f"{TENANT}/{OBJECT}",
    "ONEMIGRATE_TENANT_ID": TENANT.upper(),
    "ONEMIGRATE_CLIENT_ID": OBJECT,
    "ONEMIGRATE_SECRET_KEY": KEY,
    "ONEMIGRATE_PUBLIC_URL": "https://api.example.com/",
    "ONEMIGRATE_SWEEP_SCHEDULE": "*/30 * * * * *",
    "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": "0 17 * * * *",
    "ONEMIGRATE_STORAGE": "DefaultEndpointsProtocol=https;AccountName=state;AccountKey=c2VjcmV0",
}


def refused(**changes: str | None) -> str:
    environment = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(Fatal) as raised:
        read_settings(environment)
    assert raised.value.code is ErrorCode.SETTINGS_INVALID
    return raised.value.detail


def test_good_settings_are_typed():
    settings = read_settings(GOOD)
    assert settings.tenant_id == TENANT
    assert settings.public_url == "https://api.example.com"
    assert settings.secret_key.get_secret_value() == bytes(range(32))
    assert settings.first_admin.object_id == OBJECT
    assert settings.limits == Limits()
    assert settings.data_storage is None
    assert not settings.platform_authentication
    assert not settings.local_stack


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        read_settings(GOOD).organization = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_setting_is_named(name):
    assert f"{name} is missing" in refused(**{name: None})


@pytest.mark.parametrize("name", list(GOOD))
def test_an_empty_setting_is_missing(name):
    assert f"{name} is missing" in refused(**{name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONEMIGRATE_ORGANIZATION", "Not An Id"),
        ("ONEMIGRATE_FIRST_ADMIN", "somebody@example.com"),
        ("ONEMIGRATE_TENANT_ID", "common"),
        ("ONEMIGRATE_SECRET_KEY", "not base64 at all"),
        ("ONEMIGRATE_SECRET_KEY", base64.b64encode(b"too short for a key").decode()),
        ("ONEMIGRATE_PUBLIC_URL", "api.example.com"),
        ("ONEMIGRATE_PUBLIC_URL", "https://user@api.example.com"),
        ("ONEMIGRATE_SUPPORT_URL", "javascript:alert(1)"),
        ("ONEMIGRATE_SUPPORT_EMAIL", "nobody"),
        ("ONEMIGRATE_LOCAL_STACK", "perhaps"),
        ("ONEMIGRATE_OFFLINE_SECONDS", "five minutes"),
        ("ONEMIGRATE_OFFLINE_SECONDS", "0"),
        ("ONEMIGRATE_OFFLINE_SECONDS", "nan"),
        ("ONEMIGRATE_CODE_TRIES", "2.5"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(name, value):
    detail = refused(**{name: value})
    assert f"{name} is wrong" in detail
    assert value not in detail or len(value) < 6


def test_every_wrong_setting_is_named_at_once():
    detail = refused(ONEMIGRATE_ORGANIZATION=None, ONEMIGRATE_LATE_SECONDS="x", ONEMIGRATE_SECRET_KEY="x")
    assert all(f"ONEMIGRATE_{name}" in detail for name in ("ORGANIZATION", "LATE_SECONDS", "SECRET_KEY"))


def test_limits_are_settings():
    limits = read_settings({**GOOD, "ONEMIGRATE_OFFLINE_SECONDS": "2.5", "ONEMIGRATE_CODE_TRIES": "3"}).limits
    assert (limits.offline_seconds, limits.code_tries) == (2.5, 3)


def test_grants_are_short_only_in_the_local_stack():
    assert "ONEMIGRATE_GRANT_SECONDS" in refused(ONEMIGRATE_GRANT_SECONDS="60")
    assert "ONEMIGRATE_GRANT_SECONDS" in refused(ONEMIGRATE_GRANT_SECONDS="7200")
    local = {**GOOD, "ONEMIGRATE_GRANT_SECONDS": "60", "ONEMIGRATE_LOCAL_STACK": "true"}
    assert read_settings(local).limits.grant_seconds == 60


def test_storage_by_identity_needs_all_three_services():
    by_identity = {name: value for name, value in GOOD.items() if name != "ONEMIGRATE_STORAGE"}
    by_identity["ONEMIGRATE_STORAGE__blobServiceUri"] = "https://state.blob.core.windows.net/"
    with pytest.raises(Fatal) as raised:
        read_settings(by_identity)
    assert "ONEMIGRATE_STORAGE__queueServiceUri is missing" in raised.value.detail
    by_identity["ONEMIGRATE_STORAGE__queueServiceUri"] = "https://state.queue.core.windows.net"
    by_identity["ONEMIGRATE_STORAGE__tableServiceUri"] = "ftp://state"
    with pytest.raises(Fatal) as raised:
        read_settings(by_identity)
    assert "ONEMIGRATE_STORAGE__tableServiceUri is wrong" in raised.value.detail
    by_identity["ONEMIGRATE_STORAGE__tableServiceUri"] = "https://state.table.core.windows.net"
    storage = read_settings(by_identity).storage
    assert storage.blob_endpoint == "https://state.blob.core.windows.net"
    assert storage.connection_string is None


def test_the_data_account_is_optional_and_may_be_reached_by_identity():
    data = {**GOOD, "ONEMIGRATE_DATA_STORAGE__blobServiceUri": "https://files.blob.core.windows.net"}
    found = read_settings(data).data_storage
    assert found is not None
    assert found.blob_endpoint == "https://files.blob.core.windows.net"


def test_the_platform_says_that_authentication_is_on():
    assert read_settings({**GOOD, "WEBSITE_AUTH_ENABLED": "True"}).platform_authentication
    assert not read_settings({**GOOD, "WEBSITE_AUTH_ENABLED": "False"}).platform_authentication


def test_an_app_setting_that_hides_the_platforms_word_is_refused():
    detail = refused(WEBSITE_AUTH_ENABLED="true", APPSETTING_WEBSITE_AUTH_ENABLED="true")
    assert "WEBSITE_AUTH_ENABLED" in detail


def test_secrets_are_not_shown():
    settings: Settings = read_settings(GOOD)
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert "c2VjcmV0" not in shown
    assert KEY not in shown
    assert repr(bytes(range(32))) not in shown


def test_support_is_a_sentence_part():
    assert read_settings(GOOD).support is None
    both = {**GOOD, "ONEMIGRATE_SUPPORT_URL": "https://help.example.com", "ONEMIGRATE_SUPPORT_EMAIL": "h@example.com"}
    assert read_settings(both).support == "https://help.example.com or h@example.com"


ACS = {
    "ONEMIGRATE_MAIL_ENDPOINT": "https://acme.europe.communication.azure.com/",
    "ONEMIGRATE_MAIL_SENDER": "no@acme.example",
}
SMTP = {"ONEMIGRATE_SMTP_HOST": "mail.acme.example", "ONEMIGRATE_MAIL_SENDER": "no@acme.example"}


def test_mail_is_optional_and_goes_one_way():
    assert read_settings(GOOD).mail == MailSettings()
    acs = read_settings({**GOOD, **ACS, "ONEMIGRATE_MAIL_KEY": "a2V5"}).mail
    assert acs.acs is not None
    assert acs.acs.key is not None
    assert "a2V5" not in repr(acs)
    smtp = read_settings({**GOOD, **SMTP, "ONEMIGRATE_SMTP_PORT": "465", "ONEMIGRATE_SMTP_SECURITY": "tls"}).mail.smtp
    assert smtp is not None
    assert (smtp.port, smtp.security) == (465, SmtpSecurity.TLS)
    limits = read_settings({**GOOD, "ONEMIGRATE_MAIL_PER_MINUTE": "5", "ONEMIGRATE_MAIL_PER_HOUR": "10"}).limits
    assert (limits.mail_per_minute, limits.mail_per_hour) == (5, 10)
    operators = {"ONEMIGRATE_OPERATOR_MAIL": "a@acme.example, b@acme.example,"}
    assert read_settings({**GOOD, **operators}).mail.operators == ("a@acme.example", "b@acme.example")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({**ACS, "ONEMIGRATE_MAIL_SENDER": None}, "ONEMIGRATE_MAIL_SENDER is missing"),
        ({**ACS, **SMTP}, "not both"),
        ({**ACS, "ONEMIGRATE_MAIL_ENDPOINT": "http://acme.example"}, "ONEMIGRATE_MAIL_ENDPOINT is wrong"),
        ({**ACS, "ONEMIGRATE_MAIL_SENDER": "nobody"}, "ONEMIGRATE_MAIL_SENDER is wrong"),
        ({**SMTP, "ONEMIGRATE_SMTP_SECURITY": "none"}, "none is for loopback only"),
        ({**SMTP, "ONEMIGRATE_SMTP_SECURITY": "ssl"}, "ONEMIGRATE_SMTP_SECURITY is wrong"),
        ({**SMTP, "ONEMIGRATE_SMTP_PORT": "x"}, "ONEMIGRATE_SMTP_PORT is wrong"),
        ({"ONEMIGRATE_OPERATOR_MAIL": "a@acme.example;b@acme.example"}, "ONEMIGRATE_OPERATOR_MAIL is wrong"),
    ],
)
def test_wrong_mail_settings_are_named(changes, said):
    assert said in refused(**changes)
