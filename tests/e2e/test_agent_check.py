"""`migrate-agent check` names the cause: each fault is provoked on real sockets, files and processes."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from migrate_agent.checks.line import Line, Verdict
from migrate_agent.checks.machine import disk_line
from migrate_agent.checks.route import Host, route_lines
from migrate_agent.checks.upload import upload_line
from migrate_agent.config import load_config
from migrate_agent.identity import Credentials, save_credentials
from migrate_agent.network import Network
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.runtime.diagnosis import Asked, Diagnosis, allowed_hosts
from migrate_agent.transfer.access import SasUrlAccess
from migrate_contract.errors import ErrorCode
from tests.harness.connect_proxy import ConnectProxy
from tests.harness.copy_engine import Container
from tests.harness.fake_control_plane import AGENT, FakeControlPlane

KEY = f"acme.{AGENT}.first-secret-of-this-agent"


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as running:
        running.keys.append(KEY)
        yield running


@pytest.fixture
def home(tmp_path: Path, plane: FakeControlPlane) -> Path:
    save_credentials(tmp_path, Credentials(agent_key=KEY, api_url=plane.url, agent_id=AGENT, agent_name="agent 1"))
    return tmp_path


def run(
    home: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    return subprocess.run(
        [*prefix, sys.executable, "-m", "migrate_agent", "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        env=kept | environment,
        timeout=60,
        check=False,
    )


def check(home: Path, *sources: Path, upload_to: str | None = None, **environment: str) -> dict[str, dict[str, Any]]:
    """The lines by name, in this process."""
    kept = {name: value for name, value in environment.items() if name.startswith("MIGRATE_")}
    config = load_config(home=home, environment=kept)
    if "ca_file" in environment:
        section = config.network.model_copy(update={"ca_bundle": Path(environment["ca_file"])})
        config = replace(config, network=section)
    asked = Asked(sources=sources, upload_to=upload_to, upload_seconds=1)
    return {line.name: line.as_json() for line in Diagnosis(config, asked).lines()}


def by_name(lines: list[Line]) -> dict[str, Line]:
    return {line.name: line for line in lines}


# The control plane


def test_all_is_well_but_for_the_process_that_nobody_started(home: Path, plane: FakeControlPlane) -> None:
    found = check(home, home)
    assert {line["code"] for line in found.values()} <= {None, "not-running", "service-not-installed"}
    assert found["key"]["detail"] == f"accepted: agent 1 ({AGENT})"
    assert found["process"]["code"] == "not-running"
    assert plane.heartbeats == [], "a check is no heartbeat"


def test_a_name_that_is_not_known(home: Path) -> None:
    found = check(home, MIGRATE_API_URL="https://no-such-host.invalid")
    assert found["control plane: name"]["code"] == "host-not-found"
    assert "no-such-host.invalid" in found["control plane: name"]["detail"]
    assert found["key"]["verdict"] == "skipped"


def test_a_port_that_a_firewall_drops() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):
            held = socket.socket()
            held.setblocking(False)
            held.connect_ex(("127.0.0.1", port))
            waiting.append(held)
        found = by_name(route_lines(Host("control plane", "127.0.0.1", port), Network(), 0.6))
        for held in waiting:
            held.close()
    assert found["control plane: connection"].code is ErrorCode.PORT_BLOCKED
    assert found["control plane: certificate"].verdict is Verdict.SKIPPED


def test_a_port_that_nobody_listens_on(home: Path, plane: FakeControlPlane) -> None:
    plane.stop()
    assert check(home)["control plane: connection"]["code"] == "port-refused"


@contextmanager
def tls_server(authority: trustme.CA, name: str) -> Iterator[int]:
    """Shakes hands, and says nothing more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with accepted:
                try:
                    context.wrap_socket(accepted, server_side=True).close()
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    ended.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_a_proxy_that_inspects_is_named_by_its_issuer() -> None:
    inspector = trustme.CA(organization_name="Grace Chapel Web Filter")
    with tls_server(inspector, "localhost") as port:
        found = by_name(route_lines(Host("control plane", "localhost", port), Network(), 5))
    line = found["control plane: certificate"]
    assert line.code is ErrorCode.TLS_NOT_TRUSTED
    assert "Grace Chapel Web Filter" in line.detail
    assert "root certificate" in line.fix


