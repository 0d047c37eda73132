"""A burst, then a rate."""

from hypothesis import given
from hypothesis import strategies as st

from strongroom.aio.token_bucket import TokenBucket


def test_a_burst_is_allowed_and_then_one_per_interval() -> None:
    bucket = TokenBucket(rate=0.5, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(1.9)
    assert bucket.take(2.0)
    assert not bucket.take(2.0)


def test_tokens_never_pile_up_beyond_the_burst() -> None:
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert [bucket.take(1000) for _ in range(3)] == [True, True, False]


def test_reserve_tells_how_long_to_wait_for_each() -> None:
    bucket = TokenBucket(rate=2, burst=1, now=0)
    assert [bucket.reserve(0) for _ in range(3)] == [0, 0.5, 1.0]


@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_more_than_burst_plus_rate_times_time_are_taken(steps: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate=1, burst=5, now=0), 0.0, 0
    for step in steps:
        now += step
        taken += bucket.take(now)
    assert taken <= 5 + now + 1e-6
