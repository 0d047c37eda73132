"""One line of a CRI log file: `‹RFC 3339 time› ‹stdout|stderr› ‹F|P› ‹text›`.

A text that was too long for one line is spread over several, all but the last of them tagged `P`.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")


class Line(NamedTuple):
    """A line taken apart. The text has its newline only if the line is whole, so that parts can be joined."""

    time: bytes
    stream: bytes
    partial: bool
    text: bytes


def parse(line: bytes) -> Line | None:
    """Take a line with its newline apart; None if it is not in the format."""
    parts = line.split(b" ", 3)
    if len(parts) != 4 or parts[1] not in (b"stdout", b"stderr"):
        return None
    time, stream, tags, text = parts
    partial = tags.partition(b":")[0] == b"P"
    return Line(time, stream, partial, text.removesuffix(b"\n") if partial else text)


def nanoseconds(time: str) -> int:
    """An RFC 3339 time as nanoseconds since 1970; raises ValueError."""
    match = _TIME.fullmatch(time)
    if match is None:
        raise ValueError(f"not a time: {time[:40]!r}")
    moment, fraction, zone = match.groups()
    seconds = datetime.fromisoformat(moment + ("+00:00" if zone == "Z" else zone)).astimezone(UTC)
    return int(seconds.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0"))
