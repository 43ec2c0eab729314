"""The cookie of a sign-in: what is written is read, and nothing of another's making leads anywhere."""

from __future__ import annotations

import base64

import pytest

from functions.triggers.sign_in_cookie import NAME, SignInCookie, forget_header, read_cookie

STATE = "some state"
SECRET = "s" * 43
PAGES = ["/projects/prj_000000000001/connect", "/reconnect/acme.000000000001.abc123abc123." + "0f" * 20]


def name_of() -> str:
    return forget_header(STATE, https=False)["Set-Cookie"].partition("=")[0]


def value_of(cookie: SignInCookie) -> str:
    return cookie.header(STATE, 600, https=False)["Set-Cookie"].partition(";")[0].partition("=")[2]


@pytest.mark.parametrize("back", [*PAGES, ""])
def test_what_is_written_is_read(back: str) -> None:
    assert read_cookie({name_of(): value_of(SignInCookie(SECRET, back))}, STATE) == SignInCookie(SECRET, back)


def test_it_goes_to_the_callback_alone_and_no_script_reads_it() -> None:
    header = SignInCookie(SECRET, PAGES[0]).header(STATE, 600, https=True)["Set-Cookie"]
    assert header.endswith("; Path=/connect; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
    assert "Secure" not in SignInCookie(SECRET).header(STATE, 600, https=False)["Set-Cookie"]


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/clients", PAGES[0] + "/../..", PAGES[0] + "\n", "\u00e9"]
)
def test_it_leads_to_no_other_page(back: str) -> None:
    coded = base64.urlsafe_b64encode(back.encode()).decode().rstrip("=")
    assert read_cookie({name_of(): f"{SECRET}.{coded}"}, STATE) == SignInCookie(SECRET)


@pytest.mark.parametrize("value", ["", ".", "short.", SECRET + "!", "a b" * 20, f"{SECRET}.%%%", f"{SECRET}.A"])
def test_what_is_none_of_ours_is_empty(value: str) -> None:
    assert read_cookie({name_of(): value}, STATE).back == ""
    assert read_cookie({}, STATE) == SignInCookie("")


def test_its_secret_is_not_in_its_repr() -> None:
    assert SECRET not in repr(SignInCookie(SECRET, PAGES[0]))


def test_each_sign_in_has_its_own() -> None:
    cookies = {name_of(): value_of(SignInCookie(SECRET, PAGES[0]))}
    assert name_of().startswith(NAME)
    assert read_cookie(cookies, "another state") == SignInCookie("")
    assert "Max-Age=0" in forget_header(STATE, https=False)["Set-Cookie"]
