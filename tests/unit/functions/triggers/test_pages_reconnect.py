"""The customer's pages over the real services: what a link shows, what it does not, and that it stands in no log."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest
import structlog

from functions import bootstrap
from functions.domain.views import AzureConnectionView, ConnectionKind
from functions.settings import read_settings
from functions.triggers import pages_reconnect, pages_sign_in
from functions.triggers.edge_pages import PageRoutes
from tests.memory.world import ADMIN, DEPLOYMENT, OPERATOR, ORGANIZATION, World
from tests.unit.functions.triggers.support import ENVIRONMENT, SITE, request


def handlers(routes: PageRoutes) -> dict[str, Any]:
    own = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    own.register_functions(routes.blueprint)
    return {str(one.get_function_name()): one.get_user_function() for one in own.get_functions()}


HANDLERS = {**handlers(pages_reconnect.pages), **handlers(pages_sign_in.pages)}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The process's services are those of a world in memory."""
    made = World()
    secret = {"ONEMIGRATE_SECRET_KEY": base64.b64encode(DEPLOYMENT.secret_key).decode()}
    monkeypatch.setattr(bootstrap, "_services", bootstrap.build(read_settings(ENVIRONMENT | secret), made.ports))
    return made


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def project_of(world: World, *, container: str = "archive") -> str:
    project_id = world.project(world.client(), connected=False)
    connection = AzureConnectionView(
        kind=ConnectionKind.CUSTOMER,
        account="contosofiles",
        connected_at=world.clock(),
        connected_by="Olga",
        container=container,
        signed_in_as="Olivia Owner (olivia@contoso.example)",
    )
    world.tables.merge("projects", ORGANIZATION, project_id, {"connection": connection.model_dump_json()}, None)
    return project_id


def link_of(world: World, project_id: str) -> tuple[str, str]:
    """Result: the link's token and its id."""
    link = world.services.customer_links.create(OPERATOR, project_id)
    path = world.services.customer_links.address(ORGANIZATION, project_id, link.link_id)
    return path.removeprefix("/reconnect/"), link.link_id


def ask(name: str, token: str, method: str = "GET", **parts: Any) -> func.HttpResponse:
    path = f"/reconnect/{token}"
    answer: func.HttpResponse = HANDLERS[name](request(method, path, params={"token": token}, **parts))
    return answer


def words(answer: func.HttpResponse) -> str:
    return answer.get_body().decode()


def test_a_link_shows_account_container_and_status_and_nothing_else(world: World) -> None:
    project_id = project_of(world)
    token, _ = link_of(world, project_id)
    answer = ask("page_reconnect", token)
    shown = words(answer)
    assert answer.status_code == 200
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    for word in ("contosofiles", "archive", "Connected"):
        assert word in shown
    for word in ("Olivia", "Olga", "Move", "St. Mary", project_id, "/projects", "/clients", "<nav"):
        assert word not in shown


def test_an_ended_link_says_why_and_nothing_of_the_project(world: World) -> None:
    token, link_id = link_of(world, project_of(world))
    world.services.customer_links.revoke(OPERATOR, world.services.customer_links.open(token).project_id, link_id)
    answer = ask("page_reconnect", token)
    assert answer.status_code == 410
    assert "This link was withdrawn" in words(answer)
    assert "contosofiles" not in words(answer)
    assert ask("page_reconnect_begin", token, "POST", headers={"Origin": SITE}).status_code == 410


@pytest.mark.parametrize("name", ["page_reconnect", "page_reconnect_begin"])
def test_another_sites_form_begins_nothing_and_an_unknown_token_is_nothing(world: World, name: str) -> None:
    method = "POST" if name.endswith("begin") else "GET"
    assert ask(name, "acme.000000000000.000000000000." + "0" * 40, method).status_code == 404
    token, _ = link_of(world, project_of(world))
    if method == "POST":
        assert ask(name, token, method, headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_token_stands_in_no_log_whatever_happens(
    world: World, logged: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    token, link_id = link_of(world, project_of(world))
    ask("page_reconnect", token)
    ask("page_reconnect_begin", token, "POST", headers={"Origin": SITE})
    ask("page_reconnect_begin", token, "POST", headers={"Origin": "https://evil.example"})
    ask("page_reconnect", token[:-1])
    project_id = world.services.customer_links.open(token).project_id
    world.services.customer_links.revoke(ADMIN, project_id, link_id)
    ask("page_reconnect", token)
    assert logged
    written = repr(logged) + "".join(capsys.readouterr())
    assert token.rpartition(".")[2][:-1] not in written
    audited = world.tables.everything()["audit"]
    assert token.rpartition(".")[2] not in repr(audited)


def test_an_approval_that_was_not_given_leads_nowhere(world: World) -> None:
    declined = HANDLERS["page_approved"](request("GET", "/connect/approved?error=access_denied"))
    assert declined.status_code == 409
    assert "/projects" not in words(declined)
    unknown = HANDLERS["page_approve"](request("GET", "/approve/x", params={"tenant_id": "x"}))
    assert unknown.status_code == 404
