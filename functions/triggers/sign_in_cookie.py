"""The cookie that binds a Microsoft sign-in to the browser that began it, and remembers where it began.

Somebody who is sent another person's callback address has no such cookie, and so cannot be made to finish a sign-in
that is not their own. Lax: the browser comes back by a link from Microsoft. It goes to the callback alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = "onemigrate_sign_in"
PATH = "/connect"
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,200}")
_BACK = re.compile(r"/(projects/prj_[a-z0-9]{12}/connect|reconnect/[a-z0-9.-]{1,120})")
"""The only pages that a sign-in begins on: a cookie leads nowhere else, whoever has set it."""


@dataclass(frozen=True, slots=True)
class SignInCookie:
    """`browser` is the secret; `back` the path of the page that the sign-in began on, "" where it is none of ours."""

    browser: str = field(repr=False)
    back: str = ""

    def header(self, seconds: float, *, https: bool) -> dict[str, str]:
        """Result: the header that sets it for so long."""
        value = f"{self.browser}.{base64.urlsafe_b64encode(self.back.encode()).decode().rstrip('=')}"
        return _header(value, int(seconds), https=https)


def read_cookie(cookies: Mapping[str, str]) -> SignInCookie:
    """Result: what the browser has; empty parts where it has nothing, or nothing of ours."""
    browser, _, coded = cookies.get(NAME, "").partition(".")
    try:
        back = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        back = ""
    return SignInCookie(browser if _SECRET.fullmatch(browser) else "", back if _BACK.fullmatch(back) else "")


def forget_header(*, https: bool) -> dict[str, str]:
    """Result: the header that removes it: a sign-in is finished once."""
    return _header("", 0, https=https)


def _header(value: str, seconds: int, *, https: bool) -> dict[str, str]:
    secure = "; Secure" if https else ""
    return {"Set-Cookie": f"{NAME}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"}
