"""Pods leave nodes whose taints they do not tolerate, when their time is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

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


def test_the_shortest_toleration_counts_from_when_the_taint_was_put_on() -> None:
    pod = _pod(_tolerates(300), _tolerates(60), _tolerates(None))
    assert taint_eviction.leaves(pod, [TAINT], SEEN) == ADDED + timedelta(seconds=60)
    assert taint_eviction.leaves(_pod(_tolerates(-5)), [TAINT], SEEN) == ADDED
    undated = {"key": KEY, "effect": "NoExecute"}
    assert taint_eviction.leaves(_pod(_tolerates(60)), [undated], SEEN) == SEEN + timedelta(seconds=60)


def test_only_taints_that_drive_away_count() -> None:
    node = {"spec": {"taints": [TAINT, {"key": KEY, "effect": "NoSchedule"}]}}
    assert taint_eviction.evicting(node) == [TAINT]
    assert taint_eviction.evicting(None) == []


async def test_a_pod_is_deleted_when_its_time_is_over_and_says_why() -> None:
    async with controllers.World() as world:
        told: list[str] = []

        class Recorder:
            def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
                told.append(f"{type} {reason}: {message}")

        recorder: Any = Recorder()
        for name, pod in (("p", _pod(_tolerates(300))), ("stays", _pod(_tolerates(None)))):
            metadata = {"name": name, "namespace": "n", "uid": name}
            world.api.put(resources.PODS, {**pod, "metadata": metadata})
        informers = (world.informer(resources.PODS), world.informer(resources.NODES))
        eviction = taint_eviction.TaintEviction(world.client, *informers, recorder, world.clock)
        world.spawn(eviction)
        undated = {"key": KEY, "effect": "NoExecute"}
        world.api.put(resources.NODES, {"metadata": {"name": "a"}, "spec": {"taints": [undated]}})
        await world.settle()
        world.clock.advance(299)
        eviction._loop.queue.add("n/p")
        await world.settle()
        assert world.api.writes == []
        world.clock.advance(1)
        eviction._loop.queue.add("n/p")
        await world.settle()
        assert [call.method for call in world.api.writes] == ["PATCH", "DELETE"]
        said = world.api.writes[0].body["status"]["conditions"][0]
        assert (said["type"], said["reason"]) == ("DisruptionTarget", "DeletionByTaintManager")
        assert told == ["Normal TaintManagerEviction: Marking for deletion Pod n/p"]
