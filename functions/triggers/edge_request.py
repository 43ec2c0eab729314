"""Reading a request: sizes, content type, JSON, forms, query and path, each refused with its own code.

Nothing here knows who is calling or what the endpoint does with the values.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from migrate_contract.agents import CORRELATION_HEADER
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.problem import FieldError

JSON_CONTENT_TYPE = "application/json"
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 500
MAX_LISTED_ERRORS = 20
"""More would only tell a broken program how broken it is."""
CORRELATION_ID_PATTERN = r"^[A-Za-z0-9_-]{8,64}$"
"""What is accepted from outside as a correlation id; anything else could forge log lines."""


class RequestInvalid(Fatal):
    """The request is readable, but these fields of it are wrong."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        named = ", ".join(dict.fromkeys(error.field or "body" for error in errors))
        super().__init__(ErrorCode.REQUEST_INVALID, f"Wrong: {named}"[:500])
        self.errors = list(errors)


class Query(BaseModel):
    """Base of query parameters other than a list's; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def correlation_id(request: func.HttpRequest) -> str:
    """Result: the caller's id where it is one, else a new one."""
    given = request.headers.get(CORRELATION_HEADER, "")
    return given if re.fullmatch(CORRELATION_ID_PATTERN, given) else secrets.token_hex(12)


def checked_body(request: func.HttpRequest, limit_bytes: int) -> bytes:
    """Result: the raw body; raises body-too-large before anything looks into it."""
    body: bytes = request.get_body() or b""
    if len(body) > limit_bytes:
        raise Fatal(ErrorCode.BODY_TOO_LARGE, f"{len(body)} bytes were sent; at most {limit_bytes} are taken here.")
    return body


def json_body[M: BaseModel](request: func.HttpRequest, body: bytes, model: type[M]) -> M:
    """Result: the body as the model; raises request-malformed (not JSON, no object) or request-invalid (values)."""
    if not body and not any(field.is_required() for field in model.model_fields.values()):
        return model.model_validate({})
    _require_content_type(request, JSON_CONTENT_TYPE)
    try:
        return model.model_validate_json(body)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise Fatal(ErrorCode.REQUEST_MALFORMED, first["msg"]) from None
        if not first["loc"] and first["type"] in {"model_type", "model_attributes_type", "dict_type"}:
            raise Fatal(ErrorCode.REQUEST_MALFORMED, "The body is JSON, but no object.") from None
        raise RequestInvalid(field_errors(fault)) from None


def form_values(request: func.HttpRequest, body: bytes) -> dict[str, list[str]]:
    """Result: the fields of a posted form, each with its values in order; raises request-malformed."""
    if not body:
        return {}
    _require_content_type(request, FORM_CONTENT_TYPE)
    return _pairs(body.decode("ascii", errors="strict") if body.isascii() else _not_encoded())


def query_values(request: func.HttpRequest) -> dict[str, list[str]]:
    """Result: the query's parameters; read from the address, since the host drops empty ones.

    Raises request-malformed.
    """
    return _pairs(urlsplit(request.url).query)


def cookies(request: func.HttpRequest) -> dict[str, str]:
    """Result: the cookies that the browser sent. One that cannot be read does not hide the others."""
    parts = (part.partition("=") for part in request.headers.get("Cookie", "").split(";"))
    return {name.strip(): value.strip().strip('"') for name, equals, value in parts if equals}


def validated[M: BaseModel](model: type[M], values: Mapping[str, Sequence[str]], *, blank_is_absent: bool) -> M:
    """Result: text fields as the model; a field that is no list must come once. Raises RequestInvalid.

    `blank_is_absent`: a form sends every text field, also the ones left empty.
    """
    given: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        texts = [text for text in values.get(name, ()) if text or not blank_is_absent]
        if not texts:
            continue
        if _is_list(field.annotation):
            given[name] = texts
        elif len(texts) == 1:
            given[name] = texts[0]
        else:
            raise RequestInvalid([FieldError(field=name, message="was given more than once")])
    try:
        return model.model_validate(given, strict=False)
    except ValidationError as fault:
        raise RequestInvalid(field_errors(fault)) from None


def path_values(request: func.HttpRequest, adapters: Mapping[str, TypeAdapter[Any]]) -> dict[str, Any]:
    """Result: the route's parameters; one that cannot be an id names nothing: raises not-found."""
    values: dict[str, Any] = {}
    for name, adapter in adapters.items():
        try:
            values[name] = adapter.validate_python(request.route_params.get(name, ""))
        except ValidationError:
            raise Fatal(ErrorCode.NOT_FOUND, f"{name} in the address names nothing here.") from None
    return values


def field_errors(fault: ValidationError) -> list[FieldError]:
    """Result: pydantic's findings without the values, which may be secrets."""
    found = fault.errors(include_input=False, include_url=False, include_context=False)
    return [
        FieldError(field=_field_name(error["loc"]), message=_in_words(error["type"], error["msg"]))
        for error in found[:MAX_LISTED_ERRORS]
    ]


def _field_name(place: Sequence[int | str]) -> str:
    """Result: the field as the caller wrote it. Of a choice between types, pydantic adds each type's own name."""
    return ".".join(str(part) for part in place if not re.search(r"[\[(]", str(part)))


def _in_words(kind: str, message: str) -> str:
    """Result: the message for a person; a regular expression is none."""
    if kind == "string_pattern_mismatch":
        return "has characters, or a form, that cannot be used here"
    return message.removeprefix("Value error, ")


def _require_content_type(request: func.HttpRequest, wanted: str) -> None:
    given = request.headers.get("Content-Type", "")
    kind, _, parameters = given.partition(";")
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters, re.IGNORECASE)
    if kind.strip().lower() != wanted or (charset and charset.group(1).lower() not in {"utf-8", "utf8"}):
        raise Fatal(ErrorCode.REQUEST_MALFORMED, f"The content type must be {wanted} in UTF-8.")


def _pairs(text: str) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise Fatal(ErrorCode.REQUEST_MALFORMED, "The fields are not URL-encoded UTF-8, or too many.") from None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _not_encoded() -> str:
    raise Fatal(ErrorCode.REQUEST_MALFORMED, "The fields are not URL-encoded.")


def _is_list(annotation: object) -> bool:
    return getattr(annotation, "__origin__", None) in {list, tuple}
