import pytest

from strongroom.machinery import integers

ENDLESS = "9" * 5000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("+7", 7),
        ("-007", -7),
        ("0" * 5000 + "1", 1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_integers(text: str, value: int) -> None:
    assert integers.parse(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "invalid syntax"),
        ("+", "invalid syntax"),
        ("1_0", "invalid syntax"),
        (" 1", "invalid syntax"),
        ("\u0663", "invalid syntax"),
        ("1\n", "invalid syntax"),
        ("9223372036854775808", "value out of range"),
        (ENDLESS, "value out of range"),
        ("-" + ENDLESS, "value out of range"),
    ],
)
def test_what_is_none(text: str, problem: str) -> None:
    assert integers.parse(text) is None
    assert integers.problem(text) == problem


def test_bounds() -> None:
    assert integers.parse("65535", 1, 65535) == 65535
    assert integers.parse("65536", 1, 65535) is None
    assert integers.parse("0", 1) is None
