"""Rules of network addresses."""

import pytest

from strongroom.machinery import addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", []),
        ("fd00::1", []),
        ("FD00:0::1", []),
        ("10.0.0", [addresses.VALID_IP]),
        ("", [addresses.VALID_IP]),
        ("fe80::1%eth0", [addresses.VALID_IP]),
        ("10.0.0.256", [addresses.VALID_IP]),
        ("010.0.0.1", ["must not have leading 0s"]),
        ("10.0.0.00", ["must not have leading 0s"]),
        ("::ffff:10.0.0.1", ["must not be an IPv4-mapped IPv6 address"]),
    ],
)
def test_ip(text: str, expected: list[str]) -> None:
    assert addresses.ip(text) == expected


def test_canonical_ip() -> None:
    assert addresses.canonical_ip("fd00::1") == addresses.canonical_ip("10.0.0.1") == []
    assert addresses.canonical_ip("FD00::1") == ['must be in canonical form ("fd00::1")']
    assert addresses.canonical_ip("x") == [addresses.VALID_IP]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", []),
        ("fd00::/64", []),
        ("0.0.0.0/0", []),
        ("10.0.0.0", [addresses.VALID_CIDR]),
        ("10.0.0.0/33", [addresses.VALID_CIDR]),
        ("10.0.0.0/x", [addresses.VALID_CIDR]),
        ("10.0.0.00/8", ["must not have leading 0s in IP or prefix length"]),
        ("10.0.0.0/08", ["must not have leading 0s in IP or prefix length"]),
        ("::ffff:10.0.0.0/104", ["must not have an IPv4-mapped IPv6 address"]),
        ("10.0.0.1/8", ["must not have bits set beyond the prefix length"]),
    ],
)
def test_cidr(text: str, expected: list[str]) -> None:
    assert addresses.cidr(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", []),
        ("x", ["must be a valid IP address"]),
        ("::", ["may not be unspecified (::)"]),
        ("127.0.0.9", ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]),
        ("169.254.1.1", ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]),
        ("224.0.0.9", ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]),
    ],
)
def test_not_special(text: str, expected: list[str]) -> None:
    assert addresses.not_special(text) == expected
