"""The way to one host: its name, its port, the proxy between, and whose certificate it shows."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from cryptography import x509
from cryptography.x509.oid import NameOID

from migrate_agent.checks.line import Line, failed, failed_by, ok, skipped
from migrate_agent.network import Network, Proxy
from migrate_contract.errors import ErrorCode, Fatal

Resolve = Callable[[str, int], list[str]]
_ANSWER_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Host:
    """What is to be reached. `secure`: by TLS."""

    title: str
    """How it is called in the lines: "control plane"."""
    name: str
    port: int
    secure: bool = True


def resolve(name: str, port: int) -> list[str]:
    """Result: the addresses of the name, in the system's order. Raises socket.gaierror."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def route_lines(host: Host, network: Network, seconds: float, *, find: Resolve = resolve) -> list[Line]:
    """Result: the lines of name, connection and certificate; what depends on a failed one is skipped."""
    try:
        proxy = network.proxy_for(host.name)
    except Fatal as error:
        return [failed_by(f"{host.title}: proxy", error)]
    via, port = (proxy.host, proxy.port) if proxy else (host.name, host.port)
    title = f"{host.title}: name" if proxy is None else f"{host.title}: proxy's name"
    try:
        addresses = find(via, port)
    except (socket.gaierror, UnicodeError):
        detail = f"the name {via} is not known to this machine's DNS"
        rest = [f"{host.title}: connection", *([f"{host.title}: certificate"] if host.secure else [])]
        return [
            failed(title, ErrorCode.HOST_NOT_FOUND, detail),
            *[skipped(name, "the name comes first") for name in rest],
        ]
    lines = [ok(title, f"{via} is {', '.join(addresses[:3])}")]
    opened = _opened(host, proxy, addresses, port, seconds)
    if isinstance(opened, Line):
        lines.append(opened)
        if host.secure:
            lines.append(skipped(f"{host.title}: certificate", "the connection comes first"))
        return lines
    with opened:
        through = f"through the proxy {proxy.host}:{proxy.port}" if proxy else "directly"
        lines.append(ok(f"{host.title}: connection", f"{host.name}:{host.port} is reached {through}"))
        if host.secure:
            lines.append(_certificate(host, network, opened, lambda: _opened(host, proxy, addresses, port, seconds)))
    return lines


def _opened(host: Host, proxy: Proxy | None, addresses: list[str], port: int, seconds: float) -> socket.socket | Line:
    """Result: a connection to the host, or why there is none. All addresses together take at most `seconds`."""
    title, ends = f"{host.title}: connection", monotonic() + seconds
    said = ErrorCode.PORT_BLOCKED
    detail = f"{addresses[0]} port {port} did not answer within {seconds:.0f} s"
    for index, address in enumerate(addresses):
        left = max((ends - monotonic()) / (len(addresses) - index), 0.2)
        try:
            opened = socket.create_connection((address, port), timeout=left)
        except TimeoutError:
            continue
        except ConnectionRefusedError:
            said, detail = ErrorCode.PORT_REFUSED, f"{address} refuses connections on port {port}"
            continue
        except OSError as error:
            said, detail = ErrorCode.PORT_BLOCKED, f"{address} port {port}: {error.strerror or type(error).__name__}"
            continue
        opened.settimeout(max(ends - monotonic(), 1.0))
        if proxy is None:
            return opened
        return _through(opened, host, proxy)
    return failed(title, said, detail)


def _through(opened: socket.socket, host: Host, proxy: Proxy) -> socket.socket | Line:
    """Result: the connection once the proxy has made its part, or its refusal."""
    head = f"CONNECT {host.name}:{host.port} HTTP/1.1\r\nHost: {host.name}:{host.port}\r\n"
    if proxy.authorization:
        head += f"Proxy-Authorization: {proxy.authorization}\r\n"
    answer = b""
    try:
        opened.sendall((head + "\r\n").encode("latin-1"))
        while b"\r\n\r\n" not in answer and len(answer) < _ANSWER_BYTES:
            piece = opened.recv(1024)
            if not piece:
                break
            answer += piece
    except OSError as error:
        opened.close()
        detail = f"the proxy {proxy.host}:{proxy.port} broke off: {error.strerror or type(error).__name__}"
        return failed(f"{host.title}: connection", ErrorCode.PROXY_REFUSED, detail)
    status = answer.split(b"\r\n", 1)[0].decode("latin-1")
    if " 200" in status[:13]:
        return opened
    opened.close()
    words = "asks for a sign-in (407)" if " 407" in status[:13] else f"answered {status[:80] or 'nothing'}"
    return failed(f"{host.title}: connection", ErrorCode.PROXY_REFUSED, f"the proxy {proxy.host}:{proxy.port} {words}")


def _certificate(
    host: Host, network: Network, opened: socket.socket, again: Callable[[], socket.socket | Line]
) -> Line:
    """Result: whose certificate the host shows. One that is not trusted is looked at by a second connection."""
    title = f"{host.title}: certificate"
    try:
        context = network.tls_context()
        with context.wrap_socket(opened, server_hostname=host.name) as secured:
            shown = secured.getpeercert(binary_form=True)
            return ok(title, f"issued by {_issuer(shown)}, trusted here ({secured.version()})")
    except Fatal as error:
        return failed_by(title, error)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message or str(error.reason)
        detail = f"{host.name} shows a certificate issued by {_shown_anyway(host, again)}: {reason}"
        return failed(title, ErrorCode.TLS_NOT_TRUSTED, detail)
    except (ssl.SSLError, OSError) as error:
        detail = (
            f"{host.name}:{host.port} does not speak TLS ({getattr(error, 'reason', None) or type(error).__name__})"
        )
        return failed(title, ErrorCode.TLS_NOT_TRUSTED, detail)


def _shown_anyway(host: Host, again: Callable[[], socket.socket | Line]) -> str:
    """Result: the issuer of a certificate that is not trusted. Nothing is sent over this connection."""
    opened = again()
    if isinstance(opened, Line):
        return "somebody unknown"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with opened, context.wrap_socket(opened, server_hostname=host.name) as secured:
            return _issuer(secured.getpeercert(binary_form=True))
    except (ssl.SSLError, OSError):
        return "somebody unknown"


def _issuer(certificate: bytes | None) -> str:
    """Result: the issuer's name as a person would look for it."""
    if not certificate:
        return "somebody unknown"
    try:
        issuer = x509.load_der_x509_certificate(certificate).issuer
    except ValueError:
        return "somebody unknown"
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := issuer.get_attributes_for_oid(kind):
            return f'"{str(found[0].value)[:100]}"'
    return f'"{issuer.rfc4514_string()[:100]}"'
