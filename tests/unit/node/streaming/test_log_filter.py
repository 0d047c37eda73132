"""From a log file's bytes to what is shown."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from strongroom.node.streaming.log_filter import LogFilter
from strongroom.node.streaming.log_line import nanoseconds
from strongroom.node.streaming.log_options import LogOptions

T1, T2, T3 = (b"2026-01-02T03:04:0%d.000000001Z" % second for second in (1, 2, 3))
LOG = (
    T1
    + b" stdout F one\n"
    + T2
    + b" stdout P two, \n"
    + T2
    + b" stderr F oh\n"
    + T3
    + b" stdout F continued\n"
    + b"garbage\n"
)


def show(options: LogOptions, log: bytes = LOG) -> bytes:
    return LogFilter(options).feed(log)


def test_texts_alone() -> None:
    assert show(LogOptions()) == b"one\ntwo, oh\ncontinued\n"


def test_timestamps_are_put_before_lines_and_not_within() -> None:
    shown = show(LogOptions(timestamps=True, stream=b"stdout"))
    assert shown == T1 + b" one\n" + T2 + b" two, continued\n"


def test_one_stream() -> None:
    assert show(LogOptions(stream=b"stderr")) == b"oh\n"


def test_since_includes_its_own_moment() -> None:
    assert show(LogOptions(since=nanoseconds(T3.decode()))) == b"continued\n"
    assert show(LogOptions(since=nanoseconds(T3.decode()) + 1)) == b""


def test_limit_cuts_within_a_line() -> None:
    log_filter = LogFilter(LogOptions(limit_bytes=6))
    assert log_filter.feed(LOG) == b"one\ntw"
    assert log_filter.full
    assert log_filter.feed(LOG) == b""


def test_a_line_without_its_end_waits_for_it() -> None:
    log_filter = LogFilter(LogOptions())
    assert log_filter.feed(T1 + b" stdout F he") == b""
    assert log_filter.feed(b"llo\n") == b"hello\n"


@given(st.lists(st.integers(0, len(LOG)), max_size=8), st.none() | st.integers(1, 40))
def test_the_size_of_the_pieces_does_not_matter(cuts: list[int], limit: int | None) -> None:
    options = LogOptions(timestamps=True, limit_bytes=limit)
    log_filter = LogFilter(options)
    places = [0, *sorted(cuts), len(LOG)]
    pieces = [LOG[start:end] for start, end in itertools.pairwise(places)]
    assert b"".join(map(log_filter.feed, pieces)) == show(options)
