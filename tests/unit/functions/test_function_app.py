"""What the runtime indexes, exactly; and that no two routes can take the same address."""

from __future__ import annotations

import itertools
import re

from functions.triggers import api
from functions.triggers.edge_endpoint import Audience
from functions.triggers.pages import PAGES
from local.functions_host.function import HTTP_TRIGGER, Function
from local.functions_host.routes import RouteTable
from tests.harness.app_functions import app_functions, http_functions
from tests.unit.functions.triggers.test_api_endpoints import EXPECTED

API_NAMES = [line.split()[0] for line in EXPECTED.strip().splitlines()]
OPEN_PAGES = {
    "page_help",
    "page_help_code",
    "page_static",
    "page_reconnect",
    "page_reconnect_begin",
    "page_reconnect_check",
    "page_reconnect_save",
    "page_sign_in_callback",
    "page_approve",
    "page_approved",
    "page_unsubscribe",
    "page_unsubscribe_do",
    "page_unsubscribe_undo",
}


def test_every_function_is_known_by_name():
    pages = [endpoint.name for routes in PAGES for endpoint in routes.endpoints]
    others = ["dispatch", "dispatch_poison", "mail_events", "sign_in_upkeep", "sweep", "token_refresh"]
    assert [function.name for function in app_functions()] == sorted([*API_NAMES, *pages, *others])
    triggers = {function.name: function.trigger for function in app_functions() if function.name in others}
    assert triggers == {
        "dispatch": "queueTrigger",
        "dispatch_poison": "queueTrigger",
        "mail_events": "queueTrigger",
        "sign_in_upkeep": "timerTrigger",
        "sweep": "timerTrigger",
        "token_refresh": "timerTrigger",
    }


def test_routes_and_methods_are_the_declared_ones():
    declared = {
        (endpoint.name, endpoint.method, endpoint.route)
        for routes in (*api.API, *PAGES)
        for endpoint in routes.endpoints
    }
    assert {(function.name, function.method, function.route) for function in http_functions()} == declared


def test_no_route_begins_with_what_the_host_keeps_for_itself():
    assert not [function for function in http_functions() if re.match(r"/|admin\b|runtime\b|\.auth", function.route)]


def test_each_address_is_taken_by_one_route_whatever_their_order():
    functions = [
        Function(
            one.name, one.name, {"type": HTTP_TRIGGER, "name": "req", "route": one.route, "methods": [one.method]}, ()
        )
        for one in http_functions()
    ]
    routes = RouteTable(functions, "").routes
    for one in http_functions():
        taken = [route.function.name for route in routes if route.match(one.method, one.path) is not None]
        assert taken == [one.name]


def test_no_two_templates_match_the_same_path():
    for left, right in itertools.combinations(http_functions(), 2):
        if left.method == right.method:
            assert not _overlap(left.route, right.route), (left, right)


def test_only_these_pages_are_open():
    open_pages = {
        endpoint.name for routes in PAGES for endpoint in routes.endpoints if endpoint.audience is Audience.OPEN
    }
    assert open_pages == OPEN_PAGES


def _overlap(left: str, right: str) -> bool:
    """Result: whether some path fits both templates, a constraint counted as what it names."""
    ours, theirs = _segments(left), _segments(right)
    for one, other in zip(ours, theirs, strict=False):
        if "*" in (one, other):
            return True
        if one != other and "?" not in (one, other):
            return False
    return (ours[len(theirs) :] or theirs[len(ours) :]) in ([], ["*"])


def _segments(template: str) -> list[str]:
    """Result: each segment as itself, `?` for a parameter, `*` for all the rest."""
    if template.startswith("{ignored"):
        return []
    return [
        "*" if segment.startswith("{*") else "?" if segment.startswith("{") else segment.lower()
        for segment in template.split("/")
    ]
