"""How this machine reaches the outside: trusted certificates and proxies, one set-up for every connection.

The control client and the blob client both take it, so that a proxy or a certificate that works for one works for the
other. Certificates are always verified, by TLS 1.2 or later: against the operating system's store, `SSL_CERT_FILE` and
`ca_file` where given. Proxies are HTTP proxies used by CONNECT, with basic authentication if the address holds a user.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import truststore

from migrate_contract.errors import ErrorCode, Fatal

_DEFAULT_PROXY_PORT = 8080


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where CONNECT goes. `authorization` is the Proxy-Authorization header's value, never shown."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Network:
    """Certificates, proxy and patience. `proxy_url` may hold a password and is never shown."""

    ca_file: Path | None = None
    """Certificates (PEM) trusted beside the operating system's own."""
    proxy_url: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    """Hosts reached directly: names, `.domain` or `domain` (with everything below), addresses, networks, `*`."""
    connect_timeout_seconds: float = 15.0
    stall_timeout_seconds: float = 60.0
    """How long one send may make no progress, or the service may take to begin its answer."""

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        ca_bundle: Path | None = None,
        proxy: str | None = None,
        no_proxy: Sequence[str] = (),
    ) -> Network:
        """Result: the configured values, else HTTPS_PROXY, ALL_PROXY, NO_PROXY (either case) and SSL_CERT_FILE."""
        env = os.environ if environment is None else environment
        found = proxy or _first(env, "HTTPS_PROXY", "ALL_PROXY")
        exempt = tuple(no_proxy) or tuple(_first(env, "NO_PROXY").split(","))
        cert = ca_bundle or (Path(env["SSL_CERT_FILE"]) if env.get("SSL_CERT_FILE") else None)
        return cls(
            ca_file=cert,
            proxy_url=found or None,
            no_proxy=tuple(entry.strip().lower() for entry in exempt if entry.strip()),
        )

    def tls_context(self) -> ssl.SSLContext:
        """Result: a context that verifies every certificate. Raises Fatal(config-invalid) for a bad bundle."""
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            try:
                context.load_verify_locations(cafile=str(self.ca_file))
            except (OSError, ssl.SSLError) as error:
                raise Fatal(
                    ErrorCode.CONFIG_INVALID, f"the certificate bundle {self.ca_file} cannot be used: {error}"
                ) from error
        return context

    def proxy_url_for(self, host: str) -> str | None:
        """Result: the proxy's address with its credentials (secret), None where `host` is reached directly."""
        return None if self.proxy_url is None or _exempt(host.lower(), self.no_proxy) else self.proxy_url

    def proxy_for(self, host: str) -> Proxy | None:
        """Result: the proxy for `host`. Raises Fatal(config-invalid) for an address that is not an HTTP proxy's."""
        url = self.proxy_url_for(host)
        if url is None:
            return None
        parts = urlsplit(url if "//" in url else f"http://{url}")
        try:
            port = parts.port or _DEFAULT_PROXY_PORT
        except ValueError:
            port = 0
        if parts.scheme != "http" or not parts.hostname or not port:
            raise Fatal(ErrorCode.CONFIG_INVALID, "the proxy must look like http://proxy.example:8080")
        authorization = None
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
        return Proxy(parts.hostname, port, authorization)


def _first(env: Mapping[str, str], *names: str) -> str:
    for name in names:
        value = env.get(name.lower()) or env.get(name)
        if value:
            return value
    return ""


def _exempt(host: str, entries: Sequence[str]) -> bool:
    """Whether `host` is reached without the proxy, by the rules that curl and most clients share."""
    address = _address(host)
    for entry in entries:
        if entry == "*":
            return True
        if address is not None and _contains(entry, address):
            return True
        domain = entry.split(":", 1)[0].lstrip("*").lstrip(".") if address is None else entry
        if domain and (host == domain or (address is None and host.endswith("." + domain))):
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _contains(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
