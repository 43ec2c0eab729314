from __future__ import annotations

import json
from typing import Annotated, Literal

import pytest
import structlog
from pydantic import Field

from functions.domain.caller import Role
from functions.domain.views import ListQuery
from functions.triggers.edge import Routes, respond
from functions.triggers.edge_answer import Answer, download
from functions.triggers.edge_call import AgentCall, OpenCall, OperatorCall
from functions.triggers.edge_endpoint import Audience, declared
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, Retryable
from migrate_contract.wire import INTEGRAL, MAX_PROGRESS_BODY_BYTES, ClientId, Name, WireModel
from tests.unit.functions.triggers.support import (
    ADMIN,
    AGENT_KEY,
    OPERATOR,
    READER,
    SITE,
    STRANGER,
    fake_services,
    principal_header,
    problem,
    request,
)

SECRET = "hunter2-hunter2"


class Thing(WireModel):
    name: Name
    size: int = Field(default=1, ge=0)
    ratio: float = 0.0
    lanes: Annotated[int, Field(ge=1), INTEGRAL] | Literal["auto"] = "auto"


class Nothing(WireModel):
    pass


class Failing:
    """What a service would raise."""

    fault: Exception | None = None


class ThingQuery(ListQuery):
    tags: list[str] = Field(default_factory=list)


things = Routes("things")


@things.operator("GET", "api/things", role=Role.READER)
def things_list(call: OperatorCall, query: ThingQuery) -> Thing:
    """Lists."""
    return Thing(name=f"{call.caller.object_id[-1]}-{query.limit}-{query.continuation}-{','.join(query.tags)}")


@things.operator("POST", "api/things", role=Role.OPERATOR, status=201)
def things_create(call: OperatorCall, body: Thing) -> Thing:
    """Creates."""
    return body


@things.operator("DELETE", "api/things/{client_id}", role=Role.ADMIN)
def things_delete(call: OperatorCall, client_id: ClientId) -> None:
    """Deletes."""
    assert client_id == "cli_000000000000"


@things.operator("GET", "api/things/{client_id}/file", role=Role.READER, produces="text/csv")
def things_file(call: OperatorCall, client_id: ClientId) -> Answer:
    """Downloads."""
    return download(b"a,b\n", "text/csv", "files.csv")


@things.open("POST", "api/open", refusals=(ErrorCode.REGISTRATION_THROTTLED, ErrorCode.NO_AZURE_CONNECTION))
def things_open(call: OpenCall, body: Nothing) -> Thing:
    """Anybody."""
    if Failing.fault:
        raise Failing.fault
    return Thing(name=call.address)


@things.agent("POST", "api/agent/things")
def things_agent(call: AgentCall, body: Thing) -> Thing:
    """An agent's."""
    return body


@things.agent("POST", "api/agent/beat", session=False)
def things_beat(call: AgentCall, body: Nothing) -> Thing:
    """An agent's heartbeat."""
    return Thing(name=call.agent.agent_id)


ENDPOINTS = {endpoint.name: endpoint for endpoint in things.endpoints}


def ask(name, services=None, **request_parts):
    endpoint = ENDPOINTS[name]
    sent = request(endpoint.method, **request_parts)
    return respond(endpoint, sent, lambda: services or fake_services())


def refused(name, **request_parts):
    return problem(ask(name, **request_parts))


@pytest.fixture
def failing():
    yield Failing
    Failing.fault = None


def test_an_answer_is_json_with_the_headers_of_every_answer():
    response = ask("things_create", person=OPERATOR, body={"name": "  new ", "unknown": 1})
    assert response.status_code == 201
    assert json.loads(response.get_body()) == {"name": "new", "size": 1, "ratio": 0.0, "lanes": "auto"}
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_no_hsts_without_tls():
    endpoint = ENDPOINTS["things_list"]
    sent = request(person=READER)
    plain = type(sent)(
        method="GET", url="http://127.0.0.1:7071/api/things", headers=dict(sent.headers), params={}, body=b""
    )
    assert "Strict-Transport-Security" not in respond(endpoint, plain, fake_services).headers


