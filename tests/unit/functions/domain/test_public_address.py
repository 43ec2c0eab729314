"""Which addresses may be called, and which URLs may name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.public_address import HostAndPort, is_public, need_https_url, need_public
from migrate_contract.errors import ErrorCode
from tests.memory.world import refused

INSIDE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:0:7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::1111%eth0",
    "",
    "localhost",
    "0x7f.1",
    "2130706433",
    "127.1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_unicast_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "20.50.2.1", "2606:4700::1111", "2a00:1450:4001::8"])
def test_public_addresses_are_called(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_notation_of_an_ipv4_address_inside_ipv6_is_public(address: object) -> None:
    assert not is_public(f"::ffff:{address}")
    assert not is_public(f"64:ff9b::{address}")
    assert not is_public(f"::{address}")


def test_one_address_inside_is_enough_to_refuse_the_host() -> None:
    need_public("a.example", ["1.1.1.1", "2606:4700::1111"])
    fault = refused(ErrorCode.WEBHOOK_ADDRESS_REFUSED, lambda: need_public("a.example", ["1.1.1.1", "10.0.0.1"]))
    assert fault.detail == "a.example leads to 10.0.0.1, which is not a public address."
    refused(ErrorCode.WEBHOOK_ADDRESS_REFUSED, lambda: need_public("a.example", []))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com/a?b=c", HostAndPort("hooks.example.com", 443)),
        ("https://HOOKS.Example.com:443", HostAndPort("hooks.example.com", 443)),
        ("https://xn--bcher-kva.example:8443/", HostAndPort("xn--bcher-kva.example", 8443)),
    ],
)
def test_a_public_https_url_is_taken(url: str, target: HostAndPort) -> None:
    assert need_https_url(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://",
        "https:///path",
        "https://localhost/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://user@hooks.example.com/",
        "https://user:pw@hooks.example.com/",
        "https://hooks.example.com@evil.example/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:port/",
        "https://hooks.example.com./",
        "https://hooks_example.com/",
        "https://-a.example/",
        "https://bücher.example/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/" + "a" * 2000,
        "https://" + "a." * 130 + "example/",
    ],
)
def test_any_other_url_is_refused_and_says_why(url: str) -> None:
    fault = refused(ErrorCode.WEBHOOK_URL_REFUSED, lambda: need_https_url(url))
    assert fault.detail.startswith("The address of the webhook: it")
