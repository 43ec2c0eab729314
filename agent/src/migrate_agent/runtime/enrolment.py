"""Registration: makes this install an agent, once, whatever is lost on the way; and its end.

The install id is on the disk before the first call, so that a repeated call after a lost answer gets the same agent.
The key is on the disk before anything is done with it.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from migrate_agent.config import Config
from migrate_agent.control.answers import FENCED
from migrate_agent.control.retry import Backoff, call_with_retries
from migrate_agent.control.session import Session
from migrate_agent.identity import Credentials, forget_credentials, install_id, load_credentials, save_credentials
from migrate_agent.network import Network
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.runtime.connection import key_ring, open_client
from migrate_agent.runtime.instance_lock import is_held
from migrate_agent.runtime.machine import disk_free_bytes, machine_facts
from migrate_agent.runtime.service_choice import service_name_of
from migrate_agent.runtime.status import now
from migrate_agent.sealing import SealingKeys, forget_sealing_keys
from migrate_contract import PROTOCOL_VERSION
from migrate_contract.agents import HeartbeatRequest, ProcessMode, RegisterRequest
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

log = logging.getLogger(__name__)

_TRIES = 8
_LONGEST_WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class Enrolled:
    """A registration's result. `greeted` is None where the first heartbeat was answered, else why it was not."""

    credentials: Credentials
    greeted: MigrateError | None


def enrol(
    config: Config,
    network: Network,
    *,
    code: str,
    name: str | None,
    wait: Callable[[float], object],
    on_retry: Callable[[Retryable, float], None],
) -> Enrolled:
    """Result: this install's agent, its key on the disk, one heartbeat sent.

    Raises Fatal(already-registered) where it is an agent that the control plane accepts, and every refusal of the code.
    """
    known = load_credentials(config.state_dir)
    if known is not None:
        _refuse_if_alive(config, network, known)
    request = _request(config, code, name)
    client = open_client(config, network)
    try:
        answer = call_with_retries(
            lambda: client.register(request),
            tries=_TRIES,
            wait=wait,
            backoff=Backoff(ceiling_seconds=_LONGEST_WAIT_SECONDS),
            on_retry=on_retry,
        )
    finally:
        client.close()
    credentials = Credentials(
        agent_key=answer.agent_key,
        api_url=config.api_url,
        organization_id=answer.organization_id,
        client_id=answer.client_id,
        client_name=answer.client_name,
        agent_id=answer.agent_id,
        agent_name=answer.agent_name,
    )
    save_credentials(config.state_dir, credentials)
    log.info("registered as %s (%s) of %s", credentials.agent_name, credentials.agent_id, credentials.client_name)
    return Enrolled(credentials, greet(config, network, credentials))


def _request(config: Config, code: str, name: str | None) -> RegisterRequest:
    """Raises Fatal for what was typed and cannot be sent."""
    try:
        return RegisterRequest(
            code=code,
            install_id=install_id(config.state_dir),
            machine=machine_facts(service_name_of(config)),
            name=name or None,
            sealing_key=SealingKeys.of(config.state_dir).public,
        )
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[0]
        if found["loc"] == ("name",):
            raise Fatal(ErrorCode.CONFIG_INVALID, f"--name: {found['msg']}") from None
        if found["loc"] == ("code",):
            raise Fatal(ErrorCode.REGISTRATION_CODE_UNKNOWN, "a code has 8 letters and digits") from None
        raise


def greet(config: Config, network: Network, credentials: Credentials) -> MigrateError | None:
    """Result: None where one heartbeat of a registration command was answered, else why not."""
    client = open_client(config, network, keys=key_ring(config, credentials), session=Session())
    try:
        client.heartbeat(
            HeartbeatRequest(
                protocol_version=PROTOCOL_VERSION,
                instance_id=secrets.token_urlsafe(16),
                sequence=1,
                mode=ProcessMode.ENROLMENT,
                machine=machine_facts(service_name_of(config)),
                agent_time=now(),
                max_jobs=config.max_jobs,
                disk_free_bytes=disk_free_bytes(config.state_dir),
                sealing_key=SealingKeys.of(config.state_dir).public,
            )
        )
    except MigrateError as error:
        return error
    finally:
        client.close()
    return None


def retire(config: Config, network: Network) -> MigrateError | None:
    """Result: None where the control plane has retired the agent, else why it could not be told.

    This machine has forgotten the agent only if the control plane knows of it, now or from before (a revoked key).
    """
    credentials = config.credentials()
    client = open_client(config, network, keys=key_ring(config, credentials))
    try:
        client.unregister()
    except MigrateError as error:
        if error.code not in FENCED:
            return error
        log.info("the control plane knew already: %s", error)
    finally:
        client.close()
    forget(config)
    return None


def forget(config: Config) -> None:
    """Result: no key, no secret, no install id and no journal of any agent is left here; the log stays."""
    forget_credentials(config.state_dir)
    forget_sealing_keys(config.state_dir)
    ConnectionStore(config.state_dir).forget_all()
    shutil.rmtree(config.state_dir / "journal", ignore_errors=True)


def _refuse_if_alive(config: Config, network: Network, known: Credentials) -> None:
    """Only an agent that the control plane no longer accepts makes room for a new registration."""
    detail = f"as {known.agent_name or known.agent_id}" + (f" of {known.client_name}" if known.client_name else "")
    if is_held(config.state_dir):
        raise Fatal(ErrorCode.ALREADY_REGISTERED, f"{detail}, and it is running")
    refused = greet(config, network, known)
    if refused is None:
        raise Fatal(ErrorCode.ALREADY_REGISTERED, f"{detail}; what is missing may be: migrate-agent start --service")
    if refused.code not in FENCED:
        raise refused
    log.info("the earlier registration %s is no longer accepted (%s)", detail, refused.code)
    forget_credentials(config.state_dir)
