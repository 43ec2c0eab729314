"""The IdentityService and KeyWrapping ports in memory: people who sign in, and tokens that are renewed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from functions.domain.connection import Person
from functions.domain.identity_ports import BegunSignIn, Redeemed, SignedIn, WrappedKey
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606"
OTHER_TENANT = "5d0c1f0a-6c1e-4f1c-9a54-1d5d3c0b7f11"
OWNER = Person("11059fcc-5514-4800-b5f8-49808b9cfab6", "olivia@contoso.example", "Olivia Owner")
NOBODY = Person("22222222-5514-4800-b5f8-49808b9cfab6", "nora@contoso.example", "Nora Norole")


class MemoryIdentity:
    """Signs in whom a test says. `fault`, if set, is raised by every redemption; `strict` ends a used token at once."""

    def __init__(self) -> None:
        self.fault: MigrateError | None = None
        self.sign_in_fault: MigrateError | None = None
        self.strict = False
        self.redeemed: list[str] = []
        self.revoked: set[str] = set()
        self.access: dict[str, tuple[str, Person]] = {}
        """Access token -> tenant and person."""
        self._codes: dict[str, Person] = {}
        self._refresh: dict[str, tuple[str, Person]] = {}
        self._count = 0

    def begin(self, tenant_id: str, redirect_uri: str) -> BegunSignIn:
        state = self._next("state")
        flow = json.dumps({"state": state, "nonce": self._next("nonce"), "code_verifier": self._next("verifier")})
        return BegunSignIn(f"https://login.example/{tenant_id}?state={state}&back={redirect_uri}", state, flow)

    def answer(self, url: str, person: Person = OWNER) -> dict[str, str]:
        """What the browser of that person brings back."""
        code = self._next("code")
        self._codes[code] = person
        return {"code": code, "state": url.partition("state=")[2].partition("&")[0]}

    def finish(self, tenant_id: str, flow: str, answer: Mapping[str, str]) -> SignedIn:
        if self.sign_in_fault is not None:
            raise self.sign_in_fault
        person = self._codes.pop(answer.get("code", ""), None)
        if person is None or json.loads(flow)["state"] != answer.get("state"):
            raise Fatal(ErrorCode.SIGN_IN_STATE_LOST)
        return SignedIn(person, self._issue(tenant_id, person))

    def redeem(self, tenant_id: str, refresh_token: str) -> Redeemed:
        self.redeemed.append(refresh_token)
        if self.fault is not None:
            raise self.fault
        held = self._refresh.get(refresh_token)
        if held is None or held[0] != tenant_id or held[1].object_id in self.revoked:
            raise Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "AADSTS50173: revoked")
        if self.strict:
            del self._refresh[refresh_token]
        access = self._next("access")
        self.access[access] = held
        return Redeemed(access, self._issue(*held))

    def approval_url(self, tenant_id: str, redirect_uri: str) -> str:
        return f"https://login.example/{tenant_id}/adminconsent?back={redirect_uri}"

    def _issue(self, tenant_id: str, person: Person) -> str:
        token = self._next("refresh")
        self._refresh[token] = (tenant_id, person)
        return token

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:06d}"


class MemoryWrapping:
    """Keys by id. The last one wraps."""

    def __init__(self) -> None:
        self.keys = ["key-1"]

    def rotate(self) -> str:
        self.keys.append(f"key-{len(self.keys) + 1}")
        return self.keys[-1]

    def current(self) -> str:
        return self.keys[-1]

    def wrap(self, key: bytes) -> WrappedKey:
        return WrappedKey(self.current(), _mask(self.current(), key))

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        if wrapped.key_id not in self.keys:
            raise Fatal(ErrorCode.SECRET_UNREADABLE, wrapped.key_id)
        return _mask(wrapped.key_id, wrapped.wrapped)


def _mask(key_id: str, key: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(key, hashlib.sha256(key_id.encode()).digest(), strict=True))
