"""The commands as a person types them: real processes against a control plane over a real socket."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_agent import __version__
from migrate_contract.agents import ProcessMode
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import JobPhase
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.fake_control_plane import FakeControlPlane
from tests.harness.scripted_engine import a_spec

CODE = "ABCD2345"


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as running:
        yield running


@pytest.fixture
def agent(tmp_path: Path, plane: FakeControlPlane) -> Iterator[AgentProcess]:
    process = AgentProcess(tmp_path / "home", plane.url, "")
    del process.environment["SSL_CERT_FILE"]
    yield process
    process.close()


def run(agent: AgentProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    return agent.command(*arguments)


def connected(agent: AgentProcess) -> None:
    eventually(lambda: agent.status()["connected"], seconds=20, what="connected")


def test_version(agent: AgentProcess) -> None:
    assert run(agent, "version").stdout.strip() == __version__


def test_the_help_teaches(agent: AgentProcess) -> None:
    shown = run(agent, "--help")
    assert shown.returncode == 0
    for taught in ("--register", "start", "MIGRATE_AGENT_KEY", "Exit codes", "78", "copy"):
        assert taught in shown.stdout
    for command in ("start", "stop", "status", "logs", "unregister", "copy", "version"):
        assert run(agent, command, "--help").returncode == 0, command


def test_registering_says_that_nothing_runs_and_what_to_type(agent: AgentProcess, plane: FakeControlPlane) -> None:
    ended = run(agent, "--register", CODE, "--api-url", plane.url, "--name", "server 1")
    assert ended.returncode == 0, ended.stderr
    assert "server 1" in ended.stdout
    assert "Grace Chapel" in ended.stdout
    assert "Nothing is running yet" in ended.stdout
    assert "migrate-agent start --service" in ended.stdout
    assert [beat.mode for beat in plane.heartbeats] == [ProcessMode.ENROLMENT]


def test_the_key_is_readable_by_its_owner_only_and_in_no_output(agent: AgentProcess, plane: FakeControlPlane) -> None:
    ended = run(agent, "--register", CODE, "--api-url", plane.url)
    key_file = agent.home / "agent.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    log = (agent.home / "logs" / "agent.log").read_text()
    for text in (ended.stdout, ended.stderr, log):
        assert plane.keys[0] not in text
        assert plane.keys[0].rsplit(".", 1)[1] not in text


def test_a_lost_answer_repeated_gets_the_same_agent(agent: AgentProcess, plane: FakeControlPlane) -> None:
    plane.lose("register", times=2)
    ended = run(agent, "--register", CODE, "--api-url", plane.url)
    assert ended.returncode == 0, ended.stderr
    assert "Trying again" in ended.stderr
    assert plane.calls.count("/api/agent/register") == 3
    assert plane.codes[CODE] == (agent.home / "install-id").read_text().strip()


def test_killed_between_the_answer_and_the_disk_it_is_still_the_same_agent(
    agent: AgentProcess, plane: FakeControlPlane
) -> None:
    assert run(agent, "--register", CODE, "--api-url", plane.url).returncode == 0
    install = plane.codes[CODE]
    (agent.home / "agent.key").unlink()
    assert run(agent, "--register", CODE, "--api-url", plane.url).returncode == 0
    assert plane.codes[CODE] == install


@pytest.mark.parametrize(
    "code",
    [ErrorCode.REGISTRATION_CODE_USED, ErrorCode.REGISTRATION_CODE_EXPIRED, ErrorCode.REGISTRATION_CODE_UNKNOWN],
)
def test_a_refused_code_is_shown_with_title_detail_and_fix(
    agent: AgentProcess, plane: FakeControlPlane, code: ErrorCode
) -> None:
    plane.refuse("register", code, "used on Monday by server 7")
    ended = run(agent, "--register", CODE, "--api-url", plane.url)
    assert ended.returncode == 1
    for words in (CATALOGUE[code].title, "used on Monday by server 7", CATALOGUE[code].fix[:40], code.value):
        assert words in ended.stderr
    assert not (agent.home / "agent.key").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--register", ""), "registration-code-unknown"),
        (("--register", "A" * 99), "registration-code-unknown"),
        (("--register", "ABCDEFGH", "--name", "n" * 300), "config-invalid"),
    ],
)
def test_what_cannot_be_sent_is_an_error_with_a_fix_not_a_traceback(
    agent: AgentProcess, plane: FakeControlPlane, arguments: tuple[str, ...], code: str
) -> None:
    ended = run(agent, *arguments, "--api-url", plane.url)
    assert ended.returncode != 0
    assert f"Code: {code}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_registered_twice_is_refused_and_named(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url, "--name", "server 1")
    again = run(agent, "--register", CODE, "--api-url", plane.url)
    assert again.returncode == 1
    assert CATALOGUE[ErrorCode.ALREADY_REGISTERED].title in again.stderr
    assert "server 1" in again.stderr


def test_a_revoked_agent_can_be_registered_again(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url)
    plane.refuse("heartbeat", ErrorCode.AGENT_REVOKED)
    plane.codes["WXYZ6789"] = None
    again = run(agent, "--register", "WXYZ6789", "--api-url", plane.url)
    assert again.returncode == 0, again.stderr


def test_without_a_service_manager_the_registration_is_kept(agent: AgentProcess, plane: FakeControlPlane) -> None:
    if Path("/run/systemd/system").is_dir() or sys.platform != "linux":
        pytest.skip("this machine has a service manager")
    ended = run(agent, "--register", CODE, "--api-url", plane.url, "--service")
    assert ended.returncode == 1
    assert CATALOGUE[ErrorCode.SERVICE_UNSUPPORTED].title in ended.stderr
    assert "The registration is kept" in ended.stderr
    assert (agent.home / "agent.key").exists()


def test_start_without_a_registration_ends_with_78(agent: AgentProcess) -> None:
    ended = run(agent, "start")
    assert ended.returncode == 78
    assert CATALOGUE[ErrorCode.NOT_REGISTERED].fix[:30] in ended.stderr


def test_a_typing_error_in_the_configuration_is_named(agent: AgentProcess) -> None:
    (agent.home / "agent.toml").write_text('[api]\nulr = "https://control.example"\n')
    ended = run(agent, "status")
    assert ended.returncode == 78
    assert "[api] ulr" in ended.stderr


def test_start_status_second_start_and_stop(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url, "--name", "server 1")
    assert run(agent, "status").returncode == 3
    agent.start()
    connected(agent)
    shown = run(agent, "status")
    assert shown.returncode == 0
    assert "connected" in shown.stdout
    second = run(agent, "start")
    assert second.returncode == 1
    assert CATALOGUE[ErrorCode.ALREADY_RUNNING].title in second.stderr
    stopped = run(agent, "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert agent.process is not None
    assert agent.process.wait(10) == 0
    assert plane.heartbeats[-1].mode is ProcessMode.STOPPING
    assert run(agent, "stop").returncode == 3
    assert agent.status()["exit"]["exit_code"] == 0


def test_it_starts_while_the_control_plane_is_down(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url)
    plane.stop()
    agent.start()
    status = eventually(
        lambda: (found := agent.status())["running"] and found["trouble"] and found, seconds=20, what="says so"
    )
    assert status["trouble"]["code"] == ErrorCode.CONTROL_PLANE_UNREACHABLE
    assert status["trouble"]["fix"]
    plane.start()
    connected(agent)


def test_a_superseded_process_ends_with_78_and_says_why(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url)
    agent.start()
    connected(agent)
    plane.supersede()
    assert agent.process is not None
    assert agent.process.wait(20) == 78
    shown = run(agent, "status")
    assert shown.returncode == 3
    assert CATALOGUE[ErrorCode.SESSION_SUPERSEDED].title in shown.stdout
    assert CATALOGUE[ErrorCode.SESSION_SUPERSEDED].title in agent.output()


def test_a_second_signal_ends_at_once(agent: AgentProcess, plane: FakeControlPlane, tmp_path: Path) -> None:
    """The first stop waits for an answer that does not come; the second does not."""
    run(agent, "--register", CODE, "--api-url", plane.url)
    agent.start()
    connected(agent)
    assert agent.process is not None
    with plane.lock:
        os.kill(agent.process.pid, signal.SIGTERM)
        eventually(lambda: "a second signal ends at once" in agent.output(), seconds=10, what="stopping")
        os.kill(agent.process.pid, signal.SIGTERM)
        assert agent.process.wait(5) == 128 + signal.SIGTERM


def test_logs_of_one_job_followed(agent: AgentProcess, plane: FakeControlPlane, tmp_path: Path) -> None:
    (tmp_path / "missing").mkdir()
    run(agent, "--register", CODE, "--api-url", plane.url)
    agent.start()
    connected(agent)
    job = a_spec()
    follower = subprocess.Popen(
        [sys.executable, "-m", "migrate_agent", "logs", "-f", "--json", "--job", job.job_id],
        env=agent.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        plane.send("start_job", job=job)
        assert follower.stdout is not None
        lines = [json.loads(follower.stdout.readline()) for _ in range(2)]
    finally:
        follower.terminate()
        follower.wait(10)
    assert {line["job_id"] for line in lines} == {job.job_id}
    assert "accepted" in lines[0]["message"]
    everything = run(agent, "logs", "--job", "job_of_nobody")
    assert everything.returncode == 0
    assert everything.stdout == ""


def test_a_missing_source_fails_the_job_with_its_code(agent: AgentProcess, plane: FakeControlPlane) -> None:
    """The real engine: /srv/share of the scripted jobs does not exist below this path."""
    run(agent, "--register", CODE, "--api-url", plane.url)
    agent.start()
    connected(agent)
    job = a_spec().model_copy(update={"source": a_spec().source.model_copy(update={"path": "/does/not/exist"})})
    plane.send("start_job", job=job)
    eventually(lambda: plane.phases(job.job_id)[-1:] == [JobPhase.FAILED], seconds=20, what="failed")
    fault = plane.progress[job.job_id][-1].fault
    assert fault is not None
    assert fault.code == ErrorCode.SOURCE_NOT_FOUND


def test_unregister_retires_the_agent_and_forgets_it(agent: AgentProcess, plane: FakeControlPlane) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url, "--name", "server 1")
    agent.start()
    connected(agent)
    ended = run(agent, "unregister")
    assert ended.returncode == 0, ended.stderr
    assert plane.retired
    assert not (agent.home / "agent.key").exists()
    assert agent.process is not None
    assert agent.process.wait(10) == 0


def test_unregister_keeps_everything_where_the_control_plane_cannot_be_told(
    agent: AgentProcess, plane: FakeControlPlane
) -> None:
    run(agent, "--register", CODE, "--api-url", plane.url)
    plane.stop()
    ended = run(agent, "unregister")
    assert ended.returncode == 75
    assert (agent.home / "agent.key").exists()
    assert run(agent, "unregister", "--force").returncode == 75 - 75
    assert not (agent.home / "agent.key").exists()


def test_a_key_from_the_environment_needs_no_registration(agent: AgentProcess, plane: FakeControlPlane) -> None:
    plane.keys.append("acme.agt_000000000001.generated-in-the-settings")
    agent.environment |= {"MIGRATE_AGENT_KEY": plane.keys[0], "MIGRATE_API_URL": plane.url}
    agent.start()
    connected(agent)
    assert agent.status()["agent_id"] == "agt_000000000001"
