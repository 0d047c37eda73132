"""What the runtime reports reaches the right worker."""

from collections.abc import AsyncIterator
from pathlib import Path

from strongroom.node import pod_lifecycle_events
from strongroom.testing import node as nodes
from strongroom.testing.fake_cri import Event


class Source:
    def __init__(self, *events: Event) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event


async def test_only_ends_and_resyncs_wake_and_only_their_pods(tmp_path: Path) -> None:
    async with nodes.running(tmp_path) as node:
        node.put_pod("a")
        node.put_pod("b")
        await node.until(lambda: node.is_ready("a") and node.is_ready("b"))
        await node.settle()
        container = node.status("a")["containerStatuses"][0]["containerID"].removeprefix("containerd://")

        async def looked_at(*events: Event) -> int:
            before = len([call for call, _ in node.cri.calls if call == "list_pod_sandboxes"])
            await pod_lifecycle_events.follow(Source(*events), node.workers)
            await node.settle()
            return len([call for call, _ in node.cri.calls if call == "list_pod_sandboxes"]) - before

        assert await looked_at(Event("start", container), Event("oom", "unknown")) == 0
        assert await looked_at(Event("oom", container)) == 1
        assert await looked_at(Event("exit", container, "an-exec"), Event("exit", "unknown")) == 0
        assert await looked_at(Event("delete", container)) >= 1
        assert await looked_at(Event("resync")) >= 2


async def test_a_look_at_all_pods_is_spread_over_its_time(tmp_path: Path) -> None:
    """All at once they would hold up the files of a Secret that changes meanwhile."""
    async with nodes.running(tmp_path) as node:
        names = [f"p{number}" for number in range(4)]
        for name in names:
            node.put_pod(name)
        await node.until(lambda: all(node.is_ready(name) for name in names))
        await node.settle()
        looks: list[int] = []

        async def sleep(seconds: float) -> None:
            assert seconds == 15
            await node.settle()
            looks.append(sum(call == "list_containers" for call, _ in node.cri.calls))
            node.cri.calls.clear()

        node.cri.calls.clear()
        await node.workers.look_again(60, sleep)
        await node.settle()
        looks.append(sum(call == "list_containers" for call, _ in node.cri.calls))
        assert looks == [0, 1, 1, 1, 1]


async def test_without_pods_the_next_look_comes_no_sooner(tmp_path: Path) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with nodes.running(tmp_path) as node:
        await node.workers.look_again(60, sleep)
    assert slept == [60]
