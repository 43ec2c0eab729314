"""App Service authentication ("Easy Auth"), played locally: who is this, and what may a caller claim?

What it copies from the platform: identity headers of the caller are dropped, `X-Forwarded-For` is the
peer, a signed-in operator's principal is put on the request, a bearer token that is not valid is answered
401 before the app sees it, anybody else passes as anonymous (`AllowAnonymous`), and a POST of a signed-in
browser from another origin is answered 403.
What it does instead of the platform: it signs the local operator in without asking.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from local.functions_host import principal
from local.functions_host.http_exchange import Request, Response
from local.functions_host.principal import LocalOperator

SESSION_COOKIE = "AppServiceAuthSession"
SESSION_SECONDS = 8 * 3600
LOGIN_PATH = "/.auth/login/aad"
LOGOUT_PATH = "/.auth/logout"
ME_PATH = "/.auth/me"


@dataclass(frozen=True)
class SignIn:
    """Whom the host signs in, for which app registration, and the key that seals browser sessions."""

    audience: str
    session_key: bytes = field(repr=False)
    operators: tuple[LocalOperator, ...]


def read_sign_in(path: Path) -> SignIn:
    """The sign-in file that the stack wrote; raises OSError, ValueError or KeyError when it is unfit."""
    document = json.loads(path.read_text("utf-8"))
    operators = tuple(LocalOperator(**operator) for operator in document["operators"])
    return SignIn(document["audience"], base64.b64decode(document["session_key"]), operators)


def write_sign_in(path: Path, sign_in: SignIn) -> None:
    """Write the sign-in file, readable by its owner only."""
    document = {
        "audience": sign_in.audience,
        "session_key": base64.b64encode(sign_in.session_key).decode("ascii"),
        "operators": [vars(operator) for operator in sign_in.operators],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2), "utf-8")


class EasyAuth:
    """The authentication layer in front of the app."""

    def __init__(self, sign_in: SignIn, now: Callable[[], float] = time.time) -> None:
        """Sign in the operators of `sign_in`; `now` is seconds since 1970."""
        self._sign_in = sign_in
        self._now = now

    def own_page(self, request: Request) -> Response | None:
        """The answer to a request under `/.auth/`, or None for any other."""
        path = request.path.lower().rstrip("/")
        if path == LOGIN_PATH:
            return self._login(request)
        if path == LOGOUT_PATH:
            return self._logout(request)
        if path == ME_PATH:
            return self._me(request)
        return Response(404) if path.startswith("/.auth/") or path == "/.auth" else None

    def authenticate(self, request: Request) -> Request | Response:
        """The request as the app may see it, or the platform's refusal."""
        clean = {name: value for name, value in request.headers.items() if not _is_the_platforms(name)}
        host, port = request.peer
        # The platform's front end writes address and port.
        clean["x-forwarded-for"] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        clean["x-forwarded-proto"] = request.scheme
        bearer = _bearer_token(request.headers)
        if bearer is not None:
            operator = self._by_credential(bearer)
            if operator is None:
                return Response(401, headers=[("www-authenticate", 'Bearer error="invalid_token"')])
            return request.with_headers({**clean, **principal.headers(operator, self._sign_in.audience)})
        operator = self._by_session(request.headers)
        if operator is None:
            return request.with_headers(clean)
        if request.method == "POST" and not _same_origin(request):
            return Response(403)
        return request.with_headers({**clean, **principal.headers(operator, self._sign_in.audience)})

    def _login(self, request: Request) -> Response:
        """Sign in the operator named by `login_hint`, or the first, and go to a path of this site."""
        if not self._sign_in.operators:
            return Response(403, b"No operator is configured.", [("content-type", "text/plain")])
        hint = request.query.get("login_hint")
        named = [operator for operator in self._sign_in.operators if hint in {None, operator.username}]
        if not named:
            return Response(403, b"No such operator.", [("content-type", "text/plain")])
        target = _path_of_this_site(request.query.get("post_login_redirect_uri"))
        return _redirect(target, _cookie(self._seal(named[0]), SESSION_SECONDS, request.scheme))

    def _logout(self, request: Request) -> Response:
        target = _path_of_this_site(request.query.get("post_logout_redirect_uri"))
        return _redirect(target, _cookie("", 0, request.scheme))

    def _me(self, request: Request) -> Response:
        bearer = _bearer_token(request.headers)
        operator = self._by_credential(bearer) if bearer else self._by_session(request.headers)
        if operator is None:
            return Response(401)
        document = [
            {
                "provider_name": "aad",
                "user_id": operator.username,
                "user_claims": principal.claims(operator, self._sign_in.audience),
            }
        ]
        return Response(200, json.dumps(document).encode(), [("content-type", "application/json")])

    def _by_credential(self, credential: str) -> LocalOperator | None:
        found = None
        for operator in self._sign_in.operators:  # all of them, so that time tells nothing
            if hmac.compare_digest(operator.credential.encode(), credential.encode()):
                found = operator
        return found

    def _by_session(self, headers: Mapping[str, str]) -> LocalOperator | None:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
        except CookieError:
            return None
        return self._unseal(morsel.value) if morsel else None

    def _seal(self, operator: LocalOperator) -> str:
        """A session that survives a restart of the host: who, until when, and a MAC over both."""
        until = int(self._now()) + SESSION_SECONDS
        text = f"{operator.tenant_id}/{operator.object_id}/{until}".encode()
        return base64.urlsafe_b64encode(self._mac(text) + text).decode("ascii").rstrip("=")

    def _unseal(self, value: str) -> LocalOperator | None:
        try:
            sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            mac, text = sealed[:32], sealed[32:]
            if not hmac.compare_digest(mac, self._mac(text)):
                return None
            tenant_id, object_id, until = text.decode("utf-8").split("/")
        except (binascii.Error, ValueError):
            return None
        if int(until) <= self._now():
            return None
        for operator in self._sign_in.operators:
            if (operator.tenant_id, operator.object_id) == (tenant_id, object_id):
                return operator
        return None

    def _mac(self, text: bytes) -> bytes:
        return hmac.new(self._sign_in.session_key, text, hashlib.sha256).digest()


def _is_the_platforms(header: str) -> bool:
    """Headers that only the platform may set; from a caller they are dropped."""
    return header.startswith("x-ms-") or header in {"x-forwarded-for", "x-forwarded-proto"}


def _bearer_token(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _path_of_this_site(target: str | None) -> str:
    """The target if it is a path here; anything that could lead elsewhere becomes the home page."""
    if not target or not target.startswith("/") or target[1:2] in {"/", "\\"}:
        return "/"
    return target if target.isascii() and target.isprintable() and " " not in target else "/"


def _cookie(value: str, seconds: int, scheme: str) -> str:
    secure = "; Secure" if scheme == "https" else ""
    return f"{SESSION_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _redirect(target: str, cookie: str) -> Response:
    return Response(302, headers=[("location", target), ("set-cookie", cookie), ("cache-control", "no-store")])
