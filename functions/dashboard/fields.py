"""Fields of forms: text as typed, checked against the wire's own types, refused with a sentence for that field.

A browser sends text; the edge leaves out what was left blank. So every field has a default, and a check that says
what to do instead of what a type is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from migrate_contract.paths import ABSOLUTE_PATH
from migrate_contract.wire import Name


class FormModel(BaseModel):
    """Base of every form: unknown fields are ignored, defaults are checked like anything typed."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True, str_strip_whitespace=True)


def must_be(kind: Any, sentence: str) -> AfterValidator:
    """Result: a check against a type of the wire, refused with `sentence`."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def check(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError:
            raise ValueError(sentence) from None

    return AfterValidator(check)


def like(model: type[BaseModel], field: str, sentence: str) -> AfterValidator:
    """Result: a check against the type of a field of the wire, refused with `sentence`."""
    return must_be(model.model_fields[field].rebuild_annotation(), sentence)


def number(convert: Callable[[str], Any], sentence: str) -> BeforeValidator:
    """Result: a check that turns typed text into a number; blank is None."""

    def check(value: Any) -> Any:
        if value is None or value == "":
            return None
        try:
            return convert(str(value).strip())
        except ValueError:
            raise ValueError(sentence) from None

    return BeforeValidator(check)


def one_per_line(text: str) -> list[str]:
    """Result: the lines that are not blank, without surrounding space."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def full_path(text: str) -> str:
    """Result: the path as typed; raises ValueError for one that depends on where a process was started."""
    if not text:
        raise ValueError("Enter the folder that is to be copied.")
    if not re.match(ABSOLUTE_PATH, text):
        raise ValueError("Write the full path, such as /srv/files, D:\\Files or \\\\server\\share.")
    return text


NAME_RULE = "Enter a name of 1 to 120 characters."
NameField = Annotated[str, Field(default=""), must_be(Name, NAME_RULE)]
