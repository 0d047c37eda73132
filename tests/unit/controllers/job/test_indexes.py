import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.controllers.job import indexes


@pytest.mark.parametrize(
    ("found", "text"),
    [(set(), ""), ({0}, "0"), ({1, 3, 4, 5, 7}, "1,3-5,7"), ({0, 1}, "0,1"), ({0, 1, 2}, "0-2")],
)
def test_spans(found: set[int], text: str) -> None:
    assert indexes.render(found) == text
    assert indexes.parse(text) == found


@given(st.sets(st.integers(0, 50)))
def test_what_is_written_is_read(found: set[int]) -> None:
    assert indexes.parse(indexes.render(found)) == found


def test_what_is_no_index_is_passed_over() -> None:
    assert indexes.parse("x,1-,2,-3,4-5-6") == {2}


def test_a_span_that_someone_wrote_into_a_status_takes_no_memory() -> None:
    assert max(indexes.parse("5-999999999")) < indexes.INDEXES_MAX
    assert indexes.parse("1," + "9" * 5000 + ",2-" + "9" * 11 + ",\u0663") == {1}
