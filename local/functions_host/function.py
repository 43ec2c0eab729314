"""What the host knows about an indexed function: its name, its trigger and its output bindings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

type Binding = Mapping[str, Any]
"""One binding as function.json would spell it: type, direction, name and whatever the type adds."""

HTTP_TRIGGER = "httptrigger"
TIMER_TRIGGER = "timertrigger"
QUEUE_TRIGGER = "queuetrigger"
SUPPORTED_TRIGGERS = {HTTP_TRIGGER, TIMER_TRIGGER, QUEUE_TRIGGER}
SUPPORTED_OUTPUTS = {"http", "queue"}


class BindingUnsupported(Exception):
    """The app uses a trigger or binding that this host does not have."""


@dataclass(frozen=True)
class Function:
    """One indexed function; `function_id` is the worker library's own key for it."""

    name: str
    function_id: str
    trigger: Binding
    outputs: tuple[Binding, ...]

    @property
    def kind(self) -> str:
        """The trigger's type in lower case, one of SUPPORTED_TRIGGERS."""
        return str(self.trigger["type"]).lower()

    @property
    def trigger_parameter(self) -> str:
        """The name of the function's parameter that receives the trigger."""
        return str(self.trigger["name"])

    def output(self, name: str) -> Binding:
        """The output binding of that parameter name; raises KeyError."""
        for binding in self.outputs:
            if binding["name"] == name:
                return binding
        raise KeyError(name)


def from_metadata(name: str, function_id: str, raw_bindings: Iterable[str]) -> Function:
    """A function from what the worker library reports; raises BindingUnsupported."""
    bindings: list[Binding] = [json.loads(raw) for raw in raw_bindings]
    triggers = [binding for binding in bindings if str(binding["type"]).lower().endswith("trigger")]
    outputs = tuple(binding for binding in bindings if binding not in triggers)
    if len(triggers) != 1 or str(triggers[0]["type"]).lower() not in SUPPORTED_TRIGGERS:
        kinds = ", ".join(str(trigger["type"]) for trigger in triggers) or "no trigger"
        raise BindingUnsupported(f"{name}: {kinds}")
    for binding in outputs:
        is_output = str(binding.get("direction", "")).lower() == "out"
        if not is_output or str(binding["type"]).lower() not in SUPPORTED_OUTPUTS:
            raise BindingUnsupported(f"{name}: binding {binding['type']} {binding.get('direction')}")
    return Function(name, function_id, triggers[0], outputs)
