"""`make demo`: it passes on a right copy, and fails and names every blob that was damaged after the copy."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from rich.console import Console

from local.comparison import DifferenceKind
from local.demo import DemoFailed, run_demo
from local.demo_display import DemoDisplay
from local.stack import APP_DIRECTORY
from tests.harness.conditions import eventually


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small folder of real files, with one name that Blob cannot hold and one link."""
    root = tmp_path / "source"
    for number in range(60):
        folder = root / f"folder {number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number}.bin").write_bytes(os.urandom(number * 997))
    (root / "folder 0" / "link").symlink_to("file-0.bin")
    (root / "ends in a dot.").write_bytes(b"Blob drops the dot")
    return root


def display() -> tuple[DemoDisplay, io.StringIO]:
    output = io.StringIO()
    return DemoDisplay(Console(file=output, width=200)), output


def demo_leftovers(temporary: Path) -> list[str]:
    return [path.name for path in temporary.glob("onemigrate-demo-*")]


def test_a_right_copy_passes_and_leaves_nothing_behind(source: Path, tmp_path: Path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--source", str(source)],
        cwd=APP_DIRECTORY,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASSED" in ended.stdout
    assert "60 files" in ended.stdout
    assert "unsupported: ends in a dot." in ended.stdout
    assert demo_leftovers(temporary) == []


def test_every_damaged_blob_is_named(source: Path):
    def damage(container: ContainerClient) -> None:
        name = "folder 3/file-10.bin"
        content = bytearray(container.download_blob(name).readall())
        content[100] ^= 1
        container.upload_blob(name, bytes(content), overwrite=True)
        container.delete_blob("folder 4/file-11.bin")
        container.upload_blob("folder 4/stranger.bin", b"not from the source")

    shown, output = display()
    report = run_demo(source, shown, before_comparison=damage)
    shown.report(report)
    assert [(each.name, each.kind) for each in report.comparison.differences] == [
        ("folder 3/file-10.bin", DifferenceKind.CONTENT),
        ("folder 4/file-11.bin", DifferenceKind.MISSING),
        ("folder 4/stranger.bin", DifferenceKind.ADDED),
    ]
    assert report.problems == ["3 names differ between folder and container"]
    for name in ("file-10.bin", "file-11.bin", "stranger.bin"):
        assert name in output.getvalue()
    assert "FAILED" in output.getvalue()


def test_a_source_that_is_not_there_is_named():
    shown, _ = display()
    with pytest.raises(DemoFailed) as refusal:
        run_demo(Path("/no/such/folder"), shown)
    assert "/no/such/folder" in refusal.value.cause
    assert "SOURCE=" in refusal.value.fix


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_cleans_up(source: Path, tmp_path: Path, ending: signal.Signals):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    demo = subprocess.Popen(
        [sys.executable, "-m", "local", "demo", "--source", str(source)],
        cwd=APP_DIRECTORY,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        eventually(
            lambda: list(temporary.glob("onemigrate-demo-*/stack/logs/functions-host.log")),
            seconds=60,
            what="a running stack",
        )
        demo.send_signal(ending)
        said, _ = demo.communicate(timeout=90)
    finally:
        demo.kill()
        demo.wait(10)
    assert demo.returncode == 130, said
    assert demo_leftovers(temporary) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(temporary) not in running
