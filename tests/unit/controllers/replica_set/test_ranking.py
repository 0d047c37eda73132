"""Which Pods are missed least."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from strongroom.controllers.replica_set import ranking
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")


def ago(seconds: float) -> str:
    return duration.timestamp(NOW - timedelta(seconds=seconds))


def pod(
    name: str, *, node: str = "n1", phase: str = "Running", ready: float | None = 100, **more: Any
) -> Object:
    """`ready`: seconds since when."""
    conditions = (
        [] if ready is None else [{"type": "Ready", "status": "True", "lastTransitionTime": ago(ready)}]
    )
    annotations = {ranking.DELETION_COST: more["cost"]} if "cost" in more else {}
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": ago(more.get("age", 1000)),
            "annotations": annotations,
        },
        "spec": {
            "nodeName": node,
            "initContainers": [{"name": "side", "restartPolicy": "Always"}, {"name": "init"}],
        },
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"restartCount": more.get("restarts", 0)}],
            "initContainerStatuses": [
                {"name": "side", "restartCount": more.get("sidecar_restarts", 0)},
                {"name": "init", "restartCount": more.get("init_restarts", 0)},
            ],
        },
    }


def order(*pods: Object, related: tuple[Object, ...] = ()) -> list[str]:
    """All but the last, which is kept, in the order in which they go."""
    found = ranking.to_delete(pods, len(pods) - 1, [*pods, *related], NOW)
    return [each["metadata"]["name"] for each in found]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pod("z", node="", cost="9"), pod("a", phase="Pending", ready=None)),
        (pod("z", phase="Pending", cost="9"), pod("a", phase="Unknown", ready=None)),
        (pod("z", phase="Unknown", cost="9"), pod("a", ready=None)),
        (pod("z", ready=None, cost="9"), pod("a")),
        (pod("z", cost="-1"), pod("a")),
        (pod("z", cost="3", ready=1000), pod("a", cost="20", ready=1)),
        (pod("z", ready=10), pod("a", ready=100, restarts=5)),
        (pod("z", restarts=2), pod("a", restarts=1)),
        (pod("z", restarts=1, sidecar_restarts=1), pod("a", restarts=1)),
        (pod("z", age=200), pod("a", age=2000)),
    ],
    ids=(
        "unassigned", "pending", "unknown", "not ready", "cheap", "cost is a number", "ready for less long",
        "restarted more often", "sidecar restarted more often", "younger",
    ),
)  # fmt: skip
def test_what_goes_first(first: Object, second: Object) -> None:
    assert order(second, first) == ["z"]
    assert order(first, second) == ["z"]


def test_a_node_with_many_of_the_workload_gives_first() -> None:
    related = (pod("other-1", node="n2"), pod("other-2", node="n2"))
    assert order(pod("a"), pod("z", node="n2"), related=related) == ["z"]


def test_of_about_the_same_age_neither_is_preferred_for_it() -> None:
    assert order(pod("z", ready=1000), pod("a", ready=1050)) == ["a"]


def test_restarts_of_init_containers_say_nothing() -> None:
    assert order(pod("z", init_restarts=9), pod("a")) == ["a"]


def test_of_ages_of_one_magnitude_the_uid_decides_and_nothing_that_comes_later() -> None:
    assert order(pod("z", ready=1050, restarts=9), pod("a", ready=1000)) == ["a"]
    assert order(pod("z", ready=1000, restarts=9), pod("a", ready=1000)) == ["z"]
    assert order(pod("z", age=1050), pod("a", age=1000)) == ["a"]
    assert order(pod("a", ready=0), pod("z", ready=0, restarts=1)) == ["z"]


def test_of_a_job_ages_count_to_the_second_and_costs_and_neighbours_do_not() -> None:
    def first(*pods: Object) -> list[str]:
        return [each["metadata"]["name"] for each in ranking.of_job(pods, 1)]

    assert first(pod("a", ready=1050, cost="-9"), pod("z", ready=1049)) == ["z"]
    assert first(pod("a", age=1050), pod("z", age=1049)) == ["z"]
    assert first(pod("a", node="n2"), pod("b"), pod("c")) == ["a"]
    assert first(pod("a"), pod("z", ready=None)) == ["z"]
    assert first(pod("a"), pod("z", restarts=1)) == ["z"]


def test_a_cost_that_is_none_is_nothing() -> None:
    costs = {"": 0, "x": 0, "1.5": 0, "007": 0, "+5": 0, "2147483648": 0, "-5": -5, "12": 12}
    assert {text: ranking.cost(pod("p", cost=text)) for text in costs} == costs
    assert ranking.cost(pod("p")) == 0


def test_all_go_when_all_must() -> None:
    pods = [pod("a"), pod("b")]
    assert ranking.to_delete(pods, 2, pods, NOW) == pods
