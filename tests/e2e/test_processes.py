"""Child processes of the stack: ready, ended, stubborn; and recognized by more than a pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.ports import free_ports, is_listening
from local.processes import ChildProcess, ProcessFailed, ProcessIdentity, identity_of, stop_process

STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); sys.stdin.read()"
)


def python(code: str, directory: Path) -> ChildProcess:
    return ChildProcess(
        "child",
        [sys.executable, "-c", code],
        directory=directory,
        log_file=directory / "child.log",
        environment={"PATH": os.environ["PATH"]},
    )


def test_a_process_that_ends_before_it_is_ready_says_why(tmp_path: Path):
    child = python("import sys; print('the cause'); sys.exit(7)", tmp_path)
    child.start()
    with pytest.raises(ProcessFailed, match=r"exit code 7[\s\S]*the cause"):
        child.wait_ready(lambda: False)


def test_a_process_that_is_never_ready_says_what_it_printed(tmp_path: Path):
    child = python("import time; print('still starting', flush=True); time.sleep(60)", tmp_path)
    child.start()
    try:
        with pytest.raises(ProcessFailed, match=r"not within 1 s[\s\S]*still starting"):
            child.wait_ready(lambda: "impossible" in child.log_tail(), seconds=1)
    finally:
        child.kill()


def test_a_process_that_will_not_stop_is_killed(tmp_path: Path):
    child = python(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)", tmp_path
    )
    child.start()
    child.wait_ready(lambda: "deaf" in child.log_tail())
    child.stop(seconds=0.5)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("keep", "survives"), [("", False), ("child.outlive_us()", True)])
def test_a_forgotten_process_ends_with_us_unless_it_may_stay(tmp_path: Path, keep: str, survives: bool):
    forgetful = f"""
import pathlib, sys
from local.processes import ChildProcess
here = pathlib.Path({str(tmp_path)!r})
child = ChildProcess("child", [sys.executable, "-c", "import time; time.sleep(60)"], directory=here,
                     log_file=here / "log", environment={{}})
child.start()
{keep}
print(child.pid)
raise RuntimeError("forgot everything")
"""
    ended = subprocess.run([sys.executable, "-c", forgetful], capture_output=True, text=True, timeout=30, check=False)
    identity = identity_of(int(ended.stdout))
    assert (identity is not None) == survives
    if identity is not None:
        stop_process(identity)


def test_somebody_elses_process_is_stopped_by_identity_only():
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        stop_process(ProcessIdentity(process.pid, "another birth"), seconds=0.2)
        assert process.poll() is None
        identity = identity_of(process.pid)
        assert identity is not None
        stop_process(identity, seconds=0.2)
        assert process.wait(10) == -signal.SIGKILL
        assert not identity.is_alive()
        assert identity_of(process.pid) is None
    finally:
        process.kill()
        process.wait(10)
        process.communicate()


def test_free_ports_are_free_and_different():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports[0]))
        server.listen()
        assert is_listening(ports[0])
    assert not is_listening(ports[1])
