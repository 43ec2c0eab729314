from __future__ import annotations

import contextlib
import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mssql_python.connection_string_parser import _ConnectionStringParser

from migrate_agent.rockrms.connection_string import Encrypt, RockConnection, read_connection_string
from migrate_contract.errors import ErrorCode, Fatal

GOOD = "Server=sql1;Database=RockRMS;User Id=reader;Password=secret-word"
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=11)
WORDS = st.text(string.ascii_letters + string.digits + " -_.$", min_size=1).map(str.strip).filter(bool)


def read(text: str) -> RockConnection:
    return read_connection_string(text)


def refusal(text: str) -> str:
    with pytest.raises(Fatal) as caught:
        read_connection_string(text)
    assert caught.value.code is ErrorCode.SQL_CONNECTION_STRING_INVALID
    return caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "Data Source=sql1;Initial Catalog=RockRMS;UID=reader;PWD=secret-word;",
        "addr = sql1 ; DATABASE = RockRMS ; user=reader ; Password = secret-word ; ",
        "network address=tcp:sql1;Database='RockRMS';User Id=\"reader\";Password={secret-word};Pooling=true",
        "Driver={ODBC Driver 18 for SQL Server};Server=tcp:sql1;Database=RockRMS;UID={reader};PWD={secret-word}",
        '"Server=sql1;Database=RockRMS;User Id=reader;Password=secret-word"',
        "\ufeff Server=sql1;\r\nDatabase=RockRMS;\r\nUser Id=reader;\r\nPassword=secret-word\r\n",
        "Server=sql0;Server=sql1;Database=RockRMS;UID=reader;PWD=secret-word",
        "Driver=x;Server=sql1;Server=sql0;Database=RockRMS;UID=reader;PWD=secret-word",
        "Server=sql1\\MSSQLSERVER;Database=RockRMS;UID=reader;PWD=secret-word",
        'metadata=res://*/a;provider=System.Data.SqlClient;provider connection string="Data Source=sql1;'
        "Initial Catalog=RockRMS;User Id=reader;Password='secret-word'\"",
    ],
)
def test_every_spelling_says_the_same(text: str) -> None:
    assert read(text) == RockConnection(host="sql1", database="RockRMS", user="reader", password="secret-word")


@pytest.mark.parametrize(
    ("server", "host", "instance", "port"),
    [
        ("sql1", "sql1", None, None),
        ("sql1,1444", "sql1", None, 1444),
        ("tcp:sql1 , 1444", "sql1", None, 1444),
        ("sql1\\ROCK", "sql1", "ROCK", None),
        ("tcp:10.0.0.5\\ROCK,51433", "10.0.0.5", "ROCK", 51433),
        (".", "localhost", None, None),
        ("(local)\\SQLEXPRESS", "localhost", "SQLEXPRESS", None),
        ("::1,1433", "::1", None, 1433),
        ("[fd00::5],1433", "fd00::5", None, 1433),
        ("sql.example.org", "sql.example.org", None, None),
    ],
)
def test_servers(server: str, host: str, instance: str | None, port: int | None) -> None:
    found = read(f"Server={server};Database=R;UID=u;PWD=p")
    assert (found.host, found.instance, found.port) == (host, instance, port)


@pytest.mark.parametrize(
    ("text", "encrypt", "trust"),
    [
        ("", Encrypt.YES, False),
        ("Encrypt=True;TrustServerCertificate=True", Encrypt.YES, True),
        ("encrypt=mandatory;Trust Server Certificate=yes", Encrypt.YES, True),
        ("Encrypt=Optional", Encrypt.NO, False),
        ("Encrypt=no;TrustServerCertificate=no", Encrypt.NO, False),
        ("Encrypt=Strict;HostNameInCertificate=sql.example.org", Encrypt.STRICT, False),
    ],
)
def test_encryption(text: str, encrypt: Encrypt, trust: bool) -> None:
    found = read(f"{GOOD};{text}")
    assert (found.encrypt, found.trust_server_certificate) == (encrypt, trust)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("Database=R;UID=u;PWD=p", "names no server"),
        ("Server=s;UID=u;PWD=p", "names no database"),
        ("Server=s;Database=R;PWD=p", "names no user"),
        ("Server=s;Database=R;UID=u", "no password"),
        ("Server=s;Database=R;Integrated Security=SSPI", "Windows sign-in"),
        ("Server=s;Database=R;Trusted_Connection=yes", "Windows sign-in"),
        ("Server=s;Database=R;UID=u;PWD=p;Authentication=Active Directory Password", "SqlPassword"),
        ("Server=s:1433;Database=R;UID=u;PWD=p", "comma"),
        ("Server=s,port;Database=R;UID=u;PWD=p", "port"),
        ("Server=s,70000;Database=R;UID=u;PWD=p", "port"),
        ("Server=np:\\\\s\\pipe\\sql;Database=R;UID=u;PWD=p", "TCP/IP"),
        ("Server=\\\\s\\pipe\\sql;Database=R;UID=u;PWD=p", "named pipe"),
        ("Server=(localdb)\\v11;Database=R;UID=u;PWD=p", "LocalDB"),
        ("Server=s;Database=R;UID=u;PWD=p;Encrypt=maybe", "Encrypt"),
        ("Server=s;Database=R;UID=u;PWD=p;TrustServerCertificate=perhaps", "TrustServerCertificate"),
        ("Server=s;Database=R;UID=u;Password=one;hidden=two", "after the value of 'password'"),
        ("Server=s;Database=R;UID=u;Password=one;hidden", "after the value of 'password'"),
        ('Server=s;Database=R;UID=u;Password="hidden', "does not end"),
        ('Server=s;Database=R;UID=u;Password="one"hidden', "behind the closing quote"),
        ("Server=s;Database=R;AttachDbFilename=c:\\hidden.mdf;UID=u;PWD=p", "database file"),
        ("hello", "the beginning"),
    ],
)
def test_refusals_say_what_is_wrong_and_never_a_value(text: str, says: str) -> None:
    detail = refusal(text)
    assert says in detail
    assert "hidden" not in detail


