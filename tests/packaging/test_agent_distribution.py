"""The agent as customers get it: wheel and sdist, installed into clean environments of 3.11 and 3.13, run isolated.

Built without build isolation from the pinned build tools, so no network is needed for that. The dependencies come from
the package index at the versions that requirements*.txt pins.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from local.azurite import Azurite
from local.certificates import Certificates
from tests.fixtures_stack import DATA_ACCOUNT
from tests.harness.container import blobs, files, open_container
from tests.harness.copy_engine import Container

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "agent/src/migrate_agent/__init__.py").read_text()).group(1)  # type: ignore[union-attr]
CONTRACT = sorted(path.name for path in (ROOT / "migrate_contract").glob("*.py"))
INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
OFFLINE = ("--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall")
DEPENDENCIES = (
    *("awscrt", "cryptography", "httpx", "keyring", "mssql-python", "orjson", "platformdirs", "pydantic", "rich"),
    *("truststore", "typer", "tzdata"),
)


def run(
    *command: str | Path, cwd: Path | None = None, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MIGRATE_"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | (more or {}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def done(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that was built from the unpacked sdist, far from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--no-isolation")
    done(run(*build, "--sdist", "--outdir", folder, ROOT / "agent"))
    sdist = next(folder.glob("*.tar.gz"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    source = next(unpacked.iterdir())
    done(run(*build, "--wheel", "--outdir", folder, source, cwd=unpacked))
    return {"sdist": sdist, "wheel": next(folder.glob("*.whl")), "source": source}


def interpreter(version: str) -> str:
    """The path of that Python; a skip that says where it was looked for, if there is none."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return str(Path(sys.executable).resolve())
    named = os.environ.get(f"PYTHON{version.replace('.', '')}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [named, *sorted(map(str, pyenv.glob(f"{version}*/bin/python"))), shutil.which(f"python{version}")]
    for found in filter(None, candidates):
        answer = run(found, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])")
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return found
    pytest.skip(f"Python {version} is not installed (looked at PYTHON{version.replace('.', '')}, pyenv and PATH)")


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`environments("3.11")`: the python of a clean environment with the agent's dependencies at their pins."""
    made: dict[str, Path] = {}

    def of(version: str) -> Path:
        if version not in made:
            folder = tmp_path_factory.mktemp("environment")
            done(run(interpreter(version), "-m", "venv", folder))
            python = folder / "bin" / "python"
            pins = pinned()
            constraints = folder / "constraints.txt"
            constraints.write_text("\n".join(f"{name}=={pin}" for name, pin in pins.items()))
            wanted = [f"{name}=={pins[name]}" for name in DEPENDENCIES]
            done(run(python, *INSTALL, "--constraint", constraints, *wanted, "hatchling"))
            made[version] = python
        return made[version]

    return of


def pinned() -> dict[str, str]:
    """Result: name -> version of every pin in the requirements files."""
    text = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-dev.txt").read_text()
    return {name.lower(): version for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE)}


def test_the_wheel_has_both_packages_and_nothing_else(distribution: dict[str, Path]) -> None:
    with zipfile.ZipFile(distribution["wheel"]) as wheel:
        names = wheel.namelist()
    assert sorted(name.split("/")[1] for name in names if name.startswith("migrate_contract/")) == CONTRACT
    assert "migrate_agent/py.typed" in names
    shipped = (path for kind in ("*.py", "*.json") for path in (ROOT / "agent/src").rglob(kind))
    sources = {path.relative_to(ROOT / "agent/src").as_posix() for path in shipped}
    assert any(name.endswith("schemas/contribution.json") for name in sources)
    assert sources <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"migrate_agent", "migrate_contract", f"onemigrate_agent-{VERSION}.dist-info"}


def test_the_wheel_carries_the_contract_of_this_checkout(distribution: dict[str, Path]) -> None:
    with zipfile.ZipFile(distribution["wheel"]) as wheel:
        for name in CONTRACT:
            assert wheel.read(f"migrate_contract/{name}") == (ROOT / "migrate_contract" / name).read_bytes()


def test_the_sdist_has_what_a_build_needs(distribution: dict[str, Path]) -> None:
    source = distribution["source"]
    for needed in ("pyproject.toml", "hatch_build.py", "README.md", "src/migrate_agent/cli/app.py"):
        assert (source / needed).is_file(), needed
    assert sorted(path.name for path in (source / "migrate_contract").glob("*.py")) == CONTRACT


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.13"])
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installed_and_run_isolated(
    distribution: dict[str, Path], environments: Callable[[str], Path], tmp_path: Path, version: str, kind: str
) -> None:
    python = environments(version)
    done(run(python, *INSTALL, *OFFLINE, distribution[kind]))
    done(run(python, "-m", "pip", "check"))
    outside = tmp_path / "outside"
    outside.mkdir()
    isolated = (python, "-I", "-m", "migrate_agent")
    assert done(run(*isolated, "version", cwd=outside)).strip() == VERSION
    where = done(
        run(python, "-I", "-c", "import migrate_agent, migrate_contract; print(migrate_contract.__file__)", cwd=outside)
    )
    assert where.startswith(str(python.parent.parent)), "the contract comes from the installed distribution"
    command = python.parent / "migrate-agent"
    assert done(run(command, "version", cwd=outside)).strip() == VERSION
    home = tmp_path / "home"
    status = run(*isolated, "--home", home, "status", cwd=outside)
    assert status.returncode == 3
    assert "migrate-agent --register" in status.stdout
    every = "import pkgutil, importlib, migrate_agent as a\n" + (
        "for m in pkgutil.walk_packages(a.__path__, 'migrate_agent.'):\n"
        "    m.name.endswith('__main__') or importlib.import_module(m.name)\n"
    )
    done(run(python, "-I", "-W", "error::SyntaxWarning", "-c", every, cwd=outside))
    refused = run(
        command, "--home", home, "copy", "--dry-run", str(outside), "https://a.example/c?nothing", cwd=outside
    )
    assert refused.returncode == 2
    assert "sas-url-invalid" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_a_dry_run_and_a_copy_by_the_installed_agent(
    distribution: dict[str, Path],
    environments: Callable[[str], Path],
    tmp_path: Path,
    version: str,
    azurite: Azurite,
    certificates: Certificates,
) -> None:
    python = environments(version)
    done(run(python, *INSTALL, *OFFLINE, distribution["wheel"]))
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "a.txt").write_text("a")
    (source / "b.bin").write_bytes(bytes(range(256)) * 1000)
    account = azurite.account(DATA_ACCOUNT)
    client = open_container(account.connection_string, str(certificates.ca_file), f"packaging-{version[2:]}")
    client.create_container()
    container = Container(account, client, certificates.ca_file, account.blob_endpoint)
    command = (python.parent / "migrate-agent", "--home", tmp_path / "home", "copy", source)
    hidden = {"MIGRATE_SAS_URL": container.sas_url, "SSL_CERT_FILE": str(certificates.ca_file)}
    assert "Nothing was written" in done(run(*command, "--dry-run", more=hidden))
    assert blobs(client) == {}
    assert "Complete" in done(run(*command, more=hidden))
    assert blobs(client) == files(source)
