"""Rules of network addresses."""

import pytest

from strongroom.machinery import addresses


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("10.0.0.1", 0, []),
        ("fd00::1", 0, []),
        ("10.0.0", 0, ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        ("10.0.0.1", 4, []),
        ("fd00::1", 4, ["must be a valid IPv4 address"]),
        ("10.0.0.1", 6, ["must be a valid IPv6 address"]),
        ("x", 6, ["must be a valid IPv6 address"]),
    ],
)
def test_ip(text: str, version: int, expected: list[str]) -> None:
    assert addresses.ip(text, version) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", []),
        ("::", ["may not be unspecified (::)"]),
        ("127.0.0.9", ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]),
        ("169.254.1.1", ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]),
        ("224.0.0.9", ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]),
    ],
)
def test_not_special(text: str, expected: list[str]) -> None:
    assert addresses.not_special(text) == expected