def test_a_certificate_that_is_trusted_by_its_bundle(tmp_path: Path) -> None:
    authority = trustme.CA(organization_name="Ours")
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with tls_server(authority, "localhost") as port:
        found = by_name(route_lines(Host("control plane", "localhost", port), Network(ca_file=bundle), 5))
    assert found["control plane: certificate"].verdict is Verdict.OK
    assert '"Ours"' in found["control plane: certificate"].detail


def test_a_server_that_speaks_no_tls(plane: FakeControlPlane) -> None:
    port = int(plane.url.rsplit(":", 1)[1])
    found = by_name(route_lines(Host("control plane", "127.0.0.1", port), Network(), 5))
    assert found["control plane: certificate"].code is ErrorCode.TLS_NOT_TRUSTED
    assert "does not speak TLS" in found["control plane: certificate"].detail


def test_the_way_through_a_proxy(home: Path) -> None:
    authority = trustme.CA()
    with tls_server(authority, "localhost") as port, ConnectProxy() as proxy:
        network = Network(proxy_url=f"http://127.0.0.1:{proxy.port}")
        found = by_name(route_lines(Host("control plane", "localhost", port), network, 5))
        assert proxy.tunnels[0] == f"localhost:{port}"
        assert "through the proxy" in found["control plane: connection"].detail
        assert found["control plane: certificate"].code is ErrorCode.TLS_NOT_TRUSTED
    found = by_name(route_lines(Host("control plane", "localhost", port), network, 2))
    assert found["control plane: connection"].code is ErrorCode.PORT_REFUSED


@pytest.mark.parametrize(("minutes", "verdict"), [(0, "ok"), (2, "warning"), (-20, "failed"), (60 * 24, "failed")])
def test_the_clock(home: Path, plane: FakeControlPlane, minutes: int, verdict: str) -> None:
    plane.clock_off = timedelta(minutes=minutes)
    line = check(home)["clock"]
    assert line["verdict"] == verdict
    assert line["code"] == (None if verdict == "ok" else "clock-skewed")


def test_something_else_answers(home: Path, plane: FakeControlPlane) -> None:
    plane.refuse("health", ErrorCode.SETTINGS_INVALID, "ONEMIGRATE_STORAGE is missing")
    found = check(home)["control plane: health"]
    assert (found["code"], found["verdict"]) == ("settings-invalid", "failed")
    assert "ONEMIGRATE_STORAGE is missing" in found["detail"]


# Who this machine is


def test_a_key_that_was_revoked(home: Path, plane: FakeControlPlane) -> None:
    plane.retired = True
    assert check(home)["key"]["code"] == "agent-revoked"


@pytest.mark.parametrize("code", [ErrorCode.REGISTRATION_CODE_EXPIRED, ErrorCode.REGISTRATION_CODE_USED])
def test_a_registration_that_was_refused_is_remembered(
    tmp_path: Path, plane: FakeControlPlane, code: ErrorCode
) -> None:
    plane.refuse("register", code, "It expired or was used.")
    assert run(tmp_path, "--api-url", plane.url, "--register", "ABCD2345").returncode == 1
    found = check(tmp_path, MIGRATE_API_URL=plane.url)
    assert found["registration"]["code"] == code.value
    assert "It expired or was used." in found["registration"]["detail"]
    assert run(tmp_path, "--api-url", plane.url, "--register", "ABCD2345").returncode == 0
    assert check(tmp_path, MIGRATE_API_URL=plane.url)["registration"]["verdict"] == "ok"


def test_an_agent_that_was_never_registered(tmp_path: Path, plane: FakeControlPlane) -> None:
    assert check(tmp_path, MIGRATE_API_URL=plane.url)["registration"]["code"] == "not-registered"


# The machine


def test_a_disk_without_room(tmp_path: Path) -> None:
    class Usage:
        def __init__(self, free: int) -> None:
            self.free = free

    found = [disk_line(tmp_path, lambda _, free=free: Usage(free)) for free in (1 << 40, 500 << 20, 1 << 20)]  # type: ignore[misc]
    assert [line.code for line in found] == [None, ErrorCode.DISK_NEARLY_FULL, ErrorCode.DISK_FULL]


