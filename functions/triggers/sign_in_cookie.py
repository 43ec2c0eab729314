"""The cookie that binds a Microsoft sign-in to the browser that began it, and remembers where it began.

Somebody who is sent another person's callback address has no such cookie, and so cannot be made to finish a sign-in
that is not their own. One for each sign-in, so that two tabs do not end each other's. Lax: the browser comes back by
a link from Microsoft. It goes to the callback alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = "onemigrate_sign_in_"
PATH = "/connect"
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}")
_BACK = re.compile(r"/(projects/prj_[a-z0-9]{12}/connect|reconnect/[a-z0-9.-]{1,120})")
"""The only pages that a sign-in begins on: a cookie leads nowhere else, whoever has set it."""


@dataclass(frozen=True, slots=True)
class SignInCookie:
    """`browser` is the secret; `back` the path of the page that the sign-in began on, "" where it is none of ours."""

    browser: str = field(repr=False)
    back: str = ""

    def header(self, state: str, seconds: float, *, https: bool) -> dict[str, str]:
        """Result: the header that sets it for so long, for the sign-in with this state."""
        coded = base64.urlsafe_b64encode(self.back.encode()).decode().rstrip("=")
        return _header(state, f"{self.browser}.{coded}", int(seconds), https=https)


def read_cookie(cookies: Mapping[str, str], state: str) -> SignInCookie:
    """Result: what the browser has of this sign-in; empty parts where it has nothing, or nothing of ours."""
    browser, _, coded = cookies.get(_name(state), "").partition(".")
    try:
        back = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        back = ""
    known = _SECRET.fullmatch(browser) is not None
    return SignInCookie(browser if known else "", back if known and _BACK.fullmatch(back) else "")


def forget_header(state: str, *, https: bool) -> dict[str, str]:
    """Result: the header that removes it: a sign-in is finished once."""
    return _header(state, "", 0, https=https)


def _name(state: str) -> str:
    return NAME + hashlib.sha256(state.encode()).hexdigest()[:12]


def _header(state: str, value: str, seconds: int, *, https: bool) -> dict[str, str]:
    secure = "; Secure" if https else ""
    return {"Set-Cookie": f"{_name(state)}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"}
