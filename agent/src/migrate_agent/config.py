"""The agent's configuration: a TOML file, the environment, and where both the file and the agent's state live.

Nouns: the *home* is the folder of the configuration file; the *state folder* holds what the agent writes (key,
journal, log, lock). Precedence for each value: command line, environment, file, registration, default.

Home and state folder, the first that applies:

1. `--home DIR` or `MIGRATE_AGENT_HOME`: both are DIR.
2. root on Linux: /etc/migrate-agent and /var/lib/migrate-agent.
3. the platform's own folders of the account. A service is told the folders of the account that installed it.

`--config FILE` names another file and changes nothing else.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from migrate_agent.identity import Credentials, key_fingerprint, load_credentials
from migrate_agent.private_file import read_private
from migrate_contract.errors import ErrorCode, Fatal

DEFAULT_API_URL = "https://api.theonemigrate.app"
CONFIG_FILE = "agent.toml"
ENV_URL = "MIGRATE_API_URL"
ENV_KEY = "MIGRATE_AGENT_KEY"
ENV_HOME = "MIGRATE_AGENT_HOME"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _checked_api_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must look like https://host")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and path only")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be https: the agent's key would travel in clear text")
    return url.rstrip("/")


def _checked_proxy(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("must look like http://proxy.example:8080")
    return url


ApiUrl = Annotated[str, AfterValidator(_checked_api_url)]
ProxyUrl = Annotated[str, AfterValidator(_checked_proxy)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiSection(_Section):
    """`[api]`: the control plane's address, and a key where it was generated there and not by registration."""

    url: ApiUrl | None = None
    key: SecretStr | None = None


class NetworkSection(_Section):
    """`[network]`: a proxy (HTTPS_PROXY and NO_PROXY otherwise) and a certificate bundle beside the system's own."""

    proxy: ProxyUrl | None = None
    no_proxy: list[str] = Field(default_factory=list)
    ca_bundle: Path | None = None


class AgentSection(_Section):
    """`[agent]`: how many jobs it holds at once (of which one is a transfer), and where its state is."""

    max_jobs: Annotated[int, Field(ge=1, le=64)] = 2
    state_dir: Path | None = None


class LogSection(_Section):
    """`[log]`: how much is written."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class ConfigFile(_Section):
    """The whole file; an entry that is not here is refused by name, so that a typing error cannot pass silently."""

    api: ApiSection = Field(default_factory=ApiSection)
    network: NetworkSection = Field(default_factory=NetworkSection)
    agent: AgentSection = Field(default_factory=AgentSection)
    log: LogSection = Field(default_factory=LogSection)


@dataclass(frozen=True)
class Config:
    """What a command works with. `configured_key` is the environment's or the file's, not the registered one."""

    home: Path
    config_path: Path
    state_dir: Path
    api_url: str
    api_url_given: bool
    configured_key: str | None
    network: NetworkSection
    max_jobs: int
    log_level: str

    @property
    def log_path(self) -> Path:
        """Result: the newest log file."""
        return self.state_dir / "logs" / "agent.log"

    def credentials(self) -> Credentials:
        """Result: the key to work with and what it belongs to. Raises Fatal(not-registered)."""
        registered = load_credentials(self.state_dir)
        if self.configured_key is None:
            if registered is None:
                raise Fatal(ErrorCode.NOT_REGISTERED, f"there is no key in {self.state_dir}")
            return registered
        fingerprint = key_fingerprint(self.configured_key)
        if registered and fingerprint in (registered.replaces, key_fingerprint(registered.agent_key)):
            return registered
        organization, agent, secret = [*self.configured_key.split(".", 2), "", ""][:3]
        if not (organization and agent and secret):
            raise Fatal(
                ErrorCode.CONFIG_INVALID, f"{ENV_KEY} or [api] key is not <organization>.<agent>.<secret>, as was shown"
            )
        return Credentials(
            agent_key=self.configured_key,
            replaces=fingerprint,
            api_url=self.api_url,
            organization_id=organization,
            agent_id=agent,
        )


def load_config(
    *,
    home: Path | None = None,
    config_path: Path | None = None,
    api_url: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Result: the configuration in force. Raises Fatal(config-invalid) that names the entry."""
    env = os.environ if environment is None else environment
    home_dir, state_dir = _folders(home, env)
    path = config_path or home_dir / CONFIG_FILE
    found = _read_file(path, must_exist=config_path is not None)
    state_dir = found.agent.state_dir or state_dir
    given = _first_url(("--api-url", api_url), (ENV_URL, env.get(ENV_URL)), ("[api] url", found.api.url))
    registered = None if given else load_credentials(state_dir)
    key = env.get(ENV_KEY) or (found.api.key.get_secret_value() if found.api.key else None)
    return Config(
        home=home_dir,
        config_path=path,
        state_dir=state_dir,
        api_url=given or (registered.api_url if registered else "") or DEFAULT_API_URL,
        api_url_given=given is not None,
        configured_key=key.strip() if key else None,
        network=found.network,
        max_jobs=found.agent.max_jobs,
        log_level=found.log.level,
    )


def _first_url(*candidates: tuple[str, str | None]) -> str | None:
    for entry, value in candidates:
        if value:
            try:
                return _checked_api_url(value.strip())
            except ValueError as error:
                raise Fatal(ErrorCode.CONFIG_INVALID, f"{entry} {error}") from error
    return None


def _folders(home: Path | None, env: Mapping[str, str]) -> tuple[Path, Path]:
    chosen = home or (Path(env[ENV_HOME]) if env.get(ENV_HOME) else None)
    if chosen is not None:
        resolved = chosen.expanduser().absolute()
        return resolved, resolved
    if sys.platform == "linux" and os.geteuid() == 0:
        return Path("/etc/migrate-agent"), Path("/var/lib/migrate-agent")
    return (
        Path(platformdirs.user_config_dir("migrate-agent", appauthor=False)),
        Path(platformdirs.user_state_dir("migrate-agent", appauthor=False)),
    )


def _read_file(path: Path, *, must_exist: bool) -> ConfigFile:
    """The parsed file. One that holds a key is closed to other accounts, as a key file is."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if must_exist:
            raise Fatal(ErrorCode.CONFIG_INVALID, f"there is no configuration file {path}") from error
        return ConfigFile()
    except (OSError, UnicodeDecodeError) as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"{path} is not TOML: {error}") from error
    try:
        parsed = ConfigFile.model_validate(raw)
    except ValidationError as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"{path}: {_entries(error)}") from None
    if parsed.api.key is not None:
        read_private(path)
    return parsed


def _entries(error: ValidationError) -> str:
    """The refused entries by name, without their values (one of them may be the key)."""
    lines = []
    for found in error.errors(include_input=False, include_url=False):
        section, *rest = [str(part) for part in found["loc"]]
        entry = f"[{section}] {'.'.join(rest)}".rstrip()
        known = "is not a known entry" if found["type"] == "extra_forbidden" else found["msg"]
        lines.append(f"{entry}: {known}")
    return "; ".join(lines)
