"""Lines of a CRI log file."""

import pytest

from strongroom.node.streaming import log_line
from strongroom.node.streaming.log_line import Line

TIME = b"2026-01-02T03:04:05.123456789Z"


def test_whole_line() -> None:
    assert log_line.parse(TIME + b" stdout F a b\n") == Line(TIME, b"stdout", False, b"a b\n")


def test_empty_line() -> None:
    assert log_line.parse(TIME + b" stderr F \n") == Line(TIME, b"stderr", False, b"\n")


def test_part_of_a_line() -> None:
    assert log_line.parse(TIME + b" stdout P abc\n") == Line(TIME, b"stdout", True, b"abc")


def test_further_tags() -> None:
    found = log_line.parse(TIME + b" stdout P:x abc\n")
    assert found is not None and found.partial


@pytest.mark.parametrize("line", [b"", b"\n", b"x\n", TIME + b" stdlog F x\n", TIME + b" stdout\n"])
def test_not_in_the_format(line: bytes) -> None:
    assert log_line.parse(line) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T02:00:01.25+02:00", 1_250_000_000),
        ("1970-01-01T00:00:00.1234567899Z", 123_456_789),
    ],
)
def test_nanoseconds(text: str, expected: int) -> None:
    assert log_line.nanoseconds(text) == expected


@pytest.mark.parametrize("text", ["", "now", "2026-01-02", "2026-13-02T00:00:00Z", "2026-01-02T00:00:00"])
def test_not_a_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month"):
        log_line.nanoseconds(text)
