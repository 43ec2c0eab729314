"""The running parts of the system, as pytest fixtures. Loaded for every test by tests/conftest.py.

Session-wide, started when first asked for and ended by their own pid:
    certificates   a private CA and a loopback server certificate (local.certificates.Certificates)
    azurite        a real Azurite over HTTPS with two accounts, data in memory; never restarted
    stack          the whole system in a folder of its own (local.stack.Stack), with short times; shared by
                   tests that do not restart, break or empty it: make your own clients and projects in it

For a test that restarts or breaks things:
    fresh_stack    a factory: `fresh_stack(settings={...})` starts a Stack for this test alone

The functions host with a small app of its own: tests/e2e/test_functions_host.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite, new_account_key
from local.certificates import Certificates, certificates_in
from local.stack import Stack

STATE_ACCOUNT = "devstoreaccount1"
DATA_ACCOUNT = "migrationdata"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for every server of this test run."""
    return certificates_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Azurite]:
    """A storage emulator for tests that do not restart it."""
    emulator = Azurite(
        tmp_path_factory.mktemp("azurite"),
        certificates,
        {STATE_ACCOUNT: new_account_key(), DATA_ACCOUNT: new_account_key()},
        in_memory=True,
    )
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, shared."""
    shared = Stack(tmp_path_factory.mktemp("stack"))
    try:
        shared.start()
        yield shared
    finally:
        shared.stop()


@pytest.fixture
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """Start stacks that this test may break; each is stopped at its end."""
    with contextlib.ExitStack() as started:

        def start(directory: Path | None = None, **options: Any) -> Stack:
            fresh = Stack(directory or tmp_path_factory.mktemp("stack"), **options)
            started.callback(fresh.stop)
            fresh.start()
            return fresh

        yield start
