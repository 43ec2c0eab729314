"""The connection string inside Rock's web.ConnectionStrings.config, pasted as the file, or as one of its lines.

Read without an XML parser's dangers: a document type or an entity of its own is refused.
"""

from __future__ import annotations

import re
from html import unescape

from migrate_contract.errors import ErrorCode, Fatal

ROCK_NAME = "RockContext"
"""Under which Rock looks its connection up."""
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ADD = re.compile(r"<add\b((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def is_web_config(text: str) -> bool:
    """Whether it is XML rather than a connection string."""
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def connection_string_in(text: str) -> str:
    """Result: Rock's connection string of that XML. Raises Fatal(sql-connection-string-invalid)."""
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise _refused("the XML declares a document type, which web.ConnectionStrings.config has not")
    if "configProtectionProvider" in text or "<EncryptedData" in text:
        raise _refused(
            "this web.ConnectionStrings.config is encrypted: decrypt it on Rock's server (aspnet_regiis -pdf)"
        )
    found: dict[str, str] = {}
    for attributes in _ADD.findall(_COMMENT.sub("", text)):
        values = {name.lower(): unescape(one or other) for name, one, other in _ATTRIBUTE.findall(attributes)}
        if "connectionstring" in values:
            found[values.get("name", "")] = values["connectionstring"]
    if not found:
        raise _refused('the XML has no <add name="RockContext" connectionString="..."/>')
    for name, value in found.items():
        if name.lower() == ROCK_NAME.lower():
            return value
    if len(found) == 1:
        return next(iter(found.values()))
    raise _refused(f"the XML has {len(found)} connection strings, none of them named {ROCK_NAME}")


def _refused(detail: str) -> Fatal:
    return Fatal(ErrorCode.SQL_CONNECTION_STRING_INVALID, detail)
