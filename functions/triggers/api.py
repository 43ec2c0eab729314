"""Every endpoint of the API, and its description."""

from __future__ import annotations

import json
from functools import cache

from functions.triggers import (
    agent_calls,
    agents,
    azure_sign_in,
    clients,
    events,
    health,
    imports,
    jobs,
    mails,
    oversight,
    projects,
    registration_codes,
    reports,
    rockrms,
    sign_in_ends,
    webhooks,
)
from functions.triggers.edge import Routes
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import OpenCall
from functions.triggers.edge_request import JSON_CONTENT_TYPE
from functions.triggers.openapi_document import openapi_document
from functions.version import VERSION

description = Routes("description")
API = (
    agent_calls.routes,
    agents.routes,
    azure_sign_in.routes,
    clients.routes,
    description,
    events.routes,
    health.routes,
    imports.routes,
    jobs.routes,
    mails.routes,
    oversight.routes,
    projects.routes,
    registration_codes.routes,
    reports.routes,
    rockrms.routes,
    sign_in_ends.routes,
    webhooks.routes,
)


@description.open("GET", "api/openapi.json", produces=JSON_CONTENT_TYPE)
def openapi_show(call: OpenCall) -> Answer:
    """Show this description."""
    return Answer(_document(call.services.settings.public_url), 200, JSON_CONTENT_TYPE)


@cache
def _document(server_url: str) -> bytes:
    endpoints = [endpoint for routes in API for endpoint in routes.endpoints]
    return json.dumps(openapi_document(endpoints, version=VERSION, server_url=server_url), ensure_ascii=False).encode()
