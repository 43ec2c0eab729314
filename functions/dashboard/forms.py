"""Forms: what was typed, and what is wrong with it, shown at the field it belongs to.

Nouns: *values* are the posted fields, each with its texts in order; a *field error* is a sentence beside one field;
the *refusal* is a problem that belongs to no single field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate_contract.problem import Problem

type Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Form:
    """A form as it is shown: first empty or with defaults, after a refusal with what was typed."""

    values: Values = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    refusal: Problem | None = None

    def value(self, name: str, default: str = "") -> str:
        """Result: what to put into the field."""
        texts = self.values.get(name)
        return texts[0] if texts else default

    def checked(self, name: str, *, default: bool = False) -> bool:
        """Result: whether the box is ticked; a browser sends nothing for one that is not."""
        return name in self.values if self.values else default

    def error(self, name: str) -> str | None:
        """Result: what is wrong with the field, or None."""
        return self.errors.get(name)


EMPTY_FORM = Form()
