"""Route templates, as ASP.NET matches them for the Functions host.

A template is segments such as `api/jobs/{job_id:guid}`, `{name?}`, `{name=default}`, `{*rest}`.
The host sorts functions by name, case-insensitively, and the first route that matches path and method
wins. Paths are compared without case; a wrong method is simply no match (404, not 405).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from local.functions_host.function import Function

RESERVED_SEGMENTS = {"admin", "runtime"}

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}:=?]+(?:\([^()]*\))?)*)(?:=(?P<default>[^{}?]*))?(?P<optional>\??)\}"
)
_PATTERNS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "bool": r"(?i:true|false)",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?",
    "float": r"-?\d+(?:\.\d+)?",
    "required": r".+",
}

type Check = Callable[[str], bool]


class RouteInvalid(Exception):
    """A template that the host refuses: unknown constraint, bad syntax, or a reserved first segment."""


@dataclass(frozen=True)
class Route:
    """One function's compiled template."""

    function: Function
    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    defaults: Mapping[str, str]
    checks: tuple[tuple[str, Check], ...]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The route parameters if this route takes the request; absent optional ones are left out."""
        found = self.pattern.fullmatch(path)
        if found is None or (self.methods and method.upper() not in self.methods):
            return None
        params = {**self.defaults, **{name: value for name, value in found.groupdict().items() if value}}
        if all(check(params[name]) for name, check in self.checks if name in params):
            return params
        return None


class RouteTable:
    """The routes of an app in the host's order of precedence."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        """Compile the routes of the functions with an HTTP trigger; raises RouteInvalid."""
        ordered = sorted(functions, key=lambda function: function.name.lower())
        self.routes = tuple(_route(function, prefix) for function in ordered)

    def match(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        """The first route that takes the request, with its parameters."""
        for route in self.routes:
            params = route.match(method, path)
            if params is not None:
                return route.function, params
        return None


def _route(function: Function, prefix: str) -> Route:
    # An empty route becomes the function's name, and the prefix goes in front of either.
    own = function.trigger.get("route") or function.name
    if own.startswith(("/", "~")):
        raise RouteInvalid(f"{function.name}: a route may not begin with {own[0]!r}")
    template = "/".join(part for part in (prefix, own.rstrip("/")) if part)
    if template.split("/")[0].lower() in RESERVED_SEGMENTS:
        raise RouteInvalid(f"{function.name}: the route {template!r} conflicts with a route of the host")
    pattern, defaults, checks = _compile(template)
    methods = frozenset(str(method).upper() for method in function.trigger.get("methods") or ())
    return Route(function, template, methods, pattern, defaults, checks)


def _compile(template: str) -> tuple[re.Pattern[str], dict[str, str], tuple[tuple[str, Check], ...]]:
    expression, defaults, checks = "", {}, []
    for segment in template.split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            expression += "/" + _mixed_segment(segment, template)
            continue
        name, catch_all = parameter["name"], bool(parameter["star"])
        pattern = ".*" if catch_all else "[^/]+"
        for constraint in filter(None, re.split(r":(?![^()]*\))", parameter["constraints"] or "")):
            narrowed, check = _constraint(constraint, template)
            pattern = narrowed or pattern
            if check:
                checks.append((name, check))
        if parameter["default"] is not None:
            defaults[name] = parameter["default"]
        may_be_absent = catch_all or bool(parameter["optional"]) or parameter["default"] is not None
        expression += f"(?:/(?P<{name}>{pattern}))?" if may_be_absent else f"/(?P<{name}>{pattern})"
    return re.compile(expression + "/?", re.IGNORECASE), defaults, tuple(checks)


def _mixed_segment(segment: str, template: str) -> str:
    """A segment of literal text with plain parameters in it, such as `{name}.csv`."""
    if "{" in re.sub(r"\{\w+\}", "", segment):
        raise RouteInvalid(f"cannot read the segment {segment!r} of {template!r}")
    parts = re.split(r"\{(\w+)\}", segment)
    return "".join(f"(?P<{part}>[^/]+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))


def _constraint(text: str, template: str) -> tuple[str | None, Check | None]:
    """A route constraint as a pattern that replaces the default one, or a check of the value, or both."""
    name, _, argument = text.partition("(")
    argument = argument.removesuffix(")")
    if not argument and name in _PATTERNS:
        return _PATTERNS[name], None
    try:
        if name in {"min", "max", "range"}:
            return r"-?\d+", _number_check(name, argument)
        if name in {"length", "minlength", "maxlength"}:
            return None, _length_check(name, argument)
        if name == "regex":
            wanted = re.compile(argument, re.IGNORECASE)
            return None, lambda value: wanted.search(value) is not None
    except (ValueError, re.error) as fault:
        raise RouteInvalid(f"bad constraint {text!r} in {template!r}: {fault}") from fault
    raise RouteInvalid(f"unknown constraint {text!r} in {template!r}")


def _number_check(name: str, argument: str) -> Check:
    numbers = [int(number) for number in argument.split(",")]
    low = numbers[0] if name != "max" else None
    high = numbers[-1] if name != "min" else None
    return lambda value: (low is None or int(value) >= low) and (high is None or int(value) <= high)


def _length_check(name: str, argument: str) -> Check:
    numbers = [int(number) for number in argument.split(",")]
    low = numbers[0] if name != "maxlength" else 0
    high = numbers[-1] if name != "minlength" else None
    return lambda value: len(value) >= low and (high is None or len(value) <= high)
