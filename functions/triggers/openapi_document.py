"""The API's description (OpenAPI 3.1), made from the endpoints' declarations and their pydantic models. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_endpoint import Audience, Endpoint
from functions.triggers.edge_request import JSON_CONTENT_TYPE
from migrate_contract.agents import AGENT_KEY_HEADER, CORRELATION_HEADER, SESSION_HEADER
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.problem import PROBLEM_CONTENT_TYPE, Problem

type Json = dict[str, Any]

_REFERENCES = "#/components/schemas/{model}"
_HEADERS: Json = {
    CORRELATION_HEADER: {
        "description": "Finds this request in the log of the control plane.",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Json = {
    "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 1}}
}
_SECURITY_SCHEMES: Json = {
    "agent": {
        "type": "apiKey",
        "in": "header",
        "name": AGENT_KEY_HEADER,
        "description": "`<organization>.<agent>.<secret>`, given at registration.",
    },
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "A Microsoft Entra ID token for this app, or the session cookie of App Service authentication. "
        "The platform itself answers 401, without a problem, to a token that is not valid.",
    },
}
_SECURITY: Mapping[Audience, list[Json]] = {
    Audience.OPEN: [],
    Audience.AGENT: [{"agent": []}],
    Audience.OPERATOR: [{"operator": []}],
}


def openapi_document(endpoints: Iterable[Endpoint], *, version: str, server_url: str) -> Json:
    """Result: the description of every endpoint under /api; pages are not part of the API."""
    described = sorted((found for found in endpoints if not found.page), key=lambda found: (found.route, found.method))
    schemas, definitions = _schemas(described)
    paths: Json = {}
    for endpoint in described:
        paths.setdefault("/" + endpoint.route, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OneMigrate",
            "version": version,
            "description": "The control plane: operators steer migrations, agents report. Errors are problems "
            f"({PROBLEM_CONTENT_TYPE}) with a code, a fix and a correlation id. Unknown fields are ignored.",
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.tag for endpoint in described)],
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": _SECURITY_SCHEMES},
    }


type _Key = tuple[str, JsonSchemaMode]


def _schemas(endpoints: list[Endpoint]) -> tuple[dict[_Key, Json], Json]:
    """Result: the schema of each endpoint's body, query and answer, and the models that they refer to."""
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [("problem", "serialization", TypeAdapter(Problem))]
    for endpoint in endpoints:
        if endpoint.body is not None:
            wanted.append((endpoint.name, "validation", TypeAdapter(endpoint.body)))
        if _has_json_answer(endpoint):
            wanted.append((endpoint.name, "serialization", TypeAdapter(endpoint.answer)))
    schemas, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REFERENCES)
    return dict(schemas), definitions.get("$defs", {})


def _has_json_answer(endpoint: Endpoint) -> bool:
    return endpoint.answer not in {None, type(None), Answer}


def _operation(endpoint: Endpoint, schemas: Mapping[_Key, Json]) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "security": _SECURITY[endpoint.audience],
        "parameters": _parameters(endpoint),
        "responses": {str(endpoint.status): _success(endpoint, schemas), **_refusals(endpoint, schemas)},
    }
    if endpoint.body is not None:
        needed = any(field.is_required() for field in endpoint.body.model_fields.values())
        schema = schemas[endpoint.name, "validation"]
        operation["requestBody"] = {"required": needed, "content": {JSON_CONTENT_TYPE: {"schema": schema}}}
    return operation


def _description(endpoint: Endpoint) -> str:
    text = inspect.getdoc(endpoint.function) or endpoint.name
    if endpoint.audience is Audience.OPERATOR and endpoint.role is not Role.READER:
        text += f"\n\nNeeds the role {endpoint.role.value}."
    return text


def _parameters(endpoint: Endpoint) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": adapter.json_schema()}
        for name, adapter in endpoint.path.items()
    ]
    if endpoint.query is not None:
        # Parameters carry their schemas in place: a query's model is no component of its own.
        model = endpoint.query.model_json_schema()
        required = set(model.get("required", ()))
        for name, schema in model.get("properties", {}).items():
            plain = _resolved(_without_null(schema), model.get("$defs", {}))
            found.append({"name": name, "in": "query", "required": name in required, "schema": plain})
    if endpoint.session:
        schema = {"type": "string", "pattern": "^[0-9]{1,15}$"}
        text = "The session epoch of the newest heartbeat answer."
        found.append({"name": SESSION_HEADER, "in": "header", "required": True, "description": text, "schema": schema})
    return found


def _without_null(schema: Json) -> Json:
    """Result: the schema of the value when it is given: a query has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default", "title"}}
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    return kept if not kinds else {**kept, **kinds[0]} if len(kinds) == 1 else {**kept, "anyOf": kinds}


def _resolved(schema: Json, definitions: Mapping[str, Json]) -> Json:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name not in definitions:
        return schema
    return {**definitions[name], **{key: value for key, value in schema.items() if key != "$ref"}}


def _success(endpoint: Endpoint, schemas: Mapping[_Key, Json]) -> Json:
    answer: Json = {"description": "Done" if endpoint.status == 204 else endpoint.summary, "headers": _HEADERS}
    if _has_json_answer(endpoint):
        answer["content"] = {JSON_CONTENT_TYPE: {"schema": schemas[endpoint.name, "serialization"]}}
    elif endpoint.produces:
        kind = "object" if endpoint.produces == JSON_CONTENT_TYPE else "string"
        answer["content"] = {endpoint.produces: {"schema": {"type": kind}}}
    return answer


def _refusals(endpoint: Endpoint, schemas: Mapping[_Key, Json]) -> Json:
    by_status: dict[int, list[ErrorCode]] = {}
    for code in sorted(endpoint.codes):
        by_status.setdefault(CATALOGUE[code].status, []).append(code)
    return {
        str(status): _problem(codes, schemas["problem", "serialization"]) for status, codes in sorted(by_status.items())
    }


def _problem(codes: list[ErrorCode], problem: Json) -> Json:
    retry = _RETRY_AFTER if any(CATALOGUE[code].retryable for code in codes) else {}
    exact = {"allOf": [problem, {"properties": {"code": {"enum": [code.value for code in codes]}}}]}
    return {
        "description": "; ".join(f"`{code.value}`: {CATALOGUE[code].title}" for code in codes),
        "headers": {**_HEADERS, **retry},
        "content": {PROBLEM_CONTENT_TYPE: {"schema": exact}},
    }
