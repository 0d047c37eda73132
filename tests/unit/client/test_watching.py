"""Lines of a watch, however they were cut."""

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.client import watching
from strongroom.machinery import status

_LINE = st.binary(min_size=1).filter(lambda line: b"\n" not in line)


@given(st.lists(_LINE), st.lists(st.integers(0, 400)))
def test_lines_come_out_as_they_went_in_wherever_the_stream_was_cut(
    lines: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    borders = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    splitter = watching.LineSplitter()
    got = [line for a, b in itertools.pairwise(borders) for line in splitter.feed(stream[a:b])]
    assert got == lines


def test_blank_lines_are_left_out_and_a_rest_is_kept() -> None:
    splitter = watching.LineSplitter()
    assert splitter.feed(b"a\n\n\nb") == [b"a"]
    assert splitter.feed(b"c\n") == [b"bc"]


def test_an_event_is_decoded() -> None:
    event = watching.decode(b'{"type":"ADDED","object":{"kind":"Secret"}}')
    assert event == ("ADDED", {"kind": "Secret"})


def test_an_error_event_is_raised() -> None:
    line = orjson.dumps(
        {"type": "ERROR", "object": status.expired("too old resource version: 1 (9)").to_dict()}
    )
    with pytest.raises(status.StatusError) as caught:
        watching.decode(line)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")


@pytest.mark.parametrize("line", [b"{s3cret", b"[]", b'{"type":"ADDED"}', b'"s3cret"'])
def test_a_line_that_is_no_event_is_an_error_that_does_not_quote_it(line: bytes) -> None:
    with pytest.raises(status.StatusError) as caught:
        watching.decode(line)
    assert caught.value.code == 500
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_only_the_annotated_bookmark_ends_the_initial_events() -> None:
    bookmark = {"metadata": {"resourceVersion": "5", "annotations": {"k8s.io/initial-events-end": "true"}}}
    assert watching.ends_initial_events(watching.WatchEvent("BOOKMARK", bookmark))
    assert not watching.ends_initial_events(watching.WatchEvent("ADDED", bookmark))
    plain = {"metadata": {"resourceVersion": "5"}}
    assert not watching.ends_initial_events(watching.WatchEvent("BOOKMARK", plain))
