"""Expectations on text a program printed: exact but for marked places, and conditions that come true in
time."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_MARKS = {
    "<age>": r"(?:\d+[smhdy])+",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "<uid>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<number>": r"\d+",
    "<word>": r"\S+",
    "<any>": r".*",
}
_SPLIT = re.compile("(" + "|".join(map(re.escape, _MARKS)) + ")")


def matches(text: str, expected: str) -> bool:
    """Whether `text` is `expected`, where marks stand for what differs from run to run.

    Marks: `<age>` (5s, 3m2s), `<time>` (RFC 3339), `<uid>`, `<number>`, `<word>` and `<any>` (rest of a
    line). Blanks at line ends do not count, nor does the width of a column.
    """
    parts = _SPLIT.split(_squeezed(expected))
    pattern = "".join(_MARKS.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(pattern, _squeezed(text)) is not None


def check(text: str, expected: str) -> None:
    """Assert that `text` `matches` `expected`, showing both."""
    assert matches(text, expected), f"--- expected\n{expected}\n--- got\n{text}"


def sorted_after(text: str, line: str) -> str:
    """The text with all lines after the given one sorted: older kubectl shows the keys of a map in any
    order."""
    before, found, after = text.partition(f"{line}\n")
    return before + found + "".join(sorted(after.splitlines(keepends=True)))


def until(probe: Callable[[], T], *, timeout: float = 20.0, every: float = 0.1, what: str = "") -> T:
    """Call `probe` until it gives something true, and return that; `AssertionError` after `timeout`
    seconds."""
    deadline = time.monotonic() + timeout
    while True:
        result = probe()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout} s: {what or probe}; last: {result!r}"
        time.sleep(every)


def _squeezed(text: str) -> str:
    """Runs of two or more inner blanks become two: kubectl's column widths depend on every row."""
    lines = (re.match(r"( *)(.*)", line.rstrip()) for line in text.strip("\n").split("\n"))
    return "\n".join(found[1] + re.sub(r" {2,}", "  ", found[2]) for found in lines if found)
