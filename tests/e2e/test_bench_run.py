"""The benchmark itself, small: real clients, real files, figures that hang together; and it fails when a run fails."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.measure import ClientFailed, run_measured
from bench.trees import NoRoom, TreeKind, Trees

ROOT = Path(__file__).parents[2]


def bench(*arguments: str, seconds: float = 200) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.slow
def test_clients_are_measured_in_turn_and_compared(tmp_path: Path) -> None:
    ended = bench(
        *("run", "--scale", "0.001", "--runs", "2", "--scenario", "small", "--scenario", "rerun"),
        *("--client", "rclone", "--client", "agent", "--sources", str(tmp_path / "sources"), "--json", "-"),
    )
    assert ended.returncode in {0, 1}, ended.stderr
    small, rerun = json.loads(ended.stdout)["scenarios"]
    assert (small["name"], small["files"], rerun["files"]) == ("small", 1000, 1000)
    for client in ("rclone", "agent"):
        first, second = small["runs"][client]
        assert first["size_bytes"] == second["size_bytes"] > 10_000_000
        assert 0 < first["endpoint_seconds"] <= first["wall_seconds"]
        assert first["cpu_seconds"] > 0.1
        assert first["peak_rss_bytes"] >= first["peak_pss_bytes"] > 1 << 20
        assert all(run["endpoint_seconds"] == 0 for run in rerun["runs"][client])
    order = [line.split()[2].rstrip(":") for line in ended.stderr.splitlines() if line.startswith("  small ")]
    assert order == ["rclone", "agent", "rclone", "agent"]
    assert not (tmp_path / "sources").exists()


def test_a_client_that_fails_ends_the_benchmark_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(ClientFailed, match="exit code 3\nwhy it failed"):
        run_measured(["/bin/sh", "-c", "echo why it failed; exit 3"], {}, log_file=tmp_path / "log", timeout_seconds=60)


def test_one_that_takes_too_long_ends_with_all_its_children(tmp_path: Path) -> None:
    script = f"sleep 300 & echo $! > {tmp_path}/child; wait"
    with pytest.raises(ClientFailed, match="did not end within"):
        run_measured(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, log_file=tmp_path / "log", timeout_seconds=1)
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    assert not child.exists() or child.read_text().split()[2] in {"Z", "X"}


def test_costs_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    """A child that holds 80 MiB and burns CPU is in the figures of its parent."""
    child = "import time; held = bytearray(b'x') * (80 << 20)\nwhile time.process_time() < 2: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    began = time.time()
    costs = run_measured([sys.executable, "-c", parent], {}, log_file=tmp_path / "log", timeout_seconds=60)
    assert costs.peak_rss_bytes > 80 << 20
    assert costs.peak_pss_bytes > 60 << 20
    assert 2.0 <= costs.cpu_seconds < 12
    assert costs.wall_seconds >= 2.0
    assert abs(costs.began_at - began) < 5


def test_a_child_that_nobody_waits_for_is_counted(tmp_path: Path) -> None:
    child = "import time\nwhile time.process_time() < 2: pass"
    begin = f"import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}])"
    parent = f"{begin}; time.sleep(4); os._exit(0)"
    costs = run_measured([sys.executable, "-c", parent], {}, log_file=tmp_path / "log", timeout_seconds=60)
    assert costs.cpu_seconds > 0.3


def test_trees_are_the_same_every_time_and_make_room(tmp_path: Path) -> None:
    kind = TreeKind("small", 1100, 1, 2000)
    first = Trees(tmp_path / "one").tree(kind)
    again = Trees(tmp_path / "two").tree(kind)
    files = sorted(path.relative_to(first.path) for path in first.path.rglob("*.bin"))
    assert len(files) == 1100
    assert first.size_bytes == again.size_bytes == sum((first.path / file).stat().st_size for file in files)
    assert all((first.path / file).read_bytes() == (again.path / file).read_bytes() for file in files)
    assert len({(first.path / file).read_bytes() for file in files}) > 1090
    with pytest.raises(NoRoom, match="--scale"):
        Trees(tmp_path / "one").tree(TreeKind("huge", 1 << 40, 1 << 20, 1 << 20))
    assert not first.path.exists(), "what was there made room"
