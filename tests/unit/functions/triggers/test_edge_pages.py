from __future__ import annotations

from datetime import timedelta
from html import escape

import azure.functions as func
import pytest
from pydantic import BaseModel, Field

from functions.dashboard.frame import Frame
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer, see_other
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.edge_csrf import FormTokens
from functions.triggers.edge_pages import HOME_ROUTE, PageRoutes, RefusedForm
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.problem import Problem
from migrate_contract.wire import MAX_PROGRESS_BODY_BYTES, ClientId
from tests.unit.functions.triggers.support import (
    ADMIN,
    NOW,
    OPERATOR,
    READER,
    SITE,
    fake_services,
    request,
)


class ThingForm(BaseModel):
    name: str = Field(min_length=1, max_length=10)
    size: int = 1
    tags: list[str] = Field(default_factory=list)
    hold: bool = False


def draw_problem(frame: Frame, problem: Problem) -> str:
    return f"<p>{problem.code}|{escape(problem.fix)}|{problem.correlation_id}|{frame.sign_in_url}|{frame.fragment}</p>"


def draw_again(call: PageCall, refused: RefusedForm) -> str:
    return f"<form>{escape(refused.values['name'][0])}|{sorted(refused.errors)}|{refused.problem.code}</form>"


pages = PageRoutes("things", problem_page=draw_problem, services=fake_services)


@pages.page("/")
def page_home(call: PageCall) -> Answer:
    return call.html(f"{call.frame.organization_name}|{call.frame.csrf_token}|{call.frame.path}")


@pages.page("things/{client_id}")
def page_thing(call: PageCall, client_id: ClientId) -> Answer:
    return call.html(f"<p>{client_id}|{call.caller.role}</p>")


@pages.form("things", again=draw_again)
def page_things_create(call: PageCall, form: ThingForm) -> Answer:
    if form.name == "taken":
        raise Fatal(ErrorCode.DESTINATION_OVERLAP)
    if form.name == "broken":
        raise ValueError("broken")
    return call.see_other(f"/things/{form.name}-{form.size}-{'+'.join(form.tags)}-{form.hold}")


@pages.form("things/{client_id}/close", role=Role.ADMIN)
def page_things_close(call: PageCall, client_id: ClientId) -> Answer:
    return call.see_other("/things")


@pages.open_page("help")
def page_help(call: OpenPageCall) -> Answer:
    return call.html(f"help {call.frame.caller}")


@pages.open_form("links/{client_id}", again=lambda call, refused, client_id: f"again {refused.problem.code}")
def page_link(call: OpenPageCall, client_id: ClientId, form: ThingForm) -> Answer:
    if form.name == "taken":
        raise Fatal(ErrorCode.DESTINATION_OVERLAP)
    return call.html(f"{form.name}|{call.frame.caller}|{sorted(call.cookies.items())}")


app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(pages.blueprint)
HANDLERS = {function.get_function_name(): function for function in app.get_functions()}
ID = "cli_000000000000"


def ask(name, method="GET", path="/things", **parts):
    return HANDLERS[name].get_user_function()(request(method, path, **parts))


def text(response) -> str:
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return response.get_body().decode()


def token(person: str) -> str:
    return text(ask("page_home", path="/", person=person)).split("|")[1]


def send(name, person, form, **parts):
    encoded = f"{form}&csrf_token={token(person)}" if form else f"csrf_token={token(person)}"
    headers = {"Origin": SITE, **parts.pop("headers", {})}
    return ask(name, "POST", person=person, body=encoded, headers=headers, **parts)


def test_a_page_has_its_frame():
    response = ask("page_home", path="/?done=x", person=READER)
    name, _token, path = text(response).split("|")
    assert (response.status_code, name, path) == (200, "Acme", "/?done=x")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_home_is_the_empty_path():
    assert next(found for found in pages.endpoints if found.name == "page_home").route == HOME_ROUTE


def test_nobody_gets_the_way_to_sign_in_and_back():
    response = ask("page_thing", path=f"/things/{ID}?a=b&c=d", params={"client_id": ID})
    assert response.status_code == 401
    back = "/.auth/login/aad?post_login_redirect_uri=/things/" + ID + "%3Fa%3Db%26c%3Dd"
    assert text(response).split("|")[0::3] == ["<p>sign-in-required", back]
    assert "HX-Refresh" not in response.headers


def test_htmx_loads_the_whole_page_again_when_the_session_is_over():
    response = ask("page_thing", headers={"HX-Request": "true"}, params={"client_id": ID})
    assert (response.status_code, response.headers["HX-Refresh"]) == (401, "true")


def test_a_problem_is_a_page_with_code_fix_and_correlation_id():
    response = ask("page_thing", person=READER, params={"client_id": "nonsense"})
    assert response.status_code == 404
    assert text(response).startswith("<p>not-found|Check the address")
    assert response.headers["X-Correlation-Id"] in text(response)


def test_an_open_page():
    assert text(ask("page_help")) == "help None"


