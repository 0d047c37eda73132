"""Delays grow, stay within their limit, and are spread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aio.backoff import Backoff


def test_delays_double_up_to_the_limit() -> None:
    backoff = Backoff(1.0, 5.0, uniform=lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_reset_begins_again() -> None:
    backoff = Backoff(1.0, 8.0, uniform=lambda: 1.0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 1.0


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 50))
def test_every_delay_lies_in_the_upper_half_of_its_step(spread: float, steps: int) -> None:
    plain, jittered = Backoff(uniform=lambda: 1.0), Backoff(uniform=lambda: spread)
    for _ in range(steps):
        plain.next()
        jittered.next()
    step = plain.next()
    assert step / 2 <= jittered.next() <= step <= 30.0


@pytest.mark.parametrize("arguments", [(0.0, 1.0), (2.0, 1.0), (1.0, 2.0, 0.5)])
def test_senseless_bounds_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="back-off"):
        Backoff(*arguments)
