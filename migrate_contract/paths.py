"""Paths on the agent's machine, as an operator types them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

ABSOLUTE_PATH = r"^(/|[A-Za-z]:[\\/]|\\\\[^\\])[^\x00]*$"
"""Of POSIX, of a Windows drive, or UNC: anything else depends on where the agent's process was started."""


def _absolute(path: str) -> str:
    if re.match(ABSOLUTE_PATH, path) is None:
        raise ValueError("write the full path, such as /srv/files, D:\\Files or \\\\server\\share")
    return path


AbsolutePath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    AfterValidator(_absolute),
    Field(json_schema_extra={"pattern": ABSOLUTE_PATH}),
]
