"""The deployment package runs: unpacked, with its requirements in a clean environment, every function once."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.certificates import Certificates
from scripts.package import ROOT, build
from tests.fixtures_stack import STATE_ACCOUNT

GUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
DRIVER = ("__init__.py", "worker.py", "function.py")
HERE = Path(__file__).resolve().parent


def without_this_project(environment: dict[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ONEMIGRATE_", "AZURE"))
    }
    return {**kept, **environment}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    build(ROOT, folder / "app.zip")
    with zipfile.ZipFile(folder / "app.zip") as packed:
        packed.extractall(folder / "app")
    return folder / "app"


@pytest.fixture(scope="module")
def python(package: Path) -> Path:
    """A clean environment with what requirements.txt names, as Azure's remote build makes it."""
    folder = package.parent / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
    ]
    done = subprocess.run(
        [*install, "-r", package / "requirements.txt"],
        env=without_this_project({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "bin" / "python"


def invoked(
    python: Path, package: Path, azurite: Azurite, certificates: Certificates
) -> subprocess.CompletedProcess[str]:
    beside = package.parent / "driver"
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "local" / "functions_host").mkdir(parents=True)
    (beside / "local" / "__init__.py").touch()
    for name in DRIVER:
        shutil.copy(ROOT / "local" / "functions_host" / name, beside / "local" / "functions_host" / name)
    shutil.copy(HERE / "package_driver.py", beside)
    settings = {
        "ONEMIGRATE_STORAGE": azurite.account(STATE_ACCOUNT).connection_string,
        "ONEMIGRATE_STORAGE_CA_FILE": str(certificates.ca_file),
        "ONEMIGRATE_ORGANIZATION": "packaged",
        "ONEMIGRATE_ORGANIZATION_NAME": "Packaged",
        "ONEMIGRATE_FIRST_ADMIN": f"{GUID}/{GUID}",
        "ONEMIGRATE_TENANT_ID": GUID,
        "ONEMIGRATE_CLIENT_ID": GUID,
        "ONEMIGRATE_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
        "ONEMIGRATE_PUBLIC_URL": "https://app.example",
        "ONEMIGRATE_SWEEP_SCHEDULE": "*/30 * * * * *",
        "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": "0 7 * * * *",
    }
    return subprocess.run(
        [python, beside / "package_driver.py", package],
        cwd=package,
        env=without_this_project(settings),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def lines(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"name"')]


@pytest.mark.slow
def test_every_function_is_indexed_and_runs_from_the_package(
    python: Path, package: Path, azurite: Azurite, certificates: Certificates
) -> None:
    ended = invoked(python, package, azurite, certificates)
    found = lines(ended)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [each for each in found if "failed" in each] == []
    assert [each for each in found if each.get("status", 200) >= 500] == []
    assert {each["kind"] for each in found} == {"httptrigger", "timertrigger", "queuetrigger"}
    names = {each["name"] for each in found}
    assert {"sweep", "token_refresh", "dispatch"} <= names
    (package / "functions" / "dashboard" / "badges.py").rename(package / "badges.away")
    try:
        assert invoked(python, package, azurite, certificates).returncode != 0, (
            "a module that is missing is not noticed"
        )
    finally:
        (package / "badges.away").rename(package / "functions" / "dashboard" / "badges.py")
