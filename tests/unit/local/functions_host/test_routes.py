"""Route templates match as ASP.NET's do in the Functions host."""

from __future__ import annotations

from typing import Any

import pytest

from local.functions_host.function import Function
from local.functions_host.routes import RouteInvalid, RouteTable


def http(name: str, route: str | None, *methods: str) -> Function:
    trigger: dict[str, Any] = {"type": "httpTrigger", "name": "req", "methods": list(methods)}
    if route is not None:
        trigger["route"] = route
    return Function(name, name, trigger, ())


def params(template: str, path: str) -> dict[str, str] | None:
    match = RouteTable([http("f", template)], "").match("GET", path)
    return match[1] if match else None


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/jobs", "/api/jobs", {}),
        ("api/jobs", "/API/Jobs/", {}),
        ("api/jobs", "/api/jobs/x", None),
        ("api/jobs", "/api", None),
        ("api/jobs/{id}", "/api/jobs/A-1", {"id": "A-1"}),
        ("api/jobs/{id}", "/api/jobs/", None),
        ("jobs/{id}.csv", "/jobs/a.b.csv", {"id": "a.b"}),
        ("jobs/{id}/files.csv", "/jobs/a/filesXcsv", None),
        ("{a}/{b?}", "/x", {"a": "x"}),
        ("{a}/{b?}", "/x/y", {"a": "x", "b": "y"}),
        ("{a}/{b=z}", "/x", {"a": "x", "b": "z"}),
        ("static/{*path}", "/static/a/b", {"path": "a/b"}),
        ("static/{*path}", "/static", {}),
        ("n/{i:int}", "/n/-12", {"i": "-12"}),
        ("n/{i:int}", "/n/1.5", None),
        ("n/{i:min(3)}", "/n/2", None),
        ("n/{i:range(3,5)}", "/n/5", {"i": "5"}),
        ("n/{i:range(3,5)}", "/n/6", None),
        ("g/{i:guid}", "/g/0f8fad5b-d9cb-469f-a165-70867728950e", {"i": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
        ("g/{i:guid}", "/g/xyz", None),
        ("b/{i:bool}", "/b/TRUE", {"i": "TRUE"}),
        ("w/{i:alpha:length(2,3)}", "/w/abcd", None),
        ("w/{i:alpha:length(2,3)}", "/w/abc", {"i": "abc"}),
        ("r/{i:regex(^a+$)}", "/r/aaa", {"i": "aaa"}),
        ("r/{i:regex(^a+$)}", "/r/ab", None),
        ("{ignored:maxlength(0)?}", "/", {}),
        ("{ignored:maxlength(0)?}", "/x", None),
        ("a.b+c/{x}", "/a.b+c/1", {"x": "1"}),
        ("a.b/{x}", "/aXb/1", None),
    ],
)
def test_a_template_takes_what_it_says(template: str, path: str, expected: dict[str, str] | None):
    assert params(template, path) == expected


def test_the_first_by_name_wins_in_any_case():
    table = RouteTable([http("b_fixed", "x/fixed"), http("A_any", "x/{id}")], "")
    match = table.match("GET", "/x/fixed")
    assert match is not None
    assert match[0].name == "A_any"


def test_a_wrong_method_is_no_match_and_the_next_route_is_asked():
    table = RouteTable([http("a", "x", "POST"), http("b", "x", "GET")], "")
    assert table.match("DELETE", "/x") is None
    match = table.match("GET", "/x")
    assert match is not None
    assert match[0].name == "b"


def test_the_prefix_goes_before_and_no_route_is_the_name():
    table = RouteTable([http("Health", None, "GET")], "api")
    assert table.match("GET", "/api/health") is not None
    assert table.match("GET", "/health") is None


@pytest.mark.parametrize(
    "template",
    ["admin/x", "Admin", "runtime/{x}", "/x", "~/x", "n/{i:nothing}", "n/{i:range(a)}", "n/{i:regex([)}", "n/{i"],
)
def test_what_the_host_refuses(template: str):
    with pytest.raises(RouteInvalid):
        RouteTable([http("f", template)], "")
