"""A bounded queue with one consumer that takes all there is at once; a consumer that is too slow is cut."""

import asyncio
from collections.abc import Iterable
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class BatchQueue(Generic[T]):
    """Pushed to from the event loop's thread, iterated by one consumer as lists of items.

    A list is empty only after `poke`.

    When more than `maxsize` items wait, the queue is cut: what waits is dropped and the iteration ends. A
    consumer that is cancelled while it waits loses nothing; it may iterate again.
    """

    __slots__ = ("_ended", "_items", "_maxsize", "_poked", "_waiter", "was_cut")

    def __init__(self, maxsize: int) -> None:
        self._items: list[T] = []
        self._maxsize = maxsize
        self._ended = False
        self._poked = False
        self._waiter: asyncio.Future[None] | None = None
        self.was_cut = False
        """True when the iteration ended because the consumer was too slow, or `cut` was called."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def ended(self) -> bool:
        """Nothing can be pushed any more."""
        return self._ended

    def push(self, item: T) -> bool:
        """Queue one item. False when the queue has ended, or is cut by this very item."""
        if self._ended:
            return False
        if len(self._items) >= self._maxsize:
            self.cut()
            return False
        self._items.append(item)
        if self._waiter is not None:
            self._wake()
        return True

    def extend(self, items: Iterable[T], *, unbounded: bool = False) -> bool:
        """Queue several items as `push` would. `unbounded`: the limit does not count them (a replay)."""
        if self._ended:
            return False
        self._items.extend(items)
        if len(self._items) > self._maxsize and not unbounded:
            self.cut()
            return False
        if self._waiter is not None and self._items:
            self._wake()
        return True

    def poke(self) -> None:
        """Give the consumer what there is, be it nothing: it has something else to do."""
        self._poked = True
        self._wake()

    def finish(self) -> None:
        """End the iteration after what waits has been taken. Idempotent."""
        self._ended = True
        self._wake()

    def cut(self) -> None:
        """End the iteration now and drop what waits. Idempotent."""
        if not self._ended:
            self.was_cut = True
        self._items = []
        self.finish()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[T]:
        while not self._items and not self._poked:
            if self._ended:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("the queue has a consumer already")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._poked = False
        items, self._items = self._items, []
        return items
