"""Test Connection over real sockets: every outcome has its own code, and none takes longer than it may."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from local.certificates import certificates_in
from local.church import Shape, generate
from local.sqlserver import Encryption, SqlServer
from local.sqlserver.browser import SqlBrowser
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.probe import probe_rock
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.rockrms import Entity, RockTestReport
from tests.harness.small_rock import small_rock

SHORT = 1.5
"""Seconds that the tests allow where nothing answers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("probe")


@pytest.fixture(scope="module")
def church(folder: Path) -> Path:
    return generate(folder / "rock.sqlite", seed=5, people=120).path


@pytest.fixture
def server(church: Path, folder: Path) -> Iterator[SqlServer]:
    with SqlServer(church, certificates=certificates_in(folder / "certificates")) as running:
        yield running


def probe(text: str, seconds: float = 9.5, browser_port: int = 1434) -> RockTestReport:
    return probe_rock(read_connection_string(text), seconds=seconds, browser_port=browser_port)


def refused(report: RockTestReport, code: ErrorCode, *words: str) -> None:
    assert report.code == code.value, report.detail
    assert report.fix == CATALOGUE[code].fix
    for word in words:
        assert word in report.detail
    assert report.shown.server


@pytest.mark.parametrize("shape", list(Shape))
def test_success_says_what_is_there(folder: Path, shape: Shape) -> None:
    church = generate(folder / f"{shape.value}.sqlite", seed=5, people=120, shape=shape)
    with SqlServer(church.path, certificates=certificates_in(folder / "certificates")) as server:
        report = probe(server.connection_string())
        statements = " ".join(server.statements)
    assert report.code is None, report.detail
    assert "SQL Server 2022" in report.sql_version
    assert report.install == church.install
    assert report.encrypted is True
    assert [count.entity for count in report.entities] == list(Entity)
    assert all(count.rows > 0 for count in report.entities)
    assert {campus.campus_id for campus in report.campuses} == {campus.id for campus in church.model.campuses}
    assert report.transaction_types[0].lines
    assert any("zone" in warning for warning in report.warnings)
    assert report.shown.port == server.port
    for word in ("Text", "Email", "FirstName", "AccountNumberMasked"):
        assert word not in statements


def test_a_plain_and_a_login_only_connection(church: Path, folder: Path) -> None:
    with SqlServer(church) as plain:
        assert probe(plain.connection_string()).code is None
        refused(probe(plain.connection_string(Encrypt="true")), ErrorCode.SQL_ENCRYPTION_REFUSED)
    with SqlServer(church, certificates=certificates_in(folder / "certificates")) as optional:
        report = probe(optional.connection_string(Encrypt="false"))
        assert (report.code, report.encrypted) == (None, False)
    with SqlServer(
        church, certificates=certificates_in(folder / "certificates"), encryption=Encryption.REQUIRED
    ) as required:
        report = probe(required.connection_string(Encrypt="false"))
        assert (report.code, report.encrypted) == (None, True)


def test_strict_encryption(server: SqlServer) -> None:
    report = probe(server.connection_string(Encrypt="strict"))
    assert (report.code, report.encrypted) == (None, True)


def test_a_certificate_that_nobody_trusts(server: SqlServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(probe(server.connection_string(TrustServerCertificate="false")), ErrorCode.SQL_CERTIFICATE_UNTRUSTED)
    assert "TrustServerCertificate=true" in CATALOGUE[ErrorCode.SQL_CERTIFICATE_UNTRUSTED].fix
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates_in(folder / "certificates").ca_file))
    assert probe(server.connection_string(TrustServerCertificate="false")).code is None
    wrong_name = server.connection_string(TrustServerCertificate="false", HostNameInCertificate="other.example")
    refused(probe(wrong_name), ErrorCode.SQL_CERTIFICATE_UNTRUSTED, "other.example")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_without_a_common_version_of_tls(server: SqlServer) -> None:
    assert server.tls is not None
    server.tls.maximum_version = ssl.TLSVersion.TLSv1_1
    server.tls.minimum_version = ssl.TLSVersion.TLSv1_1
    refused(probe(server.connection_string()), ErrorCode.SQL_ENCRYPTION_REFUSED)


def test_login_and_database(server: SqlServer) -> None:
    report = probe(server.connection_string(Password="something else"))
    refused(report, ErrorCode.SQL_LOGIN_FAILED, "18456", "rock_reader")
    assert "something else" not in report.model_dump_json()
    refused(probe(server.connection_string(Database="Rock")), ErrorCode.SQL_DATABASE_NOT_FOUND, "'Rock'", "4060")


