"""Pods leave nodes whose taints they do not tolerate, when their time is over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.controllers import taint_eviction
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

SEEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "node.kubernetes.io/unreachable"
TAINT: Object = {"key": KEY, "effect": "NoExecute", "timeAdded": "2026-01-02T03:00:00Z"}
ADDED = datetime(2026, 1, 2, 3, tzinfo=UTC)


def _pod(*tolerations: Object) -> Object:
    metadata = {"name": "p", "namespace": "n", "uid": "u"}
    return {"metadata": metadata, "spec": {"nodeName": "a", "tolerations": list(tolerations)}}


def _tolerates(seconds: int | None, key: str = KEY) -> Object:
    found: Object = {"key": key, "operator": "Exists", "effect": "NoExecute"}
    return found if seconds is None else {**found, "tolerationSeconds": seconds}


def test_without_a_toleration_it_leaves_at_once() -> None:
    assert taint_eviction.leaves(_pod(), [TAINT], SEEN) == SEEN
    assert taint_eviction.leaves(_pod(_tolerates(9)), [TAINT, {**TAINT, "key": "other"}], SEEN) == SEEN


def test_with_one_that_has_no_end_it_stays() -> None:
    assert taint_eviction.leaves(_pod(_tolerates(None)), [TAINT], SEEN) is None
    assert taint_eviction.leaves(_pod({"operator": "Exists"}), [TAINT], SEEN) is None


def test_the_first_toleration_that_fits_counts_from_when_the_taint_was_put_on() -> None:
    pod = _pod(_tolerates(9, "other"), _tolerates(300), _tolerates(60), _tolerates(None))
    assert taint_eviction.leaves(pod, [TAINT], SEEN) == ADDED + timedelta(seconds=300)
    assert taint_eviction.leaves(_pod(_tolerates(None), _tolerates(60)), [TAINT], SEEN) is None
    assert taint_eviction.leaves(_pod(_tolerates(-5)), [TAINT], SEEN) == ADDED
    undated = {"key": KEY, "effect": "NoExecute"}
    assert taint_eviction.leaves(_pod(_tolerates(60)), [undated], SEEN) == SEEN + timedelta(seconds=60)


def test_of_several_taints_the_first_whose_time_is_over_counts() -> None:
    other = {**TAINT, "key": "other", "timeAdded": "2026-01-02T03:01:00Z"}
    pod = _pod(_tolerates(90), _tolerates(20, "other"))
    assert taint_eviction.leaves(pod, [TAINT, other], SEEN) == ADDED + timedelta(seconds=80)
    pod = _pod(_tolerates(60), _tolerates(20, "other"))
    assert taint_eviction.leaves(pod, [TAINT, other], SEEN) == ADDED + timedelta(seconds=60)


def test_a_pod_that_came_after_the_taint_has_its_whole_time() -> None:
    pod = _pod(_tolerates(60))
    pod["metadata"]["creationTimestamp"] = "2026-01-02T03:10:00Z"
    came = ADDED + timedelta(minutes=10)
    assert taint_eviction.leaves(pod, [TAINT], SEEN) == came + timedelta(seconds=60)
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:10:30Z"}
    pod["status"] = {"conditions": [scheduled]}
    assert taint_eviction.leaves(pod, [TAINT], SEEN) == came + timedelta(seconds=90)


def test_only_taints_that_drive_away_count() -> None:
    node = {"spec": {"taints": [TAINT, {"key": KEY, "effect": "NoSchedule"}]}}
    assert taint_eviction.evicting(node) == [TAINT]
    assert taint_eviction.evicting(None) == []


class World(controllers.World):
    """Node `a` is tainted; its Pod `p` may stay for 300 seconds and its Pod `stays` for ever."""

    def start(self) -> None:
        self.told: list[str] = []
        world = self

        class Recorder:
            def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
                world.told.append(f"{type} {reason}: {message}")

        recorder: Any = Recorder()
        self.put("p", _tolerates(300))
        self.put("stays", _tolerates(None))
        self.taint({"key": KEY, "effect": "NoExecute"})
        informers = (self.informer(resources.PODS), self.informer(resources.NODES))
        self.eviction = taint_eviction.TaintEviction(self.client, *informers, recorder, self.clock)
        self.spawn(self.eviction)

    def put(self, name: str, *tolerations: Object) -> None:
        metadata = {"name": name, "namespace": "n", "uid": name}
        self.api.put(resources.PODS, {**_pod(*tolerations), "metadata": metadata})

    def taint(self, *taints: Object) -> None:
        self.api.put(resources.NODES, {"metadata": {"name": "a"}, "spec": {"taints": list(taints)}})

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass; one more key wakes the worker, which then sees what is due."""
        self.clock.advance(seconds)
        self.eviction._loop.queue.add("n/waker")
        await self.settle()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.start()
        await world.settle()
        yield world


async def test_a_pod_is_deleted_when_its_time_is_over_and_says_why(world: World) -> None:
    await world.wait(299)
    assert world.api.writes == []
    await world.wait(1)
    assert [call.method for call in world.api.writes] == ["PATCH", "DELETE"]
    said = world.api.writes[0].body["status"]["conditions"][0]
    assert (said["type"], said["status"]) == ("DisruptionTarget", "True")
    assert (said["reason"], said["message"]) == (
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
    assert world.told == ["Normal TaintManagerEviction: Marking for deletion Pod n/p"]


async def test_other_news_of_the_node_does_not_begin_the_time_anew_and_another_taint_does(
    world: World,
) -> None:
    await world.wait(200)
    world.taint({"key": KEY, "effect": "NoExecute"}, {"key": "soft", "effect": "NoSchedule"})
    await world.settle()
    await world.wait(100)
    assert world.told == ["Normal TaintManagerEviction: Marking for deletion Pod n/p"]
    world.put("q", _tolerates(300), _tolerates(300, "other"))
    world.taint({"key": KEY, "effect": "NoExecute"}, {"key": "other", "effect": "NoExecute"})
    await world.settle()
    await world.wait(299)
    assert "q" in world.api.names(resources.PODS, "n")


CALLED_OFF = ["Normal TaintManagerEviction: Cancelling deletion of Pod n/p"]


async def test_when_the_taint_goes_the_deletion_is_called_off_and_that_is_told(world: World) -> None:
    world.taint()
    await world.settle()
    assert world.told == CALLED_OFF
    await world.wait(300)
    assert (world.api.writes, world.told) == ([], CALLED_OFF)


async def test_so_it_is_when_the_pod_comes_to_tolerate_the_taint(world: World) -> None:
    world.put("p", _tolerates(None))
    await world.settle()
    assert world.told == CALLED_OFF


@pytest.mark.parametrize(
    ("metadata", "status"), [({}, {"phase": "Failed"}), ({"deletionTimestamp": "now"}, {"phase": "Running"})]
)
async def test_a_pod_that_has_ended_or_goes_already_is_left_alone(
    world: World, metadata: Object, status: Object
) -> None:
    found = world.api.get(resources.PODS, "p", "n")
    assert found is not None
    world.api.put(resources.PODS, {**found, "metadata": {**found["metadata"], **metadata}, "status": status})
    await world.settle()
    await world.wait(300)
    assert (world.api.writes, world.told) == ([], [])


async def test_nothing_is_told_of_pods_that_have_gone_or_were_never_to_go(world: World) -> None:
    world.api.remove(resources.PODS, "p", "n")
    await world.settle()
    world.taint()
    await world.settle()
    assert world.told == []
