"""The app settings of mail: which service carries it, who sends it, and who gets what is for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator

from functions.adapters.mail_smtp import SmtpSecurity
from functions.domain.mail_views import MailAddress

_MAIL, _SMTP = "ONEMIGRATE_MAIL_", "ONEMIGRATE_SMTP_"
OPERATORS = "ONEMIGRATE_OPERATOR_MAIL"
_MODEL = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class AcsSettings(BaseModel):
    """Azure Communication Services: with a key, or with the app's own identity."""

    model_config = _MODEL
    endpoint: Annotated[str, StringConstraints(pattern=r"^https://[^\s/?#@]+/?$")]
    key: SecretStr | None = None
    client_id: str | None = None
    """The user-assigned identity; absent: the system-assigned one."""


class SmtpSettings(BaseModel):
    """A mail server."""

    model_config = _MODEL
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$", max_length=253)]
    port: int = Field(default=587, ge=1, le=65535)
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    user: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        if self.security is SmtpSecurity.NONE and self.host not in _LOOPBACK:
            raise ValueError("security: none is for loopback only; use starttls or tls")
        return self


class MailSettings(BaseModel):
    """At most one service; without one, no mail is sent and every mail says so."""

    model_config = _MODEL
    sender: MailAddress | None = None
    acs: AcsSettings | None = None
    smtp: SmtpSettings | None = None
    operators: tuple[MailAddress, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.acs and self.smtp:
            raise ValueError("set ONEMIGRATE_MAIL_ENDPOINT or ONEMIGRATE_SMTP_HOST, not both")
        if (self.acs or self.smtp) and not self.sender:
            raise ValueError("ONEMIGRATE_MAIL_SENDER is missing: the address that mail comes from")
        return self


def read_mail(given: Mapping[str, str], wrong: list[str]) -> MailSettings:
    """Result: the settings of mail; what is wrong with them is added to `wrong`, never a value."""
    values: dict[str, Any] = {}
    if f"{_MAIL}SENDER" in given:
        values["sender"] = given[f"{_MAIL}SENDER"]
    if OPERATORS in given:
        values["operators"] = tuple(part.strip() for part in given[OPERATORS].split(",") if part.strip())
    if f"{_MAIL}ENDPOINT" in given:
        values["acs"] = _named(given, _MAIL, {"endpoint": "ENDPOINT", "key": "KEY", "client_id": "CLIENT_ID"})
    if f"{_SMTP}HOST" in given:
        names = ("host", "port", "security", "user", "password")
        values["smtp"] = _named(given, _SMTP, {name: name.upper() for name in names})
    try:
        return MailSettings.model_validate(values)
    except ValidationError as fault:
        wrong += [_said(error["loc"], error["msg"]) for error in fault.errors()]
        return MailSettings()


def _named(given: Mapping[str, str], prefix: str, names: Mapping[str, str]) -> dict[str, str]:
    return {field: given[prefix + name] for field, name in names.items() if prefix + name in given}


def _said(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    match location:
        case ("sender",):
            name = f"{_MAIL}SENDER"
        case ("operators", *_):
            name = OPERATORS
        case ("acs", field):
            name = f"{_MAIL}{str(field).upper()}"
        case ("smtp", field):
            name = f"{_SMTP}{str(field).upper()}"
        case ("smtp",):
            name = f"{_SMTP}SECURITY"
        case _:
            return message
    return f"{name} is wrong: {message}"