def test_a_form_leads_on():
    response = send("page_things_create", OPERATOR, "name=a%20b&size=2&tags=x&tags=y&hold=true")
    assert (response.status_code, response.headers["Location"]) == (303, "/things/a b-2-x+y-True")


def test_a_form_of_htmx_leads_on_by_its_own_header():
    response = send("page_things_create", OPERATOR, "name=a&size=", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (200, "/things/a-1--False")


def test_the_token_may_come_in_a_header():
    headers = {"Origin": SITE, "X-CSRF-Token": token(OPERATOR)}
    response = ask("page_things_create", "POST", person=OPERATOR, body="name=a", headers=headers)
    assert response.status_code == 303


def test_a_refused_form_is_shown_again_with_what_was_typed():
    response = send("page_things_create", OPERATOR, "name=%3Cb%3Elongerthan10&size=many")
    assert response.status_code == 400
    assert text(response) == "<form>&lt;b&gt;longerthan10|['name', 'size']|request-invalid</form>"


def test_a_refusal_of_a_service_is_shown_in_the_form():
    response = send("page_things_create", OPERATOR, "name=taken")
    assert response.status_code == 409
    assert text(response) == "<form>taken|[]|destination-overlap</form>"


def test_an_unforeseen_exception_is_a_problem_page():
    response = send("page_things_create", OPERATOR, "name=broken")
    assert response.status_code == 500
    assert text(response).startswith("<p>internal-error|")


def test_a_form_without_again_becomes_a_problem_page():
    response = send("page_things_close", OPERATOR, "", params={"client_id": ID})
    assert text(response).startswith("<p>role-insufficient")
    assert send("page_things_close", ADMIN, "", params={"client_id": ID}).status_code == 303


@pytest.mark.parametrize("form", ["name=a", "name=a&csrf_token=", "name=a&csrf_token=" + "0" * 40])
def test_a_form_without_its_token_is_refused(form):
    response = ask("page_things_create", "POST", person=OPERATOR, body=form, headers={"Origin": SITE})
    assert (response.status_code, text(response)[:15]) == (403, "<p>csrf-refused")


def test_a_token_is_one_members():
    form = f"name=a&csrf_token={token(ADMIN)}"
    assert ask("page_things_create", "POST", person=OPERATOR, body=form, headers={"Origin": SITE}).status_code == 403


def test_a_token_lasts_a_working_day():
    tokens = FormTokens(b"k" * 32)
    caller = fake_services().members.resolve(_Principal(OPERATOR))  # type: ignore[arg-type]
    issued = tokens.issue(caller, NOW)
    tokens.check(caller, issued, NOW + timedelta(hours=12))
    for moment in (NOW + timedelta(hours=14), NOW - timedelta(hours=2)):
        with pytest.raises(Fatal) as raised:
            tokens.check(caller, issued, moment)
        assert raised.value.code is ErrorCode.CSRF_REFUSED


class _Principal:
    tenant_id = "t"

    def __init__(self, object_id: str) -> None:
        self.object_id = object_id


def test_another_sites_form_is_refused():
    response = send("page_things_create", OPERATOR, "name=a", headers={"Origin": "https://evil.example.com"})
    assert response.status_code == 403


@pytest.mark.parametrize("body", ["a=" + "b" * MAX_PROGRESS_BODY_BYTES, b"\xff=1", "&".join("a=1" for _ in range(600))])
def test_a_form_that_is_too_large_or_not_encoded(body):
    headers = {"Origin": SITE, "Content-Type": "application/x-www-form-urlencoded"}
    response = ask("page_things_create", "POST", person=OPERATOR, body=body, headers=headers)
    assert response.status_code in {400, 413}


def test_a_form_is_no_json():
    response = ask("page_things_create", "POST", person=OPERATOR, body={"name": "a"}, headers={"Origin": SITE})
    assert text(response).startswith("<p>request-malformed")


@pytest.mark.parametrize(
    "location", ["https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "things"]
)
def test_a_form_leads_to_a_path_of_this_site_only(location):
    with pytest.raises(ValueError, match="path of this site"):
        see_other(location)


def knock(body: str, **headers: str):
    named = {"Origin": SITE, **headers}
    return ask("page_link", "POST", path=f"/links/{ID}", params={"client_id": ID}, body=body, headers=named)


def test_an_open_form_needs_no_member_and_sees_the_cookies_of_the_browser():
    answer = knock("name=Ann", Cookie='a=1; broken; b = "2"; c=x=y')
    assert (answer.status_code, text(answer)) == (
        200,
        "Ann|None|[('a', '1'), ('b', '2'), ('c', 'x=y')]",
    )


def test_an_open_form_is_refused_for_another_site_and_drawn_again_when_it_is_wrong():
    assert knock("name=Ann", Origin="https://evil.example").status_code == 403
    assert (knock("name=").status_code, text(knock("name="))) == (400, "again request-invalid")
    assert (knock("name=taken").status_code, text(knock("name=taken"))) == (409, "again destination-overlap")
