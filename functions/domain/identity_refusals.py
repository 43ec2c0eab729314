"""What a refusal of Microsoft's sign-in service means, and whose turn it is. Pure.

Decided by `error` and the AADSTS codes, never by words or `suberror`.
Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

_PASSING_ERRORS = frozenset({"temporarily_unavailable", "server_error"})
_PASSING_CODES = frozenset({90033, 90036, 90055, 50196})
_PERSON_ERRORS = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""A person can help by signing in again."""
_OUR_CODES = frozenset({7000215, 7000222, 700016, 7000218, 700027, 50011, 500112, 9002313, 90002, 70011, 650057})
"""Our registration, our settings or our request, whatever `error` says."""
_APPROVAL_CODES = frozenset({90094, 90095, 90008, 900941})
_DENIED_CODES = frozenset({65004, 65001})
_WRONG_TENANT_CODES = frozenset({50020, 50034, 51004, 90072})
_USED_CODE, _OLD_CODE = 54005, 70008
_NUMBER = re.compile(r"AADSTS(\d{2,9})\b")
_TRACE = re.compile(r"\s*(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_WORDS = 400


@dataclass(frozen=True, slots=True)
class IdentityRefusal:
    """What the service answered."""

    error: str
    codes: tuple[int, ...] = ()
    words: str = ""

    @property
    def said(self) -> str:
        """Result: Microsoft's own words on one line, without the ids of the request."""
        words = " ".join(_TRACE.sub("", self.words).split())[:_WORDS]
        return words or self.error or "no reason given"


def refusal_of(error: object, codes: object, words: object) -> IdentityRefusal:
    """Result: the refusal. A redirect has no list of codes: its number stands at the head of the words."""
    said = words if isinstance(words, str) else ""
    numbers: Sequence[object] = codes if isinstance(codes, list) else [int(n) for n in _NUMBER.findall(said)[:1]]
    known = tuple(number for number in numbers if isinstance(number, int))
    return IdentityRefusal(error if isinstance(error, str) else "", known, said)


def redemption_fault(refusal: IdentityRefusal) -> MigrateError:
    """Result: what to raise where a refresh token was refused. Anything unknown is the operator's turn."""
    general = _general(refusal)
    if general is not None:
        return general
    if refusal.error in _PERSON_ERRORS:
        return Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, refusal.said)
    return Fatal(ErrorCode.IDENTITY_MISCONFIGURED, refusal.said)


def sign_in_fault(refusal: IdentityRefusal) -> MigrateError:
    """Result: what to raise where a sign-in came back without a person, or its code was refused."""
    codes = set(refusal.codes)
    if codes & _APPROVAL_CODES:
        return Fatal(ErrorCode.AZURE_APPROVAL_NEEDED, refusal.said)
    if codes & _WRONG_TENANT_CODES:
        return Fatal(ErrorCode.AZURE_WRONG_TENANT, refusal.said)
    if codes & _DENIED_CODES or (refusal.error == "access_denied" and not codes):
        return Fatal(ErrorCode.AZURE_CONSENT_DENIED, refusal.said)
    if _USED_CODE in codes:
        return Fatal(ErrorCode.SIGN_IN_STATE_LOST, refusal.said)
    if _OLD_CODE in codes:
        return Fatal(ErrorCode.SIGN_IN_EXPIRED, refusal.said)
    general = _general(refusal)
    if general is not None:
        return general
    if refusal.error in _PERSON_ERRORS or refusal.error == "access_denied":
        return Fatal(ErrorCode.SIGN_IN_REFUSED, refusal.said)
    return Fatal(ErrorCode.IDENTITY_MISCONFIGURED, refusal.said)


def _general(refusal: IdentityRefusal) -> MigrateError | None:
    """Result: what is nobody's fault, or ours; None for the rest."""
    codes = set(refusal.codes)
    if refusal.error in _PASSING_ERRORS or codes & _PASSING_CODES:
        return Retryable(ErrorCode.IDENTITY_UNAVAILABLE, refusal.said)
    if refusal.error == "invalid_client" or codes & _OUR_CODES:
        return Fatal(ErrorCode.IDENTITY_MISCONFIGURED, refusal.said)
    return None
