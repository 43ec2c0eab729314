"""What the identity server hands out: codes that work once, refresh tokens, access tokens and id tokens.

A refresh token carries its own facts, sealed with a key of the server, as Entra's do: it outlives a restart, and a
rotated one does not end the one before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.entra.directory import Person
from local.entra.state import State

CODE_SECONDS = 600
INACTIVE_SECONDS = 90 * 86400
ACCESS_SECONDS = 3600
_PROTOCOL_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_REFRESH_PREFIX = "1.A"


@dataclass(frozen=True)
class Grant:
    """Who allowed which application what, at which tenant."""

    tenant_id: str
    person: Person
    client_id: str
    scope: str

    @property
    def resource_scopes(self) -> list[str]:
        """The scopes that are not the protocol's own."""
        return [scope for scope in self.scope.split() if scope not in _PROTOCOL_SCOPES]


@dataclass(frozen=True)
class Code:
    """An authorization code's facts."""

    grant: Grant
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    issued_at: float


@dataclass(frozen=True)
class Refresh:
    """A refresh token's facts."""

    tenant_id: str
    object_id: str
    client_id: str
    scope: str
    issued_at: float


class Keys:
    """The signing keys, newest last, and the key that seals refresh tokens; kept in a folder."""

    def __init__(self, directory: Path) -> None:
        """Use the keys of that folder, made there if it has none."""
        directory.mkdir(parents=True, exist_ok=True)
        seal_file, signing_file = directory / "entra-seal.key", directory / "entra-signing.pem"
        if not seal_file.exists():
            _write_private(seal_file, Fernet.generate_key())
        if not signing_file.exists():
            _write_private(signing_file, _pem(_new_key()))
        self.seal = Fernet(seal_file.read_bytes())
        key = serialization.load_pem_private_key(signing_file.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._signing = [key]

    def rotate(self) -> None:
        """Sign with a new key; the old one stays published, as it does for some days."""
        self._signing.append(_new_key())

    def sign(self, claims: dict[str, Any], *, wrong_key: bool = False) -> str:
        """A token with these claims; with `wrong_key`, its signature is of a key that nobody published."""
        key = _new_key() if wrong_key else self._signing[-1]
        return jwt.encode(claims, key, "RS256", headers={"kid": _kid(self._signing[-1])})

    def published(self) -> list[dict[str, Any]]:
        """The public keys, as JWKs."""
        documents = []
        for key in self._signing:
            document = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            documents.append({**document, "kid": _kid(key), "use": "sig", "alg": "RS256"})
        return documents


class Tokens:
    """Makes and reads them."""

    def __init__(self, keys: Keys, state: State, authority: str) -> None:
        """Issue in the name of `authority`, the server's own address."""
        self._keys = keys
        self._state = state
        self._authority = authority
        self._codes: dict[str, Code] = {}

    def code(self, code: Code) -> str:
        """A new authorization code."""
        text = f"1.code-{secrets.token_urlsafe(48)}"
        self._codes[text] = code
        return self._state.remember(text)

    def take_code(self, text: str) -> Code | None:
        """A code's facts, once."""
        return self._codes.pop(text, None)

    def read_refresh(self, text: str) -> Refresh | None:
        """The facts of a refresh token; None where it is not one of ours."""
        try:
            return Refresh(**json.loads(self._keys.seal.decrypt(text.removeprefix(_REFRESH_PREFIX).encode())))
        except (InvalidToken, ValueError, TypeError):
            return None

    def answer(self, grant: Grant, *, nonce: str | None, client_info: bool) -> dict[str, Any]:
        """The body of the token endpoint's answer."""
        scopes = grant.scope.split()
        document: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(grant.resource_scopes or scopes),
            "expires_in": ACCESS_SECONDS - 1,
            "ext_expires_in": ACCESS_SECONDS - 1,
            "access_token": self._state.remember(self._keys.sign(self._access_claims(grant))),
        }
        if "offline_access" in scopes:
            document["refresh_token"] = self._state.remember(self._refresh(grant))
        if "openid" in scopes:
            document["id_token"] = self._state.remember(self._id_token(grant, nonce))
        if client_info:
            info = json.dumps({"uid": grant.person.object_id, "utid": grant.tenant_id}).encode()
            document["client_info"] = unpadded(info)
        return document

    def _access_claims(self, grant: Grant) -> dict[str, Any]:
        """Shaped as version 1, which is what Azure Storage has asked for in its registration."""
        now = int(self._state.now())
        scopes = grant.resource_scopes
        audience = scopes[0].rpartition("/")[0] if scopes else "00000003-0000-0000-c000-000000000000"
        return {
            "aud": audience,
            "iss": f"https://sts.windows.net/{grant.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "appid": grant.client_id,
            "appidacr": "1",
            "idtyp": "user",
            "oid": grant.person.object_id,
            "tid": grant.tenant_id,
            "sub": grant.person.object_id,
            "scp": " ".join(scope.rpartition("/")[2] for scope in scopes),
            "name": grant.person.name,
            "upn": grant.person.username,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }

    def _id_token(self, grant: Grant, nonce: str | None) -> str:
        now = int(self._state.now())
        claims: dict[str, Any] = {
            "aud": grant.client_id,
            "iss": f"{self._authority}/{grant.tenant_id}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "name": grant.person.name,
            "preferred_username": grant.person.username,
            "oid": grant.person.object_id,
            "sub": unpadded(hashlib.sha256((grant.person.object_id + grant.client_id).encode()).digest()),
            "tid": grant.tenant_id,
            "uti": str(uuid.uuid4()),
            "ver": "2.0",
            **({"nonce": nonce} if nonce else {}),
            **self._state.forgery.claims,
        }
        true = {name: value for name, value in claims.items() if value is not None}
        return self._keys.sign(true, wrong_key=self._state.forgery.wrong_key)

    def _refresh(self, grant: Grant) -> str:
        facts = {
            "tenant_id": grant.tenant_id,
            "object_id": grant.person.object_id,
            "client_id": grant.client_id,
            "scope": grant.scope,
            "issued_at": self._state.now(),
        }
        return _REFRESH_PREFIX + self._keys.seal.encrypt(json.dumps(facts).encode()).decode("ascii")


def unpadded(content: bytes) -> str:
    """URL-safe base64 without its padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _kid(key: rsa.RSAPrivateKey) -> str:
    return hashlib.sha256(str(key.public_key().public_numbers().n).encode()).hexdigest()[:27]


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
