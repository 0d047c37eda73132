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
