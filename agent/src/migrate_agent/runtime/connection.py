"""Opens clients of the control plane with this machine's certificates and proxy."""

from __future__ import annotations

from urllib.parse import urlsplit

from migrate_agent.config import Config
from migrate_agent.control.client import ControlClient
from migrate_agent.control.session import Session
from migrate_agent.identity import Credentials, KeyRing
from migrate_agent.network import Network
from migrate_agent.redaction import redactor


def network_of(config: Config) -> Network:
    """Result: the network set-up of the configuration and the environment."""
    section = config.network
    return Network.from_environment(ca_bundle=section.ca_bundle, proxy=section.proxy, no_proxy=section.no_proxy)


def open_client(
    config: Config, network: Network, *, keys: KeyRing | None = None, session: Session | None = None
) -> ControlClient:
    """Result: a client with connections of its own. Raises Fatal(config-invalid) for a bad certificate bundle."""
    host = urlsplit(config.api_url).hostname or ""
    network.proxy_for(host)
    return ControlClient(
        config.api_url,
        context=network.tls_context(),
        proxy=network.proxy_url_for(host),
        keys=keys,
        session=session,
    )


def key_ring(config: Config, credentials: Credentials) -> KeyRing:
    """Result: the key in use; from now on it appears in no log."""
    redactor.hide(credentials.agent_key)
    redactor.hide(credentials.agent_key.rsplit(".", 1)[-1])
    if credentials.previous_key:
        redactor.hide(credentials.previous_key)
    return KeyRing(credentials, config.state_dir)
