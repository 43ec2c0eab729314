import pytest

from functions.triggers.client_address import client_address


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.7:51234", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7:1", "203.0.113.7"),
        ("127.0.0.1,198.51.100.2:9", "198.51.100.2"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
        ("2001:db8:1:2:9:9:9:9", "2001:db8:1:2::"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("[fe80::1%eth0]:80", "fe80::"),
        ("", "unknown"),
        ("nonsense", "unknown"),
        ("203.0.113.7, ", "unknown"),
        ("999.1.1.1", "unknown"),
    ],
)
def test_the_entry_that_the_platform_appended(header, address):
    assert client_address({"X-Forwarded-For": header}) == address


def test_no_header():
    assert client_address({}) == "unknown"
