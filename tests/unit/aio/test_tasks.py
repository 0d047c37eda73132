"""Tasks have names, owners and ends."""

import asyncio
import logging

import pytest

from strongroom.aio import tasks


async def test_leaving_the_group_ends_its_tasks() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with tasks.TaskGroup("group") as group:
        task = group.spawn("work", work())
        await asyncio.sleep(0)
        assert task.get_name() == "group/work"
        assert len(group) == 1
    assert ended.is_set()
    assert task.cancelled()
    assert len(group) == 0


async def test_one_failure_is_told_and_leaves_the_others_running(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("because")

    async with tasks.TaskGroup("group") as group:
        other = group.spawn("other", asyncio.Event().wait())
        group.spawn("failing", fail())
        await group.failed.wait()
        assert not other.done()
    assert "group/failing failed: ValueError: because" in caplog.text


async def test_the_text_of_an_error_can_be_kept_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("s3cret")

    async with tasks.TaskGroup("group", describe_errors=False) as group:
        group.spawn("failing", fail())
        await group.failed.wait()
    assert "ValueError" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_finished_task_is_forgotten_with_its_result_kept() -> None:
    async def work() -> int:
        return 7

    async with tasks.TaskGroup("group") as group:
        assert await group.spawn("work", work()) == 7
        assert len(group) == 0


async def test_nothing_is_started_in_a_closed_group() -> None:
    group = tasks.TaskGroup("group")
    await group.aclose()
    with pytest.raises(RuntimeError, match="group is closed"):
        group.spawn("late", asyncio.sleep(0))


async def test_closing_twice_and_at_the_same_time_is_the_same_as_once() -> None:
    group = tasks.TaskGroup("group")
    group.spawn("work", asyncio.Event().wait())
    await asyncio.gather(group.aclose(), group.aclose())
    await group.aclose()
    assert len(group) == 0


async def test_a_close_that_is_cancelled_can_be_finished_by_another() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    group, owner = tasks.TaskGroup("group"), tasks.TaskGroup("owner")
    group.spawn("stubborn", stubborn())
    await asyncio.sleep(0)
    closing = owner.spawn("closing", group.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait((closing,))
    assert closing.cancelled()
    assert len(group) == 1
    release.set()
    await group.aclose()
    assert len(group) == 0


async def test_a_task_may_close_its_own_group() -> None:
    group = tasks.TaskGroup("group")
    other = group.spawn("other", asyncio.Event().wait())
    await group.spawn("closer", group.aclose())
    assert other.cancelled()


def test_a_cancelled_task_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> tasks.TaskGroup:
        async with tasks.TaskGroup("group") as group:
            group.spawn("work", asyncio.Event().wait())
        return group

    with caplog.at_level(logging.ERROR):
        group = asyncio.run(scenario())
    assert not group.failed.is_set()
    assert caplog.text == ""
