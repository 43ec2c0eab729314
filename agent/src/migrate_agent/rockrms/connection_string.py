"""Connection strings to RockRMS's SQL Server, as people have them, and as the driver wants them.

Read: ADO.NET's and ODBC's keywords with all of their synonyms and quotes, and Rock's own web.ConnectionStrings.config,
pasted as it is. Nothing here ever shows a password: errors name keywords and never what follows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum, unique

from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_keywords import IGNORED, SYNONYMS, Keyword
from migrate_agent.rockrms.web_config import connection_string_in, is_web_config
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import RockShown

DEFAULT_PORT = 1433
_TRUE = frozenset({"true", "yes", "1", "sspi"})
_FALSE = frozenset({"false", "no", "0"})
_LOCAL = frozenset({"", ".", "(local)", "localhost"})
_SHOWN_CHARACTERS = 256


@unique
class Encrypt(StrEnum):
    """How the connection is encrypted; set by the connection string."""

    NO = "no"
    """The login alone, as far as the server is able to."""
    YES = "yes"
    STRICT = "strict"
    """TLS before anything else (TDS 8.0)."""


_ENCRYPT = {
    **dict.fromkeys((*_TRUE, "mandatory"), Encrypt.YES),
    **dict.fromkeys((*_FALSE, "optional"), Encrypt.NO),
    "strict": Encrypt.STRICT,
}


@dataclass(frozen=True, slots=True)
class RockConnection:
    """What a connection string says."""

    host: str
    database: str
    user: str
    password: str = field(repr=False)
    port: int | None = None
    """None: 1433, or for an instance the one that SQL Server Browser names."""
    instance: str | None = None
    encrypt: Encrypt = Encrypt.YES
    """Also where the connection string says nothing, as with ADO.NET today."""
    trust_server_certificate: bool = False
    host_name_in_certificate: str | None = None
    server_certificate: str | None = None
    """A file with the only certificate that is accepted."""
    multi_subnet_failover: bool = False
    read_only_intent: bool = False

    def odbc(self, *, port: int | None = None) -> str:
        """Result: the driver's connection string (it holds the password); `port` stands for the instance if given."""
        port = port or self.port
        if port is None and self.instance is not None:
            server = f"{self.host}\\{self.instance}"
        else:
            server = f"{self.host},{port or DEFAULT_PORT}"
        parts = {
            "Server": f"tcp:{server}",
            "Database": self.database,
            "UID": self.user,
            "PWD": self.password,
            "Encrypt": self.encrypt.value,
            "TrustServerCertificate": "yes" if self.trust_server_certificate else "no",
            "HostnameInCertificate": self.host_name_in_certificate,
            "ServerCertificate": self.server_certificate,
            "MultiSubnetFailover": "yes" if self.multi_subnet_failover else None,
            "ApplicationIntent": "ReadOnly" if self.read_only_intent else None,
        }
        return ";".join(f"{name}={_braced(value)}" for name, value in parts.items() if value is not None)

    def shown(self) -> RockShown:
        """Result: what may be shown: server, port, instance, database, user, encryption."""
        return RockShown(
            server=_showable(self.host),
            port=self.port if self.port is not None or self.instance is not None else DEFAULT_PORT,
            instance=_showable(self.instance) if self.instance is not None else None,
            database=_showable(self.database),
            user=_showable(self.user),
            encrypt=self.encrypt.value,
            trust_server_certificate=self.trust_server_certificate,
        )


def read_connection_string(text: str) -> RockConnection:
    """Result: what `text` says. Raises Fatal(sql-connection-string-invalid) with what is wrong, never with a value."""
    text = text.strip("\ufeff \t\r\n")
    if is_web_config(text):
        text = connection_string_in(text).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if not text:
        raise invalid("it is empty")
    values = _values(text)
    inner = values.pop(Keyword.INNER, None)
    if inner is not None:
        # Entity Framework's form: metadata, provider, and the connection string inside.
        return read_connection_string(inner)
    return _connection(values)


def _connection(values: dict[Keyword, str]) -> RockConnection:
    _refuse_what_is_not_supported(values)
    host, instance, port = _server(values.get(Keyword.SERVER))
    database, user = values.get(Keyword.DATABASE, ""), values.get(Keyword.USER, "")
    if not database:
        raise invalid("it names no database: add Database=... with the name of RockRMS's database")
    if not user:
        raise invalid("it names no user: add User Id=...; and Password=...; of a SQL Server login")
    password = values.get(Keyword.PASSWORD)
    if not password:
        raise invalid("it has no password: add Password=...; to it")
    redactor.hide(password)
    encrypt = _ENCRYPT.get(values.get(Keyword.ENCRYPT, "true").lower())
    if encrypt is None:
        raise invalid("Encrypt is neither true, false nor strict")
    return RockConnection(
        host=host,
        database=database,
        user=user,
        password=password,
        port=port,
        instance=instance,
        encrypt=encrypt,
        trust_server_certificate=_flag(values, Keyword.TRUST),
        host_name_in_certificate=values.get(Keyword.HOST_IN_CERTIFICATE) or None,
        server_certificate=values.get(Keyword.SERVER_CERTIFICATE) or None,
        multi_subnet_failover=_flag(values, Keyword.MULTI_SUBNET),
        read_only_intent=values.get(Keyword.INTENT, "").lower() == "readonly",
    )


