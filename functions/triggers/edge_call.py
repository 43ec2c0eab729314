"""What an endpoint's body is given: the services, who is calling, and for pages the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.bootstrap import Services
from functions.dashboard.frame import Frame
from functions.domain.caller import AgentCaller, OperatorCaller
from functions.triggers.edge_answer import Answer, html_answer, see_other


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that needs no caller."""

    services: Services
    correlation_id: str
    address: str
    """Where it comes from, for throttling; 'unknown' where nothing says."""


@dataclass(frozen=True, slots=True)
class AgentCall:
    """A call of an agent whose key and session were checked."""

    services: Services
    correlation_id: str
    agent: AgentCaller


@dataclass(frozen=True, slots=True)
class OperatorCall:
    """A call of a signed-in member whose role was checked."""

    services: Services
    correlation_id: str
    caller: OperatorCaller


@dataclass(frozen=True, slots=True)
class OpenPageCall:
    """A page or form that anybody may use; `frame.caller` is None."""

    services: Services
    frame: Frame
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    def html(self, text: str, status: int = 200) -> Answer:
        """Result: the page or fragment."""
        return html_answer(text, status)

    def see_other(self, path: str) -> Answer:
        """Result: where a form leads."""
        return see_other(path)


@dataclass(frozen=True, slots=True)
class PageCall:
    """A page or form of a signed-in member whose role was checked."""

    services: Services
    frame: Frame
    caller: OperatorCaller
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    def html(self, text: str, status: int = 200) -> Answer:
        """Result: the page or fragment."""
        return html_answer(text, status)

    def see_other(self, path: str) -> Answer:
        """Result: where a form leads: 303, or for htmx its own header."""
        return see_other(path, htmx=self.frame.fragment)
