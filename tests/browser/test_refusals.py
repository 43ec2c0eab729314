"""Who is not let in, and what another site's page cannot do."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Browser, expect

from functions.triggers.edge_endpoint import Audience
from functions.triggers.edge_pages import HOME_ROUTE
from functions.triggers.pages import PAGES
from local.stack import Stack
from tests.browser.dashboard import Dashboard

ENDPOINTS = [endpoint for routes in PAGES for endpoint in routes.endpoints]
IDS = {
    "client_id": "cli_" + "a" * 12,
    "project_id": "prj_" + "a" * 12,
    "agent_id": "agt_" + "a" * 12,
    "job_id": "job_" + "a" * 24,
    "code_id": "0" * 12,
    "link_id": "0" * 12,
    "draft_id": "d" * 16,
    "recipient_id": "0" * 24,
    "webhook_id": "whk_" + "0" * 12,
    "event_id": "evt_" + "0" * 24,
}


def path_of(route: str) -> str:
    return "/" if route == HOME_ROUTE else "/" + re.sub(r"\{(\w+)\}", lambda found: IDS[found[1]], route)


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.audience is Audience.OPERATOR], ids=lambda e: e.name)
def test_nobody_gets_in_without_signing_in(stack: Stack, endpoint) -> None:
    query = f"?client_id={IDS['client_id']}"
    with httpx.Client(base_url=stack.api_url) as anybody:
        answer = anybody.request(endpoint.method, path_of(endpoint.route) + query)
    assert answer.status_code == 401
    assert "Sign-in required" in answer.text
    assert "/.auth/login/aad" in answer.text


def test_nothing_is_open_but_help_signed_links_and_the_way_back_from_microsoft() -> None:
    open_routes = {endpoint.route for endpoint in ENDPOINTS if endpoint.audience is Audience.OPEN}
    signed = {route for route in open_routes if route.startswith(("reconnect/{token}", "mail/unsubscribe/{token}"))}
    assert open_routes - signed == {
        "help",
        "help/{code}",
        "static/{*path}",
        "connect/callback",
        "connect/approved",
        "approve/{tenant_id}",
    }


@pytest.mark.parametrize(
    "path", ["/static/../rendering.py", "/static/%2e%2e/rendering.py", "/static/..%2frendering.py", "/static/none.css"]
)
def test_nothing_but_the_pages_own_files_is_given_out(stack: Stack, path) -> None:
    answer = httpx.get(stack.api_url + path)
    assert answer.status_code == 404
    assert "render" not in answer.text


@contextmanager
def foreign_site(body: str) -> Iterator[str]:
    """Result: the address of another site that answers everything with this page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_another_sites_form_changes_nothing(dashboard: Dashboard, browser: Browser) -> None:
    page = dashboard.page.context.new_page()
    action = f"{dashboard.stack.api_url}/clients"
    form = f'<form method="post" action="{action}"><input name="name" value="Planted"><button>Win</button></form>'
    with foreign_site(form) as address:
        page.goto(address)
        with page.expect_response(action) as caught:
            page.get_by_role("button").click()
    assert caught.value.status == 403
    page.close()
    dashboard.go("Clients")
    expect(dashboard.page.get_by_text("Planted")).to_have_count(0)


def test_our_own_page_without_the_token_changes_nothing(dashboard: Dashboard) -> None:
    send = """async () => {
      const answer = await fetch("/clients", {method: "POST", body: new URLSearchParams({name: "No token"})});
      return [answer.status, await answer.text()];
    }"""
    status, text = dashboard.page.evaluate(send)
    assert status == 403
    assert "csrf-refused" in text
    dashboard.go("Clients")
    expect(dashboard.page.get_by_text("No token")).to_have_count(0)


def test_a_page_of_another_organization_is_not_there(dashboard: Dashboard, browser: Browser) -> None:
    dashboard.create_client("Ours alone")
    theirs = next(person for person in dashboard.stack.operators if person.organization != "local")
    context = browser.new_context(extra_http_headers={"Authorization": f"Bearer {theirs.person.credential}"})
    page = context.new_page()
    answer = page.goto(dashboard.page.url)
    assert answer is not None
    assert answer.status == 404
    context.close()
