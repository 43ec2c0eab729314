"""Sign-in on loopback: sealed sessions, their end, and who may send what."""

from __future__ import annotations

from typing import Any

import pytest

from local.functions_host.easyauth import SESSION_SECONDS, EasyAuth, SignIn
from local.functions_host.http_exchange import Request, Response
from local.functions_host.principal import LocalOperator

ANNA = LocalOperator("tenant", "anna", "Anna", "anna@one.test", "credential of anna")
NOW = 1_800_000_000.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = NOW

    def __call__(self) -> float:
        return self.seconds


def request(path: str = "/x", method: str = "GET", query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "http", path, path, query, {"host": "127.0.0.1:1", **named}, ("127.0.0.1", 50_000))


def auth(key: bytes = b"k" * 32, clock: Any = None) -> EasyAuth:
    return EasyAuth(SignIn("audience", key, (ANNA,)), clock or Clock())


def cookie(layer: EasyAuth) -> str:
    page = layer.own_page(request("/.auth/login/aad"))
    assert page is not None
    return dict(page.headers)["set-cookie"].partition(";")[0]


def signed_in(answer: Request | Response) -> bool:
    assert isinstance(answer, Request)
    return "x-ms-client-principal" in answer.headers


def test_a_session_ends_after_its_time():
    clock = Clock()
    layer = auth(clock=clock)
    session = cookie(layer)
    clock.seconds += SESSION_SECONDS - 1
    assert signed_in(layer.authenticate(request(cookie=session)))
    clock.seconds += 1
    assert not signed_in(layer.authenticate(request(cookie=session)))


def test_a_session_of_another_key_is_nobodys():
    assert not signed_in(auth(b"x" * 32).authenticate(request(cookie=cookie(auth()))))


@pytest.mark.parametrize("value", ["", "x", "!!!!", "A" * 43, "AppServiceAuthSession", "é"])
def test_a_cookie_that_is_not_a_session_is_nobodys(value: str):
    assert not signed_in(auth().authenticate(request(cookie=f"AppServiceAuthSession={value}")))


def test_a_session_of_someone_who_is_no_operator_any_more_is_nobodys():
    session = cookie(auth())
    without = EasyAuth(SignIn("audience", b"k" * 32, ()), Clock())
    assert not signed_in(without.authenticate(request(cookie=session)))


@pytest.mark.parametrize("token", ["", "credential of bert", "credential of ann", "credential of annaa"])
def test_a_bearer_token_that_is_not_an_operators_is_refused_by_the_platform(token: str):
    refusal = auth().authenticate(request(authorization=f"Bearer {token}"))
    assert isinstance(refusal, Response)
    assert refusal.status == 401


def test_the_peer_is_the_only_forwarded_address():
    seen = auth().authenticate(request(x_forwarded_for="203.0.113.9", x_ms_client_principal="forged"))
    assert isinstance(seen, Request)
    assert seen.headers["x-forwarded-for"] == "127.0.0.1:50000"
    assert "x-ms-client-principal" not in seen.headers


@pytest.mark.parametrize(
    ("origin", "allowed"), [("http://127.0.0.1:1", True), ("http://127.0.0.1:2", False), ("null", False)]
)
def test_a_post_of_a_signed_in_browser_comes_from_here(origin: str, allowed: bool):
    layer = auth()
    answer = layer.authenticate(request(method="POST", cookie=cookie(layer), origin=origin))
    assert isinstance(answer, Request) == allowed
    # Without a session there is nothing to misuse: agents and scripts send what they like.
    assert isinstance(layer.authenticate(request(method="POST", origin=origin)), Request)


def test_pages_under_auth_are_the_platforms():
    assert auth().own_page(request("/x")) is None
    unknown = auth().own_page(request("/.auth/login/github"))
    assert unknown is not None
    assert unknown.status == 404
