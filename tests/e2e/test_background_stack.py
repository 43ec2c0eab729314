"""`make up` and `make down`: the stack that stays, is found again, and is never mistaken for something else."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from local.background import BackgroundStack
from local.processes import identity_of, stop_process


@pytest.fixture
def background(tmp_path: Path) -> Iterator[BackgroundStack]:
    """A stack folder of this test's own."""
    stack = BackgroundStack(tmp_path / "stack")
    yield stack
    stack.down()


def test_up_describes_a_working_stack_to_outside_clients(background: BackgroundStack):
    description, ran_already = background.up()
    assert not ran_already
    assert stat.S_IMODE(background.stack_file.stat().st_mode) == 0o600
    assert json.loads(background.stack_file.read_text()) == description

    operator = {"Authorization": description["operator"]["authorization"]}
    with httpx.Client(base_url=description["api_url"], trust_env=False) as http:
        assert http.get("/api/health").json()["status"] == "ok"
        assert http.get("/api/clients").status_code == 401
        me = http.get("/api/me", headers=operator).json()
        assert me["name"] == description["operator"]["name"]
        project = http.get(f"/api/projects/{description['seed']['project_id']}", headers=operator).json()
        assert project["client_id"] == description["seed"]["client_id"]
        others = [entry for entry in description["operators"] if entry["organization"] != "local"]
        stranger = {"Authorization": others[0]["authorization"]}
        assert http.get("/api/me", headers=stranger).json()["organization_id"] == others[0]["organization"]
        assert http.get(f"/api/projects/{project['project_id']}", headers=stranger).status_code == 404
        roles = {entry["role"] for entry in description["operators"]}
        assert roles == {"Admin", "Operator", "Reader"}
        for entry in description["operators"]:
            seen = http.get("/api/me", headers={"Authorization": entry["authorization"]}).json()
            assert seen["role"] == entry["role"]

    storage = description["storage"]
    with BlobServiceClient.from_connection_string(
        storage["connection_string"], connection_verify=description["ca_file"]
    ) as service:
        assert description["seed"]["container"] in [container.name for container in service.list_containers()]
    with BlobServiceClient(storage["sas_url"], connection_verify=description["ca_file"]) as service:
        assert description["seed"]["container"] in [container.name for container in service.list_containers()]
    trusted = ssl.create_default_context(cafile=description["ca_file"])

    customer = description["customer"]
    challenge = httpx.get(f"{customer['blob_endpoint']}/?comp=list", verify=trusted, trust_env=False)
    assert f"{customer['authority']}/{customer['tenant_id']}/" in challenge.headers["www-authenticate"]
    discovery = f"{customer['authority']}/{customer['tenant_id']}/v2.0/.well-known/openid-configuration"
    assert httpx.get(discovery, verify=trusted, trust_env=False).status_code == 200
    assert httpx.get(f"{customer['identity_control_url']}/log", trust_env=False).json() == []
    assert "Olivia Owner" in {person["name"] for person in customer["people"]}


def test_up_twice_changes_nothing_and_data_outlives_down(background: BackgroundStack):
    first, _ = background.up()
    again, ran_already = background.up()
    assert ran_already
    assert again == first
    assert background.down()
    assert not background.is_up()
    assert all(identity_of(pid) is None for pid in first["pids"].values())
    assert not background.stack_file.exists()
    assert not background.down()
    later, _ = background.up()
    assert (later["seed"], later["api_url"]) == (first["seed"], first["api_url"])
    assert later["operator"] == first["operator"]


@pytest.mark.slow
def test_half_a_stack_is_made_whole(background: BackgroundStack):
    first, _ = background.up()
    lost = identity_of(first["pids"]["azurite"])
    assert lost is not None
    stop_process(lost)
    assert not background.is_up()
    again, ran_already = background.up()
    assert not ran_already
    assert background.is_up()
    assert again["seed"] == first["seed"]
    assert identity_of(first["pids"]["functions_host"]) is None, "the old half was ended, not left behind"


def test_a_stale_file_never_ends_somebody_elses_process(background: BackgroundStack):
    """After a reboot the recorded pids may belong to anybody."""
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        background.directory.mkdir()
        stale = {name: {"pid": bystander.pid, "born": "another boot 1"} for name in ("azurite", "functions_host")}
        (background.directory / "processes.json").write_text(json.dumps(stale))
        assert not background.is_up()
        assert not background.down()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(10)
