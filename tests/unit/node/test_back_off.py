"""Attempts are spaced as the kubelet spaces them."""

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.node.back_off import BackOffs


def test_delays_double_up_to_the_limit() -> None:
    clock = FakeClock()
    back_offs = BackOffs(clock)
    assert back_offs.remaining("k") == 0
    delays = []
    for _ in range(7):
        back_offs.next("k")
        delays.append(back_offs.remaining("k"))
        clock.advance(delays[-1])
        assert back_offs.remaining("k") == 0
    assert delays == [10, 20, 40, 80, 160, 300, 300]


def test_the_wait_counts_from_when_the_last_attempt_ended() -> None:
    clock = FakeClock()
    back_offs = BackOffs(clock)
    back_offs.next("k", clock.now().timestamp())
    clock.advance(7)
    ended = clock.now().timestamp()
    clock.advance(4)
    assert back_offs.remaining("k", ended) == 6


def test_a_long_good_run_is_forgiven() -> None:
    clock = FakeClock()
    back_offs = BackOffs(clock)
    back_offs.next("k")
    back_offs.next("k")
    clock.advance(601)
    ended = clock.now().timestamp()
    assert back_offs.remaining("k", ended) == 0
    back_offs.next("k", ended)
    assert back_offs.delay("k") == 10


@pytest.mark.parametrize("jump", [-7200, 7200])
def test_a_clock_that_jumps_makes_no_wait_longer(jump: float) -> None:
    clock = FakeClock()
    back_offs = BackOffs(clock)
    back_offs.next("k")
    clock.advance(20)
    ended = clock.now().timestamp()
    clock.jump(jump)
    seen = back_offs.remaining("k", ended)
    assert seen <= 10
    clock.advance(10)
    assert back_offs.remaining("k", ended) == 0
    back_offs.next("k", ended)
    clock.jump(-jump)
    assert back_offs.remaining("k", clock.now().timestamp()) <= 300


def test_keys_do_not_know_each_other() -> None:
    back_offs = BackOffs(FakeClock())
    back_offs.next("a")
    assert back_offs.remaining("b") == 0
    back_offs.forget("a")
    assert back_offs.delay("a") == 0