def test_tables_that_may_not_be_read_are_named(server: SqlServer) -> None:
    server.faults.deny("Person", "FinancialTransactionDetail")
    report = probe(server.connection_string())
    refused(report, ErrorCode.SQL_NO_READ_PERMISSION, "Person", "FinancialTransactionDetail")
    assert sorted(report.unreadable_tables) == ["FinancialTransactionDetail", "Person"]


def test_another_database_is_not_rockrms(folder: Path) -> None:
    with SqlServer(small_rock(folder / "small.sqlite", people=10)) as server:
        refused(probe(server.connection_string()), ErrorCode.NOT_A_ROCKRMS_DATABASE, "Attendance", "more")


def test_nothing_listens(folder: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    report = probe(f"Server=127.0.0.1,{port};Database=R;UID=u;PWD=p")
    refused(report, ErrorCode.SQL_REFUSED, str(port))
    assert "SQL Server Configuration Manager" in report.fix


def test_a_name_that_does_not_exist() -> None:
    refused(probe("Server=no-such-host.invalid;Database=R;UID=u;PWD=p"), ErrorCode.SQL_HOST_NOT_FOUND, "no-such-host")


def test_a_black_hole_ends_in_time_and_names_the_agents_address() -> None:
    with full_backlog() as port:
        started = time.monotonic()
        report = probe(f"Server=127.0.0.1,{port};Database=R;UID=u;PWD=p", SHORT)
        assert time.monotonic() - started < SHORT + 1
    refused(report, ErrorCode.SQL_TIMEOUT, "asked from this agent at 127.0.0.1")


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose queue is full: no further connection gets an answer."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


def test_a_server_that_accepts_and_says_nothing(server: SqlServer) -> None:
    server.faults.silent = True
    started = time.monotonic()
    report = probe(server.connection_string(), SHORT)
    assert time.monotonic() - started < SHORT + 1
    refused(report, ErrorCode.SQL_TIMEOUT, "says nothing")


def test_something_else_answers(server: SqlServer) -> None:
    server.faults.speaks_http = True
    refused(probe(server.connection_string()), ErrorCode.NOT_A_SQL_SERVER)


def test_a_door_that_closes_at_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def close_one() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)

        thread = threading.Thread(target=close_one)
        thread.start()
        report = probe(f"Server=127.0.0.1,{listener.getsockname()[1]};Database=R;UID=u;PWD=p")
        thread.join(10)
    refused(report, ErrorCode.NOT_A_SQL_SERVER)


def test_a_slow_server_is_not_waited_for(server: SqlServer) -> None:
    server.faults.answer_delay_seconds = 30.0
    started = time.monotonic()
    report = probe(server.connection_string(), SHORT)
    assert time.monotonic() - started < SHORT + 1
    refused(report, ErrorCode.SQL_TIMEOUT, "too slowly")


def test_a_connection_that_breaks_while_it_is_asked(server: SqlServer) -> None:
    server.faults.drop_after_rows(0)
    refused(probe(server.connection_string()), ErrorCode.SQL_CONNECTION_LOST)


def test_rows_are_not_counted_where_time_is_short(server: SqlServer) -> None:
    asked = len(server.statements)
    assert probe(server.connection_string()).code is None
    questions = len(server.statements) - asked
    server.faults.slow_words = {"COUNT_BIG": 60.0}
    report = probe(server.connection_string(), SHORT)
    assert report.code is None, report.detail
    assert any("answers slowly" in warning for warning in report.warnings)
    assert questions > 5


def test_named_instances(server: SqlServer) -> None:
    with SqlBrowser({"ROCK": server.port, "PIPES": None}) as browser:
        text = server.connection_string(Server="127.0.0.1\\rock")
        report = probe(text, browser_port=browser.port)
        assert report.code is None, report.detail
        assert (report.shown.instance, report.shown.port) == ("rock", server.port)
        unknown = server.connection_string(Server="127.0.0.1\\other")
        refused(probe(unknown, SHORT, browser.port), ErrorCode.SQL_INSTANCE_NOT_FOUND, "other")
        pipes = server.connection_string(Server="127.0.0.1\\PIPES")
        refused(probe(pipes, browser_port=browser.port), ErrorCode.SQL_REFUSED, "TCP/IP turned off")
    # The browser is gone: the port alone decides.
    refused(probe(text, SHORT, browser.port), ErrorCode.SQL_INSTANCE_NOT_FOUND)
    with_port = server.connection_string(Server=f"127.0.0.1\\ROCK,{server.port}")
    assert probe(with_port).code is None
