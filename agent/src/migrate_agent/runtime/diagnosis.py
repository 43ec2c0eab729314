"""Everything that `migrate-agent check` looks at, in the order in which one thing needs the other."""

from __future__ import annotations

import getpass
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from migrate_agent.checks.control_plane import health_lines, key_line
from migrate_agent.checks.line import Line, Verdict, failed_by, skipped
from migrate_agent.checks.machine import (
    disk_line,
    not_registered_line,
    process_line,
    registration_line,
    service_line,
    source_line,
    unsupported_service_line,
)
from migrate_agent.checks.rockrms import rock_hosts, rock_line
from migrate_agent.checks.route import Host, Resolve, resolve, route_lines
from migrate_agent.checks.upload import upload_line
from migrate_agent.config import Config
from migrate_agent.identity import Credentials
from migrate_agent.network import Network
from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore, system_keyring
from migrate_agent.runtime.connection import key_ring, network_of, open_client
from migrate_agent.runtime.instance_lock import holder
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.status import read_status
from migrate_agent.transfer.access import SasUrlAccess
from migrate_contract.errors import Fatal, MigrateError

LAST_TRY_FILE = "last-registration.json"
_HTTPS = 443
_HEALTH_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants to have looked at beside the usual."""

    sources: Sequence[Path] = ()
    accounts: Sequence[str] = ()
    """Storage hosts, or names of accounts of the public cloud."""
    upload_to: str | None = None
    """A container's SAS URL; secret."""
    upload_seconds: float = 5.0
    connect_seconds: float = 10.0


class Diagnosis:
    """One run. The lines come as they are found."""

    def __init__(
        self,
        config: Config,
        asked: Asked,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        find: Resolve = resolve,
    ) -> None:
        self._config, self._asked, self._clock, self._find = config, asked, clock, find
        self._network: Network = network_of(config)

    def lines(self) -> Iterator[Line]:
        """Result: each line as soon as it is known."""
        credentials: Credentials | None = None
        try:
            known = credentials = self._config.credentials()
            yield registration_line(known.agent_name, known.agent_id)
        except Fatal as error:
            yield not_registered_line(error, last_try(self._config.state_dir))
        yield from self._control_plane(credentials)
        yield from self._process()
        yield disk_line(self._config.state_dir)
        for source in self._asked.sources:
            yield source_line(source, getpass.getuser())
        yield from self._storage()
        yield from self._rock()

    def _control_plane(self, credentials: Credentials | None) -> Iterator[Line]:
        parts = urlsplit(self._config.api_url)
        secure = parts.scheme == "https"
        host = Host("control plane", parts.hostname or "", parts.port or (_HTTPS if secure else 80), secure)
        reached = True
        for line in route_lines(host, self._network, self._asked.connect_seconds, find=self._find):
            reached = reached and line.verdict is Verdict.OK
            yield line
        if not reached:
            yield skipped("control plane: health", "the way there comes first")
            yield skipped("key", "the way to the control plane comes first")
            return
        try:
            context = self._network.tls_context()
        except Fatal as error:
            yield failed_by("control plane: health", error)
            return
        with httpx.Client(
            base_url=self._config.api_url,
            verify=context,
            proxy=self._network.proxy_url_for(host.name),
            trust_env=False,
            timeout=_HEALTH_SECONDS,
        ) as http:
            yield from health_lines(http, self._clock)
        if credentials is None:
            yield skipped("key", "this machine is not registered")
            return
        client = open_client(self._config, self._network, keys=key_ring(self._config, credentials))
        try:
            yield key_line(client.check)
        finally:
            client.close()

    def _process(self) -> Iterator[Line]:
        running = holder(self._config.state_dir)
        try:
            manager = service_manager(self._config)
        except Fatal as error:
            yield unsupported_service_line(error)
        else:
            yield service_line(manager.name, manager.hint, installed=manager.installed(), running=bool(running))
        yield process_line(running, read_status(self._config.state_dir))

    def _storage(self) -> Iterator[Line]:
        names = [account if "." in account else f"{account}.blob.core.windows.net" for account in self._asked.accounts]
        access: SasUrlAccess | None = None
        if self._asked.upload_to is not None:
            redactor.hide(self._asked.upload_to.strip().partition("?")[2])
            access = SasUrlAccess(self._asked.upload_to)
            where = urlsplit(access.current().container_url)
            if where.scheme == "https" and where.port in (None, _HTTPS):
                names.append(where.hostname or "")
        for name in dict.fromkeys(names):
            host = Host(f"storage {name}", name, _HTTPS)
            yield from route_lines(host, self._network, self._asked.connect_seconds, find=self._find)
        if access is not None:
            name = f"_onemigrate/check-{secrets.token_hex(8)}"
            yield upload_line(access, self._network, name, self._asked.upload_seconds)

    def _rock(self) -> Iterator[Line]:
        store = ConnectionStore(self._config.state_dir, system_keyring)
        for held in store.held():
            yield rock_line(held.project_id, partial(store.connection, held.project_id))


def allowed_hosts(config: Config) -> list[str]:
    """Result: host:port of everything that a firewall has to let this machine reach, as far as it is known here."""
    parts = urlsplit(config.api_url)
    port = parts.port or (_HTTPS if parts.scheme == "https" else 80)
    known = [f"{parts.hostname}:{port}", "<account>.blob.core.windows.net:443", "<Mission host>:443"]
    return known + rock_hosts(ConnectionStore(config.state_dir).held())


def last_try(state_dir: Path) -> dict[str, str]:
    """Result: what came of the last registration that was refused; empty where none was."""
    text = read_private(state_dir / LAST_TRY_FILE)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def keep_last_try(state_dir: Path, error: MigrateError | None, now: datetime) -> None:
    """Remembers the refusal of a registration, or forgets it where one was accepted."""
    if error is None:
        (state_dir / LAST_TRY_FILE).unlink(missing_ok=True)
        return
    said = {"at": now.isoformat(), "code": error.code.value, "detail": redactor.clean(error.detail)}
    write_private(private_folder(state_dir) / LAST_TRY_FILE, json.dumps(said) + "\n")
