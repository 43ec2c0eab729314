import threading

import pytest

from functions import bootstrap
from functions.bootstrap import Services, build
from functions.domain.ports import Ports
from functions.settings import read_settings
from migrate_contract.errors import ErrorCode, Fatal
from tests.memory.world import World
from tests.unit.functions.test_settings import GOOD


def test_services_are_built_over_any_ports():
    world = World()
    built = build(read_settings(GOOD), world.ports)
    assert built.clock() == world.clock()
    assert built.settings.organization == "acme"
    assert len(built.csrf_key) == 32
    assert built.csrf_key not in (built.settings.secret_key.get_secret_value(), b"")
    assert "csrf_key" not in repr(built)


def test_the_azure_ports_are_made_without_a_call():
    settings = read_settings({**GOOD, "ONEMIGRATE_STORAGE": CONNECTION, "ONEMIGRATE_DATA_STORAGE": CONNECTION})
    ports = bootstrap.azure_ports(settings)
    assert isinstance(ports, Ports)
    account = ports.data_accounts.deployment()
    assert account is not None
    assert account.account == "nowhere"


def test_no_data_account_is_no_fault():
    assert (
        bootstrap.azure_ports(read_settings({**GOOD, "ONEMIGRATE_STORAGE": CONNECTION})).data_accounts.deployment()
        is None
    )


def test_services_are_built_once_whoever_asks_first(monkeypatch):
    monkeypatch.setattr(bootstrap, "_services", None)
    for name, value in {**GOOD, "ONEMIGRATE_STORAGE": CONNECTION}.items():
        monkeypatch.setenv(name, value)
    built: list[Services] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        built.append(bootstrap.services())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 8
    assert len({id(services) for services in built}) == 1


def test_wrong_settings_are_found_by_every_call(monkeypatch):
    monkeypatch.setattr(bootstrap, "_services", None)
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
    for _ in range(2):
        with pytest.raises(Fatal) as raised:
            bootstrap.services()
        assert raised.value.code is ErrorCode.SETTINGS_INVALID


CONNECTION = (
    "DefaultEndpointsProtocol=https;AccountName=nowhere;AccountKey=bm93aGVyZQ==;EndpointSuffix=core.windows.net"
)
