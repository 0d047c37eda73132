"""A Pod's priority is that of its class."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


@pytest.fixture(autouse=True)
async def _prepare(server: APIServer) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await server.request("POST", accounts, {"metadata": {"name": "default"}})
    await make_class(server, "high", value=1000, preemptionPolicy="Never")


async def make_class(server: APIServer, name: str, **fields: Any) -> Any:
    return await server.request("POST", CLASSES, {"metadata": {"name": name}, **fields})


async def make_pod(server: APIServer, name: str = "p", **spec: Any) -> Any:
    container = {"name": "c", "image": "i"}
    return await server.request(
        "POST", PODS, {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}
    )


def shown(answer: Any) -> tuple[Any, ...]:
    assert answer.status == 201, answer.text
    spec = answer.json["spec"]
    return spec.get("priorityClassName"), spec["priority"], spec["preemptionPolicy"]


async def test_without_a_class(server: APIServer) -> None:
    assert shown(await make_pod(server)) == (None, 0, "PreemptLowerPriority")


async def test_with_a_class(server: APIServer) -> None:
    assert shown(await make_pod(server, priorityClassName="high")) == ("high", 1000, "Never")


async def test_the_systems_classes_are_there(server: APIServer) -> None:
    found = await make_pod(server, priorityClassName="system-node-critical")
    assert shown(found) == ("system-node-critical", 2_000_001_000, "PreemptLowerPriority")


async def test_the_systems_classes_stay(server: APIServer) -> None:
    answer = await server.request("DELETE", f"{CLASSES}/system-node-critical")
    assert answer.status == 403
    assert answer.json["message"] == (
        'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: '
        "this is a system priority class and cannot be deleted"
    )
    assert (await server.request("DELETE", f"{CLASSES}/high")).status == 200


async def test_a_class_has_one_generation(server: APIServer) -> None:
    answer = await server.request("PATCH", f"{CLASSES}/high", {"description": "d"}, content_type=MERGE)
    assert (answer.status, answer.json["metadata"]["generation"]) == (200, 1)


async def test_a_class_that_is_not_there(server: APIServer) -> None:
    answer = await make_pod(server, priorityClassName="none")
    assert answer.status == 403
    assert answer.json["message"] == 'pods "p" is forbidden: no PriorityClass with name none was found'


async def test_what_is_given_must_be_what_the_class_says(server: APIServer) -> None:
    assert shown(await make_pod(server, priorityClassName="high", priority=1000)) == ("high", 1000, "Never")
    answer = await make_pod(server, "q", priorityClassName="high", priority=5)
    assert answer.status == 403
    assert answer.json["message"] == (
        'pods "q" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority '
        "admission controller computed 1000 from the given PriorityClass name"
    )
    answer = await make_pod(server, "q", priorityClassName="high", preemptionPolicy="PreemptLowerPriority")
    assert answer.json["message"] == (
        'pods "q" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be '
        "provided in pod spec; priority admission controller computed Never from the given PriorityClass name"
    )


async def test_the_default_class(server: APIServer) -> None:
    assert (await make_class(server, "usual", value=7, globalDefault=True)).status == 201
    assert shown(await make_pod(server)) == ("usual", 7, "PreemptLowerPriority")
    answer = await make_class(server, "other", value=8, globalDefault=True)
    assert answer.status == 403
    assert answer.json["message"] == (
        'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as '
        "default. Only one default can exist"
    )
    same = {"description": "x"}
    assert (await server.request("PATCH", f"{CLASSES}/usual", same, content_type=MERGE)).status == 200
    high = {"globalDefault": True}
    assert (await server.request("PATCH", f"{CLASSES}/high", high, content_type=MERGE)).status == 403
    await server.request("DELETE", f"{CLASSES}/usual")
    assert shown(await make_pod(server, "q")) == (None, 0, "PreemptLowerPriority")


async def test_an_update_that_leaves_the_priority_out_keeps_it(server: APIServer) -> None:
    pod = (await make_pod(server, priorityClassName="high")).json
    for field in ("priority", "preemptionPolicy"):
        del pod["spec"][field]
    pod["metadata"]["labels"] = {"a": "b"}
    answer = await server.request("PUT", f"{PODS}/p", pod)
    assert answer.status == 200, answer.text
    assert (answer.json["spec"]["priority"], answer.json["spec"]["preemptionPolicy"]) == (1000, "Never")


async def test_one_class_that_cannot_be_read_keeps_no_pod_from_being_made() -> None:
    engine = MemoryEngine()
    async with api_server.running(engine) as server:
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        await server.request("POST", accounts, {"metadata": {"name": "default"}})
        await engine.create(resources.PRIORITY_CLASSES.key("", "bad"), b"damaged")
        await server.create_secret("after-it-came")
        assert shown(await make_pod(server)) == (None, 0, "PreemptLowerPriority")
