"""What every Deliverer must do, in memory and over TLS; and what the real one does with a receiver that misbehaves."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from functions.adapters.webhook_deliverer import MAX_ANSWER_BYTES, HttpsDeliverer
from functions.domain.ports import Deliverer, WebhookAnswer, WebhookRequest
from migrate_contract.errors import ErrorCode
from tests.harness.webhook_receiver import HOST, PUBLIC, Receiver, receiver
from tests.memory.deliverer import MemoryDeliverer
from tests.memory.world import refused

BODY = '{"summary":"Grüße"}'.encode()


@dataclass
class Way:
    """A deliverer, and a host of the customer that it can reach."""

    deliverer: Deliverer
    url: str
    point_to: Callable[[str, list[str]], None]
    answer: Callable[[int], None]


@pytest.fixture
def real() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def over(found: Receiver, **changes: object) -> HttpsDeliverer:
    return HttpsDeliverer(found.resolve, found.dial, found.client_context, **changes)  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "tls"])
def way(request: pytest.FixtureRequest) -> Way:
    if request.param == "memory":
        memory = MemoryDeliverer()
        memory.receiver(HOST)

        def point(host: str, addresses: list[str]) -> None:
            memory.receiver(host).addresses = addresses

        return Way(memory, f"https://{HOST}/hooks", point, lambda status: setattr(memory.hosts[HOST], "status", status))
    found: Receiver = request.getfixturevalue("real")

    def answer(status: int) -> None:
        text = f"HTTP/1.1 {status} So\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n".encode()
        found.respond = lambda connection: connection.sendall(text)

    return Way(over(found), found.url, found.names.__setitem__, answer)


def post(url: str) -> WebhookRequest:
    return WebhookRequest(url, {"Content-Type": "application/json", "webhook-id": "evt_1"}, BODY)


@pytest.mark.parametrize("status", [200, 204, 301, 307, 410, 429, 500])
def test_whatever_is_answered_is_the_answer_and_no_redirect_is_followed(way: Way, status: int) -> None:
    way.answer(status)
    assert way.deliverer.deliver(post(way.url)) == WebhookAnswer(status)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.8"], ["169.254.169.254"], ["::1"], ["::ffff:192.168.0.1"], [PUBLIC, "10.0.0.8"], []],
)
def test_a_host_with_an_address_that_is_not_public_is_not_called(way: Way, addresses: list[str]) -> None:
    way.point_to(HOST, addresses)
    refused(ErrorCode.WEBHOOK_ADDRESS_REFUSED, lambda: way.deliverer.deliver(post(way.url)))


def test_a_url_that_is_no_public_https_url_is_refused_here_too(way: Way) -> None:
    for url in ("http://hooks.customer.example/", "https://127.0.0.1/", "https://[::1]/", "https://u:p@a.example/"):
        refused(ErrorCode.WEBHOOK_URL_REFUSED, lambda url=url: way.deliverer.deliver(post(url)))  # type: ignore[misc]


def test_a_host_without_address_is_named(way: Way) -> None:
    fault = refused(
        ErrorCode.WEBHOOK_HOST_UNKNOWN, lambda: way.deliverer.deliver(post("https://gone.customer.example/"))
    )
    assert "gone.customer.example" in fault.detail


def test_it_connects_to_the_address_that_was_checked_and_asks_tls_for_the_name(real: Receiver) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    real.resolve = lambda host, port: next(answers)  # type: ignore[method-assign]
    over(real).deliver(post(real.url))
    assert real.dialed == [(PUBLIC, real.port)]
    [request] = real.received
    assert request.server_name == HOST
    assert request.head.startswith(b"POST /hooks/onemigrate?tenant=7 HTTP/1.1\r\n")
    assert request.headers["host"] == f"{HOST}:{real.port}"
    assert request.headers["content-length"] == str(len(BODY))
    assert request.body == BODY
    assert next(answers) == ["127.0.0.1"], "the name was asked for once"


def test_a_refused_host_is_not_even_connected_to(real: Receiver) -> None:
    real.names[HOST] = ["10.1.2.3"]
    refused(ErrorCode.WEBHOOK_ADDRESS_REFUSED, lambda: over(real).deliver(post(real.url)))
    assert real.dialed == []
    assert real.received == []


def test_the_next_address_is_tried_where_the_first_takes_no_connection(real: Receiver) -> None:
    real.names[HOST] = ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC]
    real.unreachable = {"2606:2800:21f:cb07:6820:80da:af6b:8b2c"}
    assert over(real).deliver(post(real.url)).status == 204
    assert [address for address, _ in real.dialed] == real.names[HOST]


def test_a_certificate_for_another_name_is_not_trusted() -> None:
    with receiver("other.example") as found:
        fault = refused(ErrorCode.WEBHOOK_TLS_NOT_TRUSTED, lambda: over(found).deliver(post(found.url)))
        assert found.received == []
    assert HOST in fault.detail


def test_a_certificate_of_an_unknown_authority_is_not_trusted(real: Receiver) -> None:
    strict = HttpsDeliverer(real.resolve, real.dial)
    refused(ErrorCode.WEBHOOK_TLS_NOT_TRUSTED, lambda: strict.deliver(post(real.url)))
    assert real.received == []


def test_old_tls_is_not_spoken() -> None:
    assert ssl.create_default_context().minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("endless", [b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 90, b"x" * 4096, b"HTTP/1.1 200 yes"])
def test_an_answer_without_end_is_cut_off(real: Receiver, endless: bytes) -> None:
    sent = 0

    def flood(connection: ssl.SSLSocket) -> None:
        nonlocal sent
        while sent < 64 * MAX_ANSWER_BYTES:
            connection.sendall(endless)
            sent += len(endless)

    real.respond = flood
    refused(ErrorCode.WEBHOOK_UNREACHABLE, lambda: over(real).deliver(post(real.url)))


def test_a_long_body_is_not_waited_for(real: Receiver) -> None:
    done = threading.Event()

    def long_body(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin")
        done.wait(20)

    real.respond = long_body
    assert over(real).deliver(post(real.url)).status == 200
    done.set()


def test_one_deadline_covers_an_answer_that_drips(real: Receiver) -> None:
    now, stop = [0.0], threading.Event()

    def monotonic() -> float:
        now[0] += 0.5
        return now[0]

    def drip(connection: ssl.SSLSocket) -> None:
        while not stop.is_set():
            connection.sendall(b"H")

    real.respond = drip
    fault = refused(
        ErrorCode.WEBHOOK_UNREACHABLE,
        lambda: over(real, deadline_seconds=5.0, monotonic=monotonic).deliver(post(real.url)),
    )
    stop.set()
    assert "no answer in time" in fault.detail or "not HTTP" in fault.detail


def test_a_receiver_that_hangs_up_or_speaks_no_http_is_unreachable(real: Receiver) -> None:
    for text in (b"", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n"):
        real.respond = lambda connection, text=text: connection.sendall(text)  # type: ignore[misc]
        refused(ErrorCode.WEBHOOK_UNREACHABLE, lambda: over(real).deliver(post(real.url)))


def test_nobody_listening_is_unreachable(real: Receiver) -> None:
    real.unreachable = {PUBLIC}
    refused(ErrorCode.WEBHOOK_UNREACHABLE, lambda: over(real).deliver(post(real.url)))
