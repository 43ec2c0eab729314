"""Certificates and proxies from configuration and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_agent.network import Network
from migrate_contract.errors import ErrorCode, Fatal


def test_the_environment_is_taken_where_nothing_is_configured():
    network = Network.from_environment(
        {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "a.example, .b.example", "SSL_CERT_FILE": "/ca.pem"}
    )
    assert network.proxy_url_for("c.example") == "http://proxy:3128"
    assert network.ca_file == Path("/ca.pem")
    assert network.no_proxy == ("a.example", ".b.example")


def test_what_is_configured_wins():
    network = Network.from_environment(
        {"https_proxy": "http://other:1", "no_proxy": "*", "SSL_CERT_FILE": "/ca.pem"},
        ca_bundle=Path("/mine.pem"),
        proxy="http://mine:2",
        no_proxy=["x.example"],
    )
    assert network.proxy_url_for("c.example") == "http://mine:2"
    assert network.ca_file == Path("/mine.pem")


@pytest.mark.parametrize(
    ("entry", "host", "direct"),
    [
        ("example.org", "example.org", True),
        ("example.org", "sub.example.org", True),
        ("example.org", "notexample.org", False),
        (".example.org", "a.example.org", True),
        ("*.example.org", "a.example.org", True),
        ("*", "anything", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("::1", "::1", True),
        ("example.org:443", "example.org", True),
    ],
)
def test_exemptions(entry, host, direct):
    network = Network(proxy_url="http://proxy:1", no_proxy=(entry,))
    assert (network.proxy_url_for(host) is None) is direct


def test_a_proxys_credentials_become_a_header_and_are_never_shown():
    network = Network(proxy_url="http://user:p%40ss@proxy.example:3128")
    proxy = network.proxy_for("blob.example")
    assert proxy is not None
    assert (proxy.host, proxy.port, proxy.authorization) == ("proxy.example", 3128, "Basic dXNlcjpwQHNz")
    assert "dXNlcjpwQHNz" not in repr(proxy)
    assert "p%40ss" not in repr(network)


@pytest.mark.parametrize("url", ["https://proxy:1", "socks5://proxy:1", "http://", "http://proxy:999999"])
def test_what_is_no_http_proxy_is_refused(url):
    with pytest.raises(Fatal) as raised:
        Network(proxy_url=url).proxy_for("host")
    assert raised.value.code is ErrorCode.CONFIG_INVALID


def test_a_bundle_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(Fatal) as raised:
        Network(ca_file=tmp_path / "none.pem").tls_context()
    assert raised.value.code is ErrorCode.CONFIG_INVALID
    assert "none.pem" in raised.value.detail
