"""The measured command passes against the endpoint in all its ways, and everything it sent equals the source."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.digests import SourceDigests, compare
from bench.sink.process import Behaviour, Sink
from tests.harness.agent_process import AgentProcess
from tests.harness.connect_proxy import ConnectProxy

_MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Small files, an empty one, one name that must be encoded, and one file of several blocks."""
    chance = random.Random(7)
    root = tmp_path / "source"
    (root / "folder" / "deeper").mkdir(parents=True)
    for index in range(120):
        (root / "folder" / f"file-{index:03}.bin").write_bytes(chance.randbytes(chance.randint(1, 32 << 10)))
    (root / "folder" / "deeper" / "50 % & ü+#?.txt").write_bytes(chance.randbytes(100))
    (root / "empty").touch()
    (root / "large.bin").write_bytes(chance.randbytes(5 * _MIB + 17))
    return root


def copied(sink: Sink, home: Path, source: Path, container: str, **environment: str) -> None:
    agent = AgentProcess(home, "", str(sink.ca_file), **environment)
    agent.environment["MIGRATE_SAS_URL"] = sink.container_url(container)
    ended = agent.command("copy", str(source), "--chunk-size-mib", "1", "--json", seconds=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(),
        Behaviour(chunked=True),
        Behaviour(close_each=True),
        Behaviour(always_continue=True),
        Behaviour(delay_ms=5, chunked=True, close_each=True, always_continue=True),
    ],
    ids=["plain", "chunked", "closes", "continues", "all-of-it"],
)
def test_the_copy_equals_the_source(sink: Sink, tmp_path: Path, source: Path, behaviour: Behaviour) -> None:
    container = sink.new_container()
    sink.behave(behaviour)
    copied(sink, tmp_path / "home", source, container)
    assert compare(sink.digests(container), SourceDigests(source), times=True) == 123
    sink.forget()
    copied(sink, tmp_path / "home", source, container)
    stats = sink.stats()
    assert (stats["commits"], stats["bytes"], stats["mismatches"]) == (0, 0, 0)


def test_the_copy_passes_a_proxy(sink: Sink, tmp_path: Path, source: Path) -> None:
    container = sink.new_container()
    with ConnectProxy("user", "p@ss") as proxy:
        copied(
            sink,
            tmp_path / "home",
            source,
            container,
            HTTPS_PROXY=f"http://user:p%40ss@127.0.0.1:{proxy.port}",
            NO_PROXY="",
        )
        assert set(proxy.tunnels) == {f"127.0.0.1:{sink.port}"}
    assert compare(sink.digests(container), SourceDigests(source), times=True) == 123
