"""The benchmark's endpoint as pytest fixtures.

sink      a running endpoint (bench.sink.process.Sink), shared by the session; it answers plainly when a test begins
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sink.build import built_program
from bench.sink.process import Behaviour, Sink, running_sink
from local.certificates import Certificates


@pytest.fixture(scope="session")
def sink_process(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """The process behind `sink`."""
    program: Path = built_program()
    with running_sink(certificates, program=program) as started:
        yield started


@pytest.fixture
def sink(sink_process: Sink) -> Sink:
    """Empty, with counters at zero."""
    sink_process.behave(Behaviour())
    sink_process.reset()
    return sink_process
