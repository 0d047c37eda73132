"""The only place that starts a task: each has a name and an owner, and no error is lost."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

_log = logging.getLogger(__name__)
T = TypeVar("T")


class TaskGroup:
    """Owner of background tasks: started with `spawn`, all cancelled and awaited by `aclose`.

    Unlike `asyncio.TaskGroup`, the failure of one task does not end the others: it is logged with the
    task's name (type and message of the error only when `describe_errors` is true, since a message may
    carry a value that was being handled), and `failed` is set.
    """

    def __init__(self, name: str, *, describe_errors: bool = True) -> None:
        self.name = name
        self.failed = asyncio.Event()
        self._describe_errors = describe_errors
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `coroutine` as a task called `<group>/<name>`. After `aclose` began it is refused."""
        if self._closing:
            coroutine.close()
            raise RuntimeError(f"task group {self.name} is closed")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            text = f": {error}" if self._describe_errors else ""
            _log.error("task %s failed: %s%s", task.get_name(), type(error).__name__, text)
            self.failed.set()

    async def aclose(self) -> None:
        """Cancel what still runs and wait for its end. May be called twice, and be cancelled itself."""
        self._closing = True
        current = asyncio.current_task()
        while pending := [task for task in self._tasks if task is not current]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending)
