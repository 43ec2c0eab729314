"""What is told to systemd, launchd and the Windows service manager; each manager is a recording of its commands."""

from __future__ import annotations

import plistlib
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from migrate_agent.config import Config, load_config
from migrate_agent.runtime.service import keep_environment, restore_environment
from migrate_agent.runtime.service_launchd import LABEL, LaunchdService
from migrate_agent.runtime.service_systemd import UNIT, SystemdService
from migrate_agent.runtime.service_windows import SERVICE, WindowsService
from migrate_agent.runtime.windows_dispatcher import run_under_manager
from migrate_agent.stop import StopKind, StopSignal
from migrate_contract.errors import ErrorCode, Fatal


class Manager:
    """Records commands; those that contain a word of `failing` end with 1."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        self.commands.append(line)
        failed = any(word in line for word in self.failing)
        return subprocess.CompletedProcess(command, 1 if failed else 0, "", "Access denied" if failed else "")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(home=tmp_path / "the home of 100% $agents", environment={})


def systemd(config: Config, tmp_path: Path, manager: Manager, *, as_root: bool = True) -> SystemdService:
    (tmp_path / "booted").mkdir(exist_ok=True)
    return SystemdService(
        config, as_root=as_root, folder=tmp_path / "units", booted=tmp_path / "booted", run_command=manager
    )


def test_the_unit_is_written_enabled_and_started(config: Config, tmp_path: Path) -> None:
    manager = Manager()
    service = systemd(config, tmp_path, manager)
    service.install()
    assert service.installed()
    assert manager.commands == [f"systemctl {word}" for word in ("daemon-reload", f"enable {UNIT}", f"restart {UNIT}")]
    text = (tmp_path / "units" / UNIT).read_text()
    for line in (
        "Restart=always",
        "RestartPreventExitStatus=78",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "WantedBy=multi-user.target",
    ):
        assert line in text.splitlines()


def test_the_command_survives_spaces_and_percent_signs(config: Config, tmp_path: Path) -> None:
    text = systemd(config, tmp_path, Manager()).unit_text()
    started = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert started.startswith(f"ExecStart={sys.executable} -P -m migrate_agent --home ")
    assert '"' in started
    assert "the home of 100%% $$agents" in started
    assert f'ReadWritePaths="{tmp_path}/the home of 100%% $agents"' in text
    assert started.endswith("start --as-service systemd")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("as_root", [True, False])
def test_systemd_itself_accepts_the_unit(config: Config, tmp_path: Path, as_root: bool) -> None:
    path = tmp_path / UNIT
    config.state_dir.mkdir(parents=True)
    path.write_text(systemd(config, tmp_path, Manager(), as_root=as_root).unit_text())
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    ours = [line for line in ended.stderr.splitlines() if UNIT in line]
    assert not ours, ended.stderr


def test_an_ordinary_account_gets_a_unit_of_its_own_that_lingers(config: Config, tmp_path: Path) -> None:
    manager = Manager("enable-linger")
    service = systemd(config, tmp_path, manager, as_root=False)
    service.install()
    assert f"systemctl --user restart {UNIT}" in manager.commands
    assert "loginctl enable-linger" in manager.commands
    text = (tmp_path / "units" / UNIT).read_text()
    assert "WantedBy=default.target" in text
    assert "CapabilityBoundingSet" not in text


def test_root_keeps_one_capability(config: Config, tmp_path: Path) -> None:
    text = systemd(config, tmp_path, Manager()).unit_text()
    assert "CapabilityBoundingSet=CAP_DAC_READ_SEARCH\n" in text


def test_without_systemd_nothing_is_written(config: Config, tmp_path: Path) -> None:
    service = SystemdService(
        config, as_root=True, folder=tmp_path / "units", booted=tmp_path / "no", run_command=Manager()
    )
    with pytest.raises(Fatal) as caught:
        service.install()
    assert caught.value.code is ErrorCode.SERVICE_UNSUPPORTED
    assert not service.installed()


def test_a_manager_that_refuses_is_quoted(config: Config, tmp_path: Path) -> None:
    with pytest.raises(Fatal) as caught:
        systemd(config, tmp_path, Manager("enable")).install()
    assert "Access denied" in caught.value.detail


def test_removing_the_unit_leaves_nothing(config: Config, tmp_path: Path) -> None:
    manager = Manager()
    service = systemd(config, tmp_path, manager)
    service.install()
    service.remove()
    assert not service.installed()
    assert f"systemctl disable --now {UNIT}" in manager.commands


def test_the_environment_of_the_registration_is_kept_privately(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep_environment(
        config, {"HTTPS_PROXY": "http://user:password@proxy:8080", "PATH": "/bin", "SSL_CERT_FILE": ""}
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PATH" not in path.read_text()
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setenv("NO_PROXY", "the manager's own")
    restore_environment(config.state_dir)
    import os

    assert os.environ["HTTPS_PROXY"] == "http://user:password@proxy:8080"
    assert os.environ["NO_PROXY"] == "the manager's own"
    monkeypatch.delenv("HTTPS_PROXY")


def test_launchd_restarts_what_fails_only(config: Config, tmp_path: Path) -> None:
    manager = Manager("bootout")
    service = LaunchdService(config, as_root=True, folder=tmp_path / "daemons", run_command=manager)
    service.install()
    job = plistlib.loads((tmp_path / "daemons" / f"{LABEL}.plist").read_bytes())
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert job["ProgramArguments"][-3:] == ["start", "--as-service", "launchd"]
    assert str(config.home) in job["ProgramArguments"]
    assert manager.commands[-1] == f"launchctl kickstart system/{LABEL}"
    service.remove()
    assert not service.installed()


def test_windows_is_told_to_restart_failures(config: Config) -> None:
    manager = Manager()
    service = WindowsService(config, run_command=manager)
    lines = [" ".join(command) for command in service.commands(exists=False)]
    assert lines[0].startswith(f"sc.exe create {SERVICE} binPath= ")
    assert f'"{config.home}"' in lines[0], "a path with spaces is quoted inside the command line"
    assert "start= delayed-auto" in lines[0]
    assert any("failure" in line and "restart/5000" in line for line in lines)
    assert lines[-1] == f"sc.exe start {SERVICE}"


class WindowsManager:
    """The three calls of the dispatcher, as Windows would make and take them."""

    def __init__(self, control: int | None) -> None:
        self.control, self.told = control, list[tuple[int, int]]()

    def dispatch(self, name: str, main: object) -> bool:
        main()  # type: ignore[operator]
        return True

    def register(self, name: str, handler: object) -> int:
        self.handler = handler
        return 42

    def tell(self, handle: int, state: int, accepted: int, exit_code: int, wait_ms: int) -> None:
        assert handle == 42
        self.told.append((state, exit_code))


@pytest.mark.parametrize(("code", "reported"), [(0, 0), (78, 0), (1, 1)])
def test_a_windows_service_hears_the_manager_and_says_how_it_ended(code: int, reported: int) -> None:
    manager = WindowsManager(control=1)

    def work(stop: StopSignal) -> int:
        assert manager.handler(1) == 0  # type: ignore[operator]
        assert stop.kind is StopKind.STOP
        return code

    assert run_under_manager(work, manager) == code
    running, stop_pending, stopped = 4, 3, 1
    assert manager.told == [(running, 0), (stop_pending, 0), (stopped, reported)]


def test_a_service_that_breaks_reports_a_failure() -> None:
    manager = WindowsManager(control=None)

    def work(stop: StopSignal) -> int:
        raise RuntimeError("broken")

    assert run_under_manager(work, manager) == 1
    assert manager.told[-1] == (1, 1)