WEB_CONFIG = """<?xml version="1.0"?>
<connectionStrings>
  <!-- <add name="RockContext" connectionString="Server=old" /> -->
  <add name="Other" connectionString="Server=other" />
  <add name="RockContext" connectionString="Data Source=sql1;Initial Catalog=RockRMS; User Id=reader;
    password=&quot;se;c&amp;r&quot;;MultipleActiveResultSets=true" providerName="System.Data.SqlClient"/>
</connectionStrings>"""


def test_rocks_own_file_may_be_pasted_whole_or_in_part() -> None:
    expected = RockConnection(host="sql1", database="RockRMS", user="reader", password="se;c&r")
    assert read(WEB_CONFIG) == expected
    (line,) = re.findall(r'<add name="RockContext" connectionString="Data.*?/>', WEB_CONFIG, re.DOTALL)
    assert read(line) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<connectionStrings/>", "has no"),
        ('<a><add name="A" connectionString="x"/><add name="B" connectionString="y"/></a>', "none of them"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><a/>", "document type"),
        ('<connectionStrings configProtectionProvider="Rsa"><EncryptedData/></connectionStrings>', "encrypted"),
    ],
)
def test_other_xml_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


def ado_quoted(value: str, quote: str) -> str:
    closing = {"{": "}"}.get(quote, quote)
    return quote + value.replace(closing, closing * 2) + closing


@given(VALUES, VALUES, VALUES, st.sampled_from("\"'{"))
@example("a=b;c", "==", "};{", '"')
def test_quoted_values_come_back_whatever_they_hold(password: str, user: str, database: str, quote: str) -> None:
    found = read(
        f"Server=s;Database={ado_quoted(database, quote)};User Id={ado_quoted(user, quote)};"
        f"Password={ado_quoted(password, quote)};Encrypt=true"
    )
    assert (found.database, found.user, found.password) == (database, user, password)


@given(VALUES, VALUES, WORDS, st.none() | st.integers(1, 65_535), st.none() | WORDS)
def test_the_driver_reads_what_we_write_for_it(
    password: str, user: str, database: str, port: int | None, instance: str | None
) -> None:
    connection = RockConnection("sql1", database, user, password, port=port, instance=instance)
    parsed = _ConnectionStringParser()._parse(connection.odbc())
    assert parsed["pwd"] == password
    assert parsed["uid"] == user
    assert parsed["database"] == database
    expected = f"tcp:sql1\\{instance}" if port is None and instance else f"tcp:sql1,{port or 1433}"
    assert parsed["server"] == expected
    again = read(connection.odbc())
    assert (again.password, again.user, again.database) == (password, user, database)


@given(st.text(alphabet="=;{}\"' \tabcServPWDUID,\\<>", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Fatal):
        read_connection_string(text)


def test_what_is_shown_has_no_password() -> None:
    connection = read("Server=sql1\\ROCK;Database=RockRMS;UID=reader;PWD=secret-word;TrustServerCertificate=true")
    shown = connection.shown()
    assert shown.model_dump() == {
        "server": "sql1",
        "port": None,
        "instance": "ROCK",
        "database": "RockRMS",
        "user": "reader",
        "encrypt": "yes",
        "trust_server_certificate": True,
    }
    assert "secret-word" not in repr(connection) + repr(shown)