def test_nothing_to_say_is_an_empty_answer():
    response = ask("things_delete", person=ADMIN, params={"client_id": "cli_000000000000"})
    assert (response.status_code, response.get_body()) == (204, b"")


def test_a_download_keeps_its_content_type():
    response = ask("things_file", person=READER, params={"client_id": "cli_000000000000"})
    assert response.headers["Content-Type"] == "text/csv"
    assert response.headers["Content-Disposition"] == 'attachment; filename="files.csv"'


@pytest.mark.parametrize("given", ["abcdefgh", "0-Z_" * 16])
def test_a_callers_correlation_id_is_kept(given):
    assert ask("things_list", headers={"X-Correlation-Id": given}).headers["X-Correlation-Id"] == given


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "abcdefgh\n{}", "abcdefghü", "abc defgh"])
def test_another_correlation_id_is_replaced(given):
    made = ask("things_list", headers={"X-Correlation-Id": given}).headers["X-Correlation-Id"]
    assert made != given
    assert len(made) == 24


# --- who calls --------------------------------------------------------------------------------------


def test_nobody_is_refused():
    assert refused("things_list")["code"] == "sign-in-required"


def test_a_principal_is_ignored_where_the_platform_does_not_authenticate():
    services = fake_services(environment={"WEBSITE_AUTH_ENABLED": ""})
    assert problem(ask("things_list", services, person=ADMIN))["code"] == "sign-in-required"


def test_a_principal_of_another_app_is_nobody():
    headers = principal_header(ADMIN, aud="00000000-8888-7777-6666-555555555555")
    assert refused("things_list", headers=headers)["code"] == "sign-in-required"


def test_a_stranger_is_no_member():
    assert refused("things_list", person=STRANGER)["code"] == "not-a-member"


@pytest.mark.parametrize(
    ("person", "statuses"), [(READER, (200, 403, 403)), (OPERATOR, (200, 201, 403)), (ADMIN, (200, 201, 204))]
)
def test_roles(person, statuses):
    found = (
        ask("things_list", person=person).status_code,
        ask("things_create", person=person, body={"name": "x"}).status_code,
        ask("things_delete", person=person, params={"client_id": "cli_000000000000"}).status_code,
    )
    assert found == statuses


def test_a_role_is_checked_before_the_body_is_read():
    assert refused("things_create", person=READER, body=b"{")["code"] == "role-insufficient"


def test_an_agent_shows_key_and_session():
    services = fake_services()
    headers = {"X-Agent-Key": AGENT_KEY, "X-Agent-Session": "7"}
    assert ask("things_agent", services, body={"name": "x"}, headers=headers).status_code == 200
    assert services.enrolment.sessions == [("7", True)]  # type: ignore[attr-defined]


def test_a_heartbeat_needs_no_session():
    services = fake_services()
    assert ask("things_beat", services, body={}, headers={"X-Agent-Key": AGENT_KEY}).status_code == 200
    assert services.enrolment.sessions == [(None, False)]  # type: ignore[attr-defined]


def test_a_call_without_a_key():
    assert refused("things_agent", body={"name": "x"})["code"] == "agent-key-missing"


def test_an_operator_is_no_agent():
    assert refused("things_agent", person=ADMIN, body={"name": "x"})["code"] == "agent-key-missing"


def test_an_agent_is_no_operator():
    assert refused("things_list", headers={"X-Agent-Key": AGENT_KEY})["code"] == "sign-in-required"


