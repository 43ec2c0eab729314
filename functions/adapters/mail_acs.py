"""The Mailer port over Azure Communication Services.

One request is one try: the SDK's own retries are off, since it would also repeat a send whose answer was lost, and the
service does not promise to notice. Nothing waits for a mail's end either (the SDK's poller sleeps 30 s between looks).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Never
from urllib.parse import quote

from azure.communication.email import EmailClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from functions.domain.mail import MailMessage, SendState, SendStatus
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_API_VERSION = "2025-09-01"
_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_STATES = {"notstarted": SendState.RUNNING, "running": SendState.RUNNING, "succeeded": SendState.SUCCEEDED}
_OVER_QUOTA = 429
_NOT_ACCEPTED = frozenset({401, 403, 404})
"""Our key, role or domain: no other mail would be taken either."""
_OUR_CODES = frozenset({"DomainNotLinked", "InvalidSenderUserName", "SenderDomainNotVerified", "Denied"})
"""The service's codes for the same that come with other statuses."""
_PERHAPS = frozenset({408, 409})
"""Answers that leave open whether the mail was taken, as every 5xx does."""


@dataclass(frozen=True, slots=True)
class AcsAccess:
    """The service's endpoint; with a key, or reached with the app's own identity."""

    endpoint: str
    sender: str
    key: str | None = field(default=None, repr=False)
    identity_client_id: str | None = None
    ca_file: str | None = None
    """An authority to trust in place of the system's: loopback only."""


class AcsMailer:
    """One Azure Communication Services resource."""

    def __init__(self, access: AcsAccess) -> None:
        self._sender = access.sender
        self._client = EmailClient(
            access.endpoint,
            _credential(access),
            api_version=_API_VERSION,
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retry_total=0,
            connection_verify=access.ca_file or True,
            use_env_settings=access.ca_file is None,
        )

    def send(self, message: MailMessage, operation_id: str) -> SendStatus:
        """See the port."""
        try:
            answer = self._client.begin_send(_body(self._sender, message), operation_id=operation_id, polling=False)
        except AzureError as fault:
            _refuse(fault)
        return _status(answer.result())

    def status(self, operation_id: str) -> SendStatus:
        """See the port."""
        path = f"/emails/operations/{quote(operation_id, safe='')}?api-version={_API_VERSION}"
        try:
            answer = self._client.send_request(HttpRequest("GET", path))
            answer.raise_for_status()
            return _status(answer.json())
        except ResourceNotFoundError:
            return SendStatus(SendState.UNKNOWN)
        except AzureError as fault:
            if isinstance(fault, HttpResponseError) and fault.status_code == 404:
                return SendStatus(SendState.UNKNOWN)
            _refuse(fault, asking=True)


def _credential(access: AcsAccess) -> Any:
    if access.key:
        return AzureKeyCredential(access.key)
    if access.identity_client_id:
        return ManagedIdentityCredential(client_id=access.identity_client_id)
    return DefaultAzureCredential()


def _body(sender: str, message: MailMessage) -> dict[str, Any]:
    return {
        "senderAddress": sender,
        "recipients": {"to": [{"address": message.to}]},
        "content": {"subject": message.subject, "plainText": message.plain, "html": message.html},
        "headers": dict(message.headers),
        "userEngagementTrackingDisabled": True,
    }


def _status(body: Any) -> SendStatus:
    """Result: what an operation's document says."""
    error = body.get("error") or {}
    state = _STATES.get(str(body.get("status", "")).lower(), SendState.FAILED)
    return SendStatus(state, str(error.get("code") or ""), str(error.get("message") or ""))


def _refuse(fault: AzureError, *, asking: bool = False) -> Never:
    """Raises what the fault means, by status and the service's own code."""
    if not isinstance(fault, HttpResponseError) or fault.response is None:
        if isinstance(fault, ClientAuthenticationError | CredentialUnavailableError):
            raise Retryable(
                ErrorCode.MAIL_NOT_ACCEPTED, f"The app's own identity gives no token ({type(fault).__name__})."
            ) from fault
        raise Retryable(ErrorCode.MAIL_UNAVAILABLE, f"No answer ({type(fault).__name__}).") from fault
    status, code = fault.status_code or 0, _code(fault)
    said = f"ONEMIGRATE_MAIL_ENDPOINT answered {status} ({code or 'no code'})."
    if status == _OVER_QUOTA:
        raise Retryable(ErrorCode.MAIL_OVER_QUOTA, said, retry_after_seconds=_retry_after(fault)) from fault
    if status in _NOT_ACCEPTED or code in _OUR_CODES:
        raise Retryable(ErrorCode.MAIL_NOT_ACCEPTED, said) from fault
    if asking or status >= 500 or status in _PERHAPS:
        raise Retryable(ErrorCode.MAIL_UNAVAILABLE, said) from fault
    raise Fatal(ErrorCode.MAIL_REFUSED, said) from fault


def _code(fault: HttpResponseError) -> str:
    """Result: the service's error code; "" where the body holds none."""
    try:
        return str(fault.response.json()["error"]["code"])  # type: ignore[union-attr]
    except (ValueError, KeyError, TypeError, AttributeError, AzureError):
        return ""


def _retry_after(fault: HttpResponseError) -> float | None:
    """Result: how long the service wants to be left alone; None where it does not say so in seconds."""
    headers = getattr(fault.response, "headers", {})
    given = str(headers.get("retry-after", ""))
    return float(given) if given.isdigit() else None
