import asyncio
from typing import Any

import pytest

from strongroom.machinery import status
from strongroom.server.filters import deadline
from strongroom.server.request import Request


def _request(method: str) -> Request:
    async def never(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": []}
    return Request(scope, never, never)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "WRITE_SECONDS", 0.2)


async def _forever(request: Request) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_write_that_hangs_is_given_up(method: str) -> None:
    handle = deadline.with_deadline(_forever)
    with pytest.raises(status.StatusError) as refused:
        await handle(_request(method))
    assert refused.value.code == 504
    assert refused.value.message == (
        "Timeout: request did not complete within requested timeout - context deadline exceeded"
    )
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0


async def test_each_has_its_own_time() -> None:
    async def wait(request: Request) -> None:
        await asyncio.sleep(0.08)

    handle = deadline.with_deadline(wait)
    for _ in range(4):
        await handle(_request("POST"))


async def test_one_that_hangs_does_not_touch_the_others() -> None:
    ended: list[str] = []

    async def inner(request: Request) -> None:
        if request.method == "PUT":
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        ended.append(request.method)

    handle = deadline.with_deadline(inner)
    results = await asyncio.gather(
        handle(_request("PUT")), *(handle(_request("POST")) for _ in range(5)), return_exceptions=True
    )
    assert isinstance(results[0], status.StatusError)
    assert results[1:] == [None] * 5
    assert ended == ["POST"] * 5


async def test_reads_are_left_alone() -> None:
    async def wait(request: Request) -> None:
        await asyncio.sleep(0.05)

    await deadline.with_deadline(wait)(_request("GET"))


async def test_cancellation_from_outside_is_no_timeout() -> None:
    task = asyncio.get_running_loop().create_task(_run(deadline.with_deadline(_forever)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _run(handle: Any) -> None:
    await handle(_request("POST"))


async def test_what_is_over_is_not_kept() -> None:
    deadlines = deadline._Deadlines()
    task = asyncio.current_task()
    assert task is not None
    for _ in range(100):
        deadlines.begin(task).task = None
    assert len(deadlines._writes) == 1