def test_a_call_that_is_open_knows_the_address():
    response = ask("things_open", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7:5"})
    assert json.loads(response.get_body())["name"] == "203.0.113.7"


# --- what is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b'{"name": "x"} trailing',
        b"\xff\xfe{}",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_object_is_malformed(body):
    headers = {"Content-Type": "application/json"}
    assert refused("things_create", person=OPERATOR, body=body, headers=headers)["code"] == "request-malformed"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"])
def test_a_body_of_another_content_type_is_malformed(kind):
    sent = {"person": OPERATOR, "body": b'{"name": "x"}', "headers": {"Content-Type": kind}}
    assert refused("things_create", **sent)["code"] == "request-malformed"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_utf_8_may_be_said(kind):
    sent = {"person": OPERATOR, "body": b'{"name": "x"}', "headers": {"Content-Type": kind}}
    assert ask("things_create", **sent).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "size": "1"}, "size"),
        ({"name": "x", "size": -1}, "size"),
        ({"name": "x", "size": 1.5}, "size"),
        ({"name": "x", "size": True}, "size"),
        ({"name": "x", "size": None}, "size"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "report\u202egnp.exe"}, "name"),
        ({"name": "a\u0085b"}, "name"),
        ({"name": "a\u2028b"}, "name"),
        ({"name": "x", "lanes": 0}, "lanes"),
        ({"name": "x", "lanes": "many"}, "lanes"),
    ],
)
def test_wrong_values_name_their_field(body, field):
    found = refused("things_create", person=OPERATOR, body=body)
    assert found["code"] == "request-invalid"
    assert {error["field"] for error in found["errors"]} == {field}
    assert found["detail"] == f"Wrong: {field}"


@pytest.mark.parametrize("name", ["Ünïcødé 😀", "👩\u200d💻", "نام\u200cه", "<script>"])
def test_names_of_every_script_are_names(name):
    assert ask("things_create", person=OPERATOR, body={"name": name}).status_code == 201


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_are_finite(number):
    headers = {"Content-Type": "application/json"}
    body = b'{"name": "x", "ratio": ' + number + b"}"
    response = ask("things_create", person=OPERATOR, body=body, headers=headers)
    assert response.status_code == 400


def test_a_refused_value_is_not_repeated():
    response = ask("things_create", person=OPERATOR, body={"name": "x", "size": SECRET})
    assert SECRET not in response.get_body().decode()


def test_a_body_of_optional_fields_may_be_missing():
    assert ask("things_open").status_code == 200


def test_a_large_body_is_refused_before_anything_else():
    body = b" " * (MAX_PROGRESS_BODY_BYTES + 1)
    found = refused("things_create", body=body)
    assert found["code"] == "body-too-large"
    assert str(MAX_PROGRESS_BODY_BYTES) in found["detail"]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("", "c-50-None-"),
        ("?limit=200", "c-200-None-"),
        ("?limit=1&continuation=a%20b&unknown=1&tags=x&tags=y", "c-1-a b-x,y"),
    ],
)
def test_query_parameters(query, answer):
    response = ask("things_list", person=READER, path="/api/things" + query)
    assert json.loads(response.get_body())["name"] == answer


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?continuation=", "continuation"),
    ],
)
def test_wrong_query_parameters_are_named(query, field):
    found = refused("things_list", person=READER, path="/api/things" + query)
    assert found["code"] == "request-invalid"
    assert [error["field"] for error in found["errors"]] == [field]


def test_a_query_that_is_not_utf_8_is_malformed():
    assert refused("things_list", person=READER, path="/api/things?limit=%ff")["code"] == "request-malformed"


@pytest.mark.parametrize("client_id", ["", "cli_1", "prj_000000000000", "cli_000000000000/..", "cli_00000000000O"])
def test_a_path_that_is_no_id_is_not_found(client_id):
    assert refused("things_delete", person=ADMIN, params={"client_id": client_id})["code"] == "not-found"


