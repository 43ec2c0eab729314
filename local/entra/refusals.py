"""Every refusal of the identity server, with the status, error, code and words of Entra.

Codes and words: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Any


@unique
class Refusal(StrEnum):
    """What a test can ask for by name."""

    # The customer must sign in again.
    INACTIVE = "inactive"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SIGN_IN_FREQUENCY = "sign_in_frequency"
    CONSENT_MISSING = "consent_missing"
    CONSENT_REQUIRED = "consent_required"
    MFA_REQUIRED = "mfa_required"
    USER_DISABLED = "user_disabled"
    BLOCKED = "blocked"
    NOT_IN_TENANT = "not_in_tenant"
    # Our own registration is wrong.
    WRONG_SECRET = "wrong_secret"  # noqa: S105
    SECRET_EXPIRED = "secret_expired"  # noqa: S105
    UNKNOWN_APPLICATION = "unknown_application"
    UNKNOWN = "unknown"
    # Our own request is wrong.
    CODE_USED = "code_used"
    CODE_EXPIRED = "code_expired"
    WRONG_VERIFIER = "wrong_verifier"
    WRONG_REDIRECT = "wrong_redirect"
    MALFORMED = "malformed"
    WRONG_SCOPE = "wrong_scope"
    WRONG_GRANT = "wrong_grant"
    UNKNOWN_TENANT = "unknown_tenant"
    # It passes.
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    BAD_GATEWAY = "bad_gateway"
    # At the sign-in page.
    DECLINED = "declined"
    APPROVAL_NEEDED = "approval_needed"


@dataclass(frozen=True)
class Answer:
    """Status, `error`, AADSTS code, `suberror` and words; `{...}` in the words is filled in."""

    status: int
    error: str
    code: int
    words: str
    suberror: str | None = None


_APPLICATION = "Application with identifier '{client}' was not found in the directory '{tenant}'."
_ASK_AGAIN = "Send an interactive authorization request for this user and resource."

ANSWERS: dict[Refusal, Answer] = {
    Refusal.INACTIVE: Answer(
        400,
        "invalid_grant",
        700082,
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for "
        "90.00:00:00.",
        "bad_token",
    ),
    Refusal.EXPIRED: Answer(
        400,
        "invalid_grant",
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
        "token_expired",
    ),
    Refusal.REVOKED: Answer(
        400,
        "invalid_grant",
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before "
        "which tokens are not valid) for this user is '{valid_from}'.",
        "bad_token",
    ),
    Refusal.SIGN_IN_FREQUENCY: Answer(
        400,
        "invalid_grant",
        70043,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The "
        "token was issued on {issued} and the maximum allowed lifetime for this request is 604800.",
        "token_expired",
    ),
    Refusal.CONSENT_MISSING: Answer(
        400,
        "invalid_grant",
        65001,
        "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. "
        + _ASK_AGAIN,
        "consent_required",
    ),
    Refusal.CONSENT_REQUIRED: Answer(
        400,
        "consent_required",
        65001,
        "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. "
        + _ASK_AGAIN,
    ),
    Refusal.MFA_REQUIRED: Answer(
        400,
        "interaction_required",
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access 'e406a681-f3d4-42a8-90b6-c2b029497af1'.",
        "basic_action",
    ),
    Refusal.USER_DISABLED: Answer(400, "invalid_grant", 50057, "The user account is disabled."),
    Refusal.BLOCKED: Answer(
        400,
        "invalid_grant",
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "message_only",
    ),
    Refusal.NOT_IN_TENANT: Answer(
        400,
        "invalid_grant",
        50020,
        "User account '{username}' from another identity provider does not exist in tenant '{tenant}' and cannot "
        "access the application '{client}'({name}) in that tenant. The account needs to be added as an external user "
        "in the tenant first.",
    ),
    Refusal.WRONG_SECRET: Answer(
        401,
        "invalid_client",
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'.",
    ),
    Refusal.SECRET_EXPIRED: Answer(
        401,
        "invalid_client",
        7000222,
        "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials.",
    ),
    Refusal.UNKNOWN_APPLICATION: Answer(400, "unauthorized_client", 700016, _APPLICATION),
    Refusal.UNKNOWN: Answer(400, "invalid_resource_owner", 999999, "Something that nobody has documented."),
    Refusal.CODE_USED: Answer(
        400,
        "invalid_grant",
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    Refusal.CODE_EXPIRED: Answer(
        400,
        "invalid_grant",
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
    ),
    Refusal.WRONG_VERIFIER: Answer(
        400,
        "invalid_grant",
        501481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    Refusal.WRONG_REDIRECT: Answer(
        400,
        "invalid_client",
        500112,
        "The reply address '{redirect}' does not match the reply address provided when requesting Authorization code.",
    ),
    Refusal.MALFORMED: Answer(
        400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.", "bad_token"
    ),
    Refusal.WRONG_SCOPE: Answer(
        400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."
    ),
    Refusal.WRONG_GRANT: Answer(
        400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '{grant}'."
    ),
    Refusal.UNKNOWN_TENANT: Answer(
        400,
        "invalid_tenant",
        90002,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud.",
    ),
    Refusal.THROTTLED: Answer(
        429, "temporarily_unavailable", 90055, "Server is unable to process this request: too many requests."
    ),
    Refusal.UNAVAILABLE: Answer(
        503, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again."
    ),
    Refusal.BAD_GATEWAY: Answer(502, "", 0, "<html><body>Our services aren't available right now</body></html>"),
    Refusal.DECLINED: Answer(400, "access_denied", 65004, "User declined to consent to access the app.", "cancel"),
    Refusal.APPROVAL_NEEDED: Answer(
        400,
        "access_denied",
        90094,
        "Admin consent is required for the permissions requested by this application. An administrator of "
        "'{tenant}' must grant them first.",
        "cancel",
    ),
}
RETRY_AFTER_SECONDS = 3


class Refused(Exception):
    """A refusal on its way to its answer; `facts` fill in its words."""

    def __init__(self, refusal: Refusal, **facts: str) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.facts = facts

    @property
    def answer(self) -> Answer:
        """Its status, error, code and words."""
        return ANSWERS[self.refusal]

    def description(self, now: datetime) -> str:
        """The words as an application gets them in `error_description`."""
        facts = _Known(self.facts)
        said = self.answer.words.format_map(facts)
        return (
            f"AADSTS{self.answer.code}: {said} Trace ID: {uuid.uuid4()} Correlation ID: {uuid.uuid4()} "
            f"Timestamp: {_stamp(now)}"
        )

    def document(self, now: datetime, authority: str) -> dict[str, Any]:
        """The body of the token endpoint's answer."""
        answer = self.answer
        document: dict[str, Any] = {
            "error": answer.error,
            "error_description": self.description(now),
            "error_codes": [answer.code],
            "timestamp": _stamp(now),
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "error_uri": f"{authority}/error?code={answer.code}",
        }
        if answer.suberror is not None:
            document["suberror"] = answer.suberror
        return document


class _Known(dict[str, str]):
    """Facts for a text that may ask for more than there are."""

    def __missing__(self, key: str) -> str:
        return f"({key})"


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
