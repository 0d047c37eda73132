import asyncio
from typing import Any

from strongroom.server.watches import OpenWatch, Watches


class Watch:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.was_cut = False
        self.pokes = 0
        self.closed = False

    def poke(self) -> None:
        self.pokes += 1

    def close(self) -> None:
        self.closed = True


def _open(watches: Watches, task: Any = None) -> tuple[Any, OpenWatch]:
    watch: Any = Watch()
    opened = OpenWatch(watch, task)
    watches.add(opened)
    return watch, opened


def test_each_is_poked_once_when_it_is_due() -> None:
    watches = Watches()
    (early, first), (late, second) = _open(watches), _open(watches)
    watches.wake_at(second, 20.0)
    watches.wake_at(first, 10.0)
    pokes = []
    for now in (9.9, 10.0, 15.0, 20.1, 30.0):
        watches.advance(now)
        pokes.append((early.pokes, late.pokes))
    assert pokes == [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1)]


def test_what_has_ended_is_left_alone() -> None:
    watches = Watches()
    watch, opened = _open(watches)
    watches.wake_at(opened, 1.0)
    watches.remove(opened)
    watches.advance(2.0)
    assert watch.pokes == 0
    assert len(watches) == 0


async def test_one_that_was_cut_and_hangs_is_cancelled() -> None:
    watches = Watches()
    task = asyncio.get_running_loop().create_task(asyncio.Event().wait())
    watch, opened = _open(watches, task)
    watch.was_cut = True
    watches.wake_at(opened, 1.0)
    watches.advance(1.0)
    await asyncio.wait((task,))
    assert task.cancelled()
    assert watch.pokes == 0


def test_close_ends_all_and_those_to_come() -> None:
    watches = Watches()
    before, _ = _open(watches)
    watches.close()
    after, _ = _open(watches)
    assert before.closed and after.closed and watches.closed