# --- other sites ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "https://migrate.example.com.evil.com"},
        {"Origin": "https://migrate.example.com:444"},
        {"Origin": "https://[bad"},
        {"Origin": SITE, "Sec-Fetch-Site": "cross-site"},
        {"Cookie": "AppServiceAuthSession=x"},
    ],
)
@pytest.mark.parametrize("name", ["things_create", "things_delete"])
def test_another_sites_page_changes_nothing(name, headers):
    parts = {"person": ADMIN, "body": {"name": "x"}, "params": {"client_id": "cli_000000000000"}}
    assert refused(name, headers=headers, **parts)["code"] == "csrf-refused"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": SITE, "Cookie": "x=y"},
        {"Sec-Fetch-Site": "same-origin", "Cookie": "x=y"},
        {"Origin": SITE, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_pages_and_scripts_change_things(headers):
    assert ask("things_create", person=OPERATOR, body={"name": "x"}, headers=headers).status_code == 201


def test_looking_is_allowed_from_anywhere():
    assert ask("things_list", person=READER, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# --- failures ---------------------------------------------------------------------------------------


def test_an_unforeseen_exception_says_nothing_of_itself(failing):
    failing.fault = ValueError(SECRET)
    with structlog.testing.capture_logs() as lines:
        response = ask("things_open")
    (line,) = lines
    assert (line["event"], line["log_level"], line["exc_info"]) == ("unforeseen", "error", failing.fault)
    found = problem(response)
    assert found["code"] == "internal-error"
    assert SECRET not in response.get_body().decode()
    assert found["correlation_id"] in found["detail"]


def test_a_refusal_that_was_not_declared_is_noticed(failing):
    failing.fault = Fatal(ErrorCode.JOB_STARTED)
    with structlog.testing.capture_logs() as lines:
        assert problem(ask("things_open"))["code"] == "job-started"
    assert [line["event"] for line in lines] == ["undeclared refusal", "refused"]


def test_a_refusal_says_when_to_come_back(failing):
    failing.fault = Retryable(ErrorCode.REGISTRATION_THROTTLED, "wait", retry_after_seconds=12.1)
    response = ask("things_open")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "13")
    assert problem(response)["retry_after_seconds"] == 13


def test_every_problem_names_support(failing):
    failing.fault = Fatal(ErrorCode.NO_AZURE_CONNECTION)
    assert problem(ask("things_open"))["support"] == "https://support.example.com"


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_reaches_http_with_its_words(failing, code):
    failing.fault = Fatal(code, "which one")
    found = problem(ask("things_open"))
    entry = CATALOGUE[code]
    assert (found["code"], found["title"], found["fix"]) == (code.value, entry.title, entry.fix)
    assert (found["status"], found["retryable"], found["detail"]) == (entry.status, entry.retryable, "which one")
    assert found["type"] == f"/help/{code.value}"


def test_settings_that_cannot_be_read_are_a_problem():
    def broken():
        raise Fatal(ErrorCode.SETTINGS_INVALID, "ONEMIGRATE_ORGANIZATION is missing")

    found = problem(respond(ENDPOINTS["things_open"], request("POST"), broken))
    assert found["code"] == "settings-invalid"
    assert "ONEMIGRATE_ORGANIZATION" in found["detail"]


# --- declarations -----------------------------------------------------------------------------------


def test_a_declaration_says_what_it_may_refuse():
    create, delete, agent = (ENDPOINTS[name] for name in ("things_create", "things_delete", "things_agent"))
    assert {ErrorCode.ROLE_INSUFFICIENT, ErrorCode.REQUEST_INVALID, ErrorCode.BODY_TOO_LARGE} <= create.codes
    assert ErrorCode.NOT_FOUND in delete.codes
    assert agent.audience is Audience.AGENT
    assert {ErrorCode.AGENT_CLONED, ErrorCode.SESSION_SUPERSEDED} <= agent.codes
    assert ErrorCode.ROLE_INSUFFICIENT not in ENDPOINTS["things_list"].codes


def test_parameters_must_be_the_routes():
    def wrong(call: OperatorCall, other_id: ClientId) -> None: ...

    with pytest.raises(TypeError, match="other_id"):
        declared(wrong, "api/things/{client_id}")