def _refuse_what_is_not_supported(values: dict[Keyword, str]) -> None:
    if _flag(values, Keyword.INTEGRATED):
        raise invalid(
            "it asks for Windows sign-in (Integrated Security), which the agent cannot do: use a SQL Server login with "
            "User Id and Password. migrate-agent rockrms grant-script prints how to make one that may only read"
        )
    way = values.get(Keyword.AUTHENTICATION, "").replace(" ", "").lower()
    if way not in ("", "sqlpassword"):
        raise invalid("its Authentication is not SqlPassword: use a SQL Server login with User Id and Password")
    if values.get(Keyword.FILE):
        raise invalid("it attaches a database file: name a server and a database instead")


def _flag(values: dict[Keyword, str], keyword: Keyword) -> bool:
    text = values.get(keyword, "false").lower()
    if text not in _TRUE | _FALSE:
        raise invalid(f"{keyword.value} is neither true nor false")
    return text in _TRUE


def _server(value: str | None) -> tuple[str, str | None, int | None]:
    r"""Host, instance and port of `tcp:host\instance,port`."""
    if value is None:
        raise invalid("it names no server: add Server=...")
    protocol = re.match(r"(\w+):(?!:)", value)
    if protocol is not None and protocol[1].lower() in ("tcp", "np", "lpc", "admin", "via"):
        if protocol[1].lower() != "tcp":
            raise invalid("its server is not reached by TCP/IP: write Server=host, or Server=host,port")
        value = value[protocol.end() :]
    if value.startswith("\\\\"):
        raise invalid("its server is a named pipe: write Server=host, or Server=host,port")
    if value.lower().startswith("(localdb)"):
        raise invalid("its server is LocalDB, which no other account can reach: use a SQL Server")
    rest, _, port_text = value.partition(",")
    host, _, instance = rest.partition("\\")
    host = host.strip().removeprefix("[").removesuffix("]")
    if re.fullmatch(r"[^:]+:\d+", host):
        raise invalid("write a comma, not a colon, between the server's name and its port: Server=host,port")
    port = None
    if port_text.strip():
        if not port_text.strip().isascii() or not port_text.strip().isdigit() or not 0 < int(port_text) < 65_536:
            raise invalid("the port behind the server's name is not a number from 1 to 65535")
        port = int(port_text)
    instance = instance.strip()
    if instance.upper() == "MSSQLSERVER":
        instance = ""
    return ("localhost" if host.lower() in _LOCAL else host), instance or None, port


def _values(text: str) -> dict[Keyword, str]:
    """Values by keyword. In ADO.NET the last of several wins; in ODBC (which names a driver) the first.

    In ODBC only braces quote: a value may begin with a quote that is part of it.
    """
    try:
        pairs = dict(_pairs(text, odbc=False))
    except Fatal:
        pairs = _odbc_values(text)
        if Keyword.DRIVER not in pairs:
            raise
        return pairs
    return _odbc_values(text) if Keyword.DRIVER in pairs else pairs


def _odbc_values(text: str) -> dict[Keyword, str]:
    try:
        return dict(reversed(list(_pairs(text, odbc=True))))
    except Fatal:
        return {}


def _pairs(text: str, *, odbc: bool) -> Iterator[tuple[Keyword, str]]:
    position, before = 0, "the beginning"
    while position < len(text):
        if text[position] in "; \t\r\n":
            position += 1
            continue
        equals = _end_of_keyword(text, position)
        name = " ".join(text[position:equals].replace("==", "=").lower().split())
        keyword = SYNONYMS.get(name)
        if equals == len(text) or (keyword is None and name not in IGNORED):
            # What stands here may be the rest of a password with a semicolon in it: it is not shown.
            raise invalid(
                f"after {before} stands something that is no keyword of SQL Server. If a value has a semicolon or a "
                'quote in it, put it in double quotes: Password="..."'
            )
        value, position = _value(text, equals + 1, odbc=odbc, keyword=name)
        before = f"the value of {name!r}"
        if keyword is not None:
            yield keyword, value


def _end_of_keyword(text: str, position: int) -> int:
    """Where the `=` after a keyword stands; `==` is an equals sign inside it."""
    while position < len(text):
        if text[position] == ";":
            return len(text)
        if text[position] == "=":
            if text[position + 1 : position + 2] != "=":
                return position
            position += 1
        position += 1
    return len(text)


def _value(text: str, position: int, *, odbc: bool, keyword: str) -> tuple[str, int]:
    """A value and the position behind its semicolon."""
    while text[position : position + 1] in (" ", "\t", "\r", "\n"):
        position += 1
    closing = {'"': '"', "'": "'", "{": "}"}.get(text[position : position + 1])
    if closing is None or (odbc and closing != "}"):
        end = text.find(";", position)
        end = len(text) if end < 0 else end
        return text[position:end].strip(), end + 1
    parts, start = [], position + 1
    while True:
        end = text.find(closing, start)
        if end < 0:
            raise invalid(f"the value of {keyword!r} begins with a quote or a brace and does not end with one")
        if text[end + 1 : end + 2] != closing:
            break
        parts.append(text[start : end + 1])
        start = end + 2
    parts.append(text[start:end])
    behind = re.compile(r"\s*(;|$)").match(text, end + 1)
    if behind is None:
        raise invalid(
            f"something stands behind the closing quote or brace of {keyword!r}: double it if it is part of it"
        )
    return "".join(parts), behind.end()


def _braced(value: str) -> str:
    if re.fullmatch(r"[\w.,:\\-]+", value, re.ASCII):
        return value
    return "{" + value.replace("}", "}}") + "}"


def _showable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:_SHOWN_CHARACTERS]


def invalid(detail: str) -> Fatal:
    """Result: what `read_connection_string` raises."""
    return Fatal(ErrorCode.SQL_CONNECTION_STRING_INVALID, detail)
