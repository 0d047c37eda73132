from collections.abc import Collection

import pytest

from strongroom.server.connections.idle import Connection, Idle, Limits
from strongroom.server.connections.peers import InUse

LIMITS = Limits(crowded=100, first_request=32, idle=150, settling=2, sweep=2)
A, B, C = b"a", b"b", b"c"


class Front:
    """Connections by the letter of their client, the inode being its position in the alphabet."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.idle = Idle(limits)

    def sweep(
        self,
        *there: bytes,
        began: Collection[bytes] = (),
        lasting: Collection[bytes] = (),
        unsent: int = 0,
        taken: int = 0,
        elapsed: float = 2,
    ) -> str:
        open_ = [Connection(peer[0], peer, unsent, taken) for peer in there]
        cut = self.idle.to_cut(elapsed, open_, InUse(frozenset(began), frozenset(lasting)))
        return "".join(map(chr, cut))

    def seconds_until_cut(self, peer: bytes, most: int = 1000) -> int:
        return next((2 * n for n in range(1, most // 2) if self.sweep(peer)), 0)


def test_a_client_that_never_asks_for_anything_is_cut_off_after_half_a_minute() -> None:
    front = Front()
    front.sweep(A)
    assert front.seconds_until_cut(A) == 34


def test_a_kept_connection_is_left_for_longer_than_clients_keep_it() -> None:
    front = Front()
    front.sweep(A)
    front.sweep(A, began=[A])
    assert front.seconds_until_cut(A) == 152


def test_each_request_begins_the_rest_anew() -> None:
    front = Front()
    front.sweep(A, began=[A])
    for _ in range(10):
        assert not any(front.sweep(A) for _ in range(70))
        assert not front.sweep(A, began=[A])


def test_a_request_that_may_last_is_never_cut() -> None:
    front = Front()
    front.sweep(A, began=[A])
    assert not any(front.sweep(A, lasting=[A]) for _ in range(100_000))
    assert front.seconds_until_cut(A) == 152


def test_an_answer_that_is_being_taken_is_waited_for_however_slowly_it_goes() -> None:
    front = Front()
    front.sweep(A, began=[A])
    assert not any(front.sweep(A, unsent=9, taken=n // 70) for n in range(1000))


def test_an_answer_that_nobody_takes_is_not_waited_for_for_ever() -> None:
    front = Front()
    front.sweep(A, began=[A], unsent=9, taken=5)
    assert "a" in [front.sweep(A, unsent=9, taken=5) for _ in range(80)]


def test_what_the_server_says_before_any_request_does_not_keep_a_connection() -> None:
    front = Front()
    assert "a" in [front.sweep(A, unsent=9, taken=n) for n in range(20)]


def test_a_socket_that_took_the_place_of_another_waits_for_itself() -> None:
    front = Front()
    for _ in range(16):
        front.sweep(A)
    front.sweep(B)
    assert not front.sweep(A)


def test_a_process_that_stood_still_does_not_count_that_as_rest() -> None:
    front = Front()
    front.sweep(A, began=[A])
    assert not front.sweep(A, elapsed=3600)
    assert front.seconds_until_cut(A) >= 140


@pytest.mark.parametrize(("crowded", "cut"), [(3, ""), (2, "b"), (1, "bc"), (0, "bca")])
def test_when_it_is_crowded_those_that_never_asked_go_first_then_the_longest_idle(
    crowded: int, cut: str
) -> None:
    front = Front(LIMITS._replace(crowded=crowded))
    front.idle._limits = LIMITS
    front.sweep(A, began=[A])
    front.sweep(A, B)
    front.sweep(A, B, C)
    front.idle._limits = LIMITS._replace(crowded=crowded)
    assert front.sweep(A, B, C) == cut


def test_when_it_is_crowded_nobody_in_use_is_cut_nor_who_has_just_come() -> None:
    front = Front(LIMITS._replace(crowded=0))
    front.sweep(A, B, lasting=[A], began=[B])
    assert not front.sweep(A, B, C, lasting=[A], began=[B])
    assert front.sweep(A, B, C, lasting=[A], began=[B]) == "c"
    assert front.sweep(A, B, lasting=[A]) == "b"