def test_a_source_that_is_not_there_and_one_that_is_no_folder(home: Path) -> None:
    (home / "file").write_text("x")
    found = check(home, home / "gone", home / "file")
    assert found[f"source {home / 'gone'}"]["code"] == "source-not-found"
    assert found[f"source {home / 'file'}"]["code"] == "source-not-found"


def test_a_source_with_folders_of_somebody_else(home: Path) -> None:
    """Root reads everything by a capability: here it has none of that."""
    closed = home / "share" / "payroll"
    closed.mkdir(parents=True)
    closed.chmod(0)
    plain = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    ended = run(home, "check", "--json", "--source", str(home / "share"), prefix=plain)
    closed.chmod(0o700)
    assert ended.returncode == 1
    (line,) = [line for line in json.loads(ended.stdout)["lines"] if line["name"].startswith("source")]
    assert line["code"] == "source-denied"
    assert "payroll" in line["detail"]


# Storage


def test_the_upload_is_measured_and_leaves_no_blob(home: Path, container: Container) -> None:
    found = check(home, upload_to=container.sas_url, ca_file=str(container.ca_file))
    (line,) = [line for name, line in found.items() if name.startswith("upload")]
    assert line["verdict"] == "ok", line
    assert "Mbps" in line["detail"]
    assert list(container.client.list_blobs()) == []


def test_a_line_too_slow_for_one_block_is_measured_in_the_time_given(container: Container) -> None:
    """The clock is over when the first big block has begun: the request is cut off, and nothing hangs."""
    seconds = iter([0.0, *[0.1] * 14, *[9.0] * 1000])
    access = SasUrlAccess(container.sas_url)
    line = upload_line(access, Network(ca_file=container.ca_file), "never", 5, clock=lambda: next(seconds))
    assert (line.verdict, line.code) == (Verdict.WARNING, ErrorCode.UPLOAD_SLOW)
    assert "over 9 s" in line.detail
    assert list(container.client.list_blobs()) == []


def test_a_signature_that_is_refused_is_said_without_it(home: Path, container: Container) -> None:
    url = container.sas_url.replace("sig=", "sig=AAAA")
    ended = run(home, "check", "--upload-to", url, "--seconds", "1", SSL_CERT_FILE=str(container.ca_file))
    assert ended.returncode == 1
    assert "target-access-denied:" in ended.stdout
    assert url.partition("sig=")[2][:20] not in ended.stdout + ended.stderr


# What is printed


def test_the_hosts_to_allow(home: Path, plane: FakeControlPlane) -> None:
    ended = run(home, "check", "--hosts", MIGRATE_API_URL="https://api.example.org")
    assert ended.stdout.splitlines()[0] == "api.example.org:443"
    assert "<account>.blob.core.windows.net:443" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "<SQL host>:1433"
    assert plane.calls == []


def test_rockrms_is_looked_at_where_its_connection_string_is_kept(home: Path, plane: FakeControlPlane) -> None:
    text = "Server={};Database=RockRMS;User Id=reader;Password=secret-of-the-reader"
    store = ConnectionStore(home)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    store.keep("prj_000000000001", text.format(f"127.0.0.1,{port}"))
    assert check(home)["RockRMS prj_000000000001"]["code"] == "sql-refused"
    store.keep("prj_000000000002", text.format("sql2\\ROCK"))
    store.keep("prj_000000000003", text.format("sql3"))
    hosts = allowed_hosts(load_config(home=home, environment={}))
    assert hosts[3:] == [
        f"127.0.0.1:{port}",
        "sql2:1434 (UDP)",
        "sql2:<port of the instance ROCK>",
        "sql3:1433",
    ]


def test_people_are_told_where_to_begin(home: Path, plane: FakeControlPlane) -> None:
    plane.retired = True
    ended = run(home, "check")
    assert ended.returncode == 1
    assert "FAIL  key:" in ended.stdout
    assert "agent-revoked:" in ended.stdout
    assert "Begin with: key." in ended.stdout
    assert "secret" not in ended.stdout + ended.stderr


def test_a_diagnosis_gives_each_line_as_it_is_found(home: Path, plane: FakeControlPlane) -> None:
    config = load_config(home=home, environment={"MIGRATE_API_URL": plane.url})
    lines = Diagnosis(config, Asked()).lines()
    assert next(lines).name == "registration"
    assert plane.calls == []
