"""Endpoints and EndpointSlices say where the ready Pods of a Service are; with the real server."""

from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.testing import managed
from strongroom.testing.managed import World

PODS, SERVICES = resources.PODS, resources.SERVICES
ENDPOINTS, SLICES = resources.ENDPOINTS, resources.ENDPOINT_SLICES
LABELS = {"app": "web"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running:
        yield running


async def _service(world: World, name: str = "web", **spec: object) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    return await world.create(
        SERVICES,
        name,
        metadata={"labels": {"tier": "front"}},
        spec={"selector": LABELS, "ports": ports, **spec},
    )


async def _pod(world: World, name: str, ip: str, *, ready: bool = True, port: int = 8080) -> Object:
    container = {"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": port}]}
    spec = {"containers": [container], "nodeName": "n1"}
    pod = await world.create(PODS, name, metadata={"labels": LABELS}, spec=spec)
    return await _report(world, pod, ip, ready=ready)


async def _report(world: World, pod: Object, ip: str, *, ready: bool) -> Object:
    now = await world.client.get(PODS, pod["metadata"]["name"], "default")
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    condition["lastTransitionTime"] = "2026-01-02T03:04:05Z"
    status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [condition]}
    return await world.client.update(PODS, {**now, "status": status}, "default", subresource="status")


async def _slices(world: World, service: str = "web") -> list[Object]:
    found = await world.client.list(SLICES, "default", label_selector=f"kubernetes.io/service-name={service}")
    return found.items


async def _ready(world: World, *ips: str) -> None:
    """Wait until exactly these are said to be ready, by both kinds."""

    async def said() -> bool:
        listed = [e for s in await _slices(world) for e in s.get("endpoints") or ()]
        by_slices = sorted(e["addresses"][0] for e in listed if e["conditions"]["ready"])
        endpoints = await world.client.get(ENDPOINTS, "web", "default")
        subsets = endpoints.get("subsets") or ()
        by_endpoints = sorted(a["ip"] for s in subsets for a in s.get("addresses") or ())
        return by_slices == by_endpoints == sorted(ips)

    await managed.until(said)


async def test_ready_pods_are_listed_by_both_kinds(world: World) -> None:
    service = await _service(world)
    await _ready(world)
    (empty,) = await _slices(world)
    assert not empty["endpoints"]
    pod = await _pod(world, "a", "10.0.0.1")
    await _ready(world, "10.0.0.1")
    (piece,) = [s for s in await _slices(world) if s["endpoints"]]
    reference = {"kind": "Pod", "namespace": "default", "name": "a", "uid": pod["metadata"]["uid"]}
    assert piece["endpoints"] == [
        {
            "addresses": ["10.0.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": reference,
            "nodeName": "n1",
        }
    ]
    assert piece["ports"] == [{"name": "http", "protocol": "TCP", "port": 8080}]
    metadata = piece["metadata"]
    assert metadata["labels"] == {
        "tier": "front",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert metadata["name"].startswith("web-")
    assert metadata["generateName"] == "web-"
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Service", service["metadata"]["uid"], True)
    endpoints = await world.client.get(ENDPOINTS, "web", "default")
    assert endpoints["subsets"] == [
        {
            "addresses": [{"ip": "10.0.0.1", "nodeName": "n1", "targetRef": reference}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ]
    assert endpoints["metadata"]["labels"] == {
        "tier": "front",
        "endpoints.kubernetes.io/managed-by": "endpoint-controller",
    }


async def test_a_pod_that_is_not_ready_is_listed_as_such(world: World) -> None:
    await _service(world)
    pod = await _pod(world, "a", "10.0.0.1", ready=False)
    await _pod(world, "b", "10.0.0.2")
    await _ready(world, "10.0.0.2")
    endpoints = await world.client.get(ENDPOINTS, "web", "default")
    (subset,) = endpoints["subsets"]
    assert [address["ip"] for address in subset["notReadyAddresses"]] == ["10.0.0.1"]
    await _report(world, pod, "10.0.0.1", ready=True)
    await _ready(world, "10.0.0.1", "10.0.0.2")
    await _report(world, pod, "10.0.0.1", ready=False)
    await _ready(world, "10.0.0.2")


async def test_a_pod_that_stops_serves_on_but_is_not_ready(world: World) -> None:
    await _service(world)
    await _pod(world, "a", "10.0.0.1")
    await _ready(world, "10.0.0.1")
    await world.client.delete(PODS, "a", "default")
    await _ready(world)
    (piece,) = await _slices(world)
    assert piece["endpoints"][0]["conditions"] == {"ready": False, "serving": True, "terminating": True}
    await world.client.delete(PODS, "a", "default", grace_period_seconds=0)

    async def gone() -> bool:
        return not any(s["endpoints"] for s in await _slices(world))

    await managed.until(gone)


async def test_pods_with_other_ports_are_in_a_slice_of_their_own(world: World) -> None:
    await _service(world)
    await _pod(world, "a", "10.0.0.1")
    await _pod(world, "b", "10.0.0.2", port=9090)
    await _ready(world, "10.0.0.1", "10.0.0.2")
    assert sorted(s["ports"][0]["port"] for s in await _slices(world)) == [8080, 9090]


async def test_a_service_that_asks_for_them_lists_pods_before_they_are_ready(world: World) -> None:
    await _service(world, publishNotReadyAddresses=True, clusterIP="None")
    await _pod(world, "a", "10.0.0.1", ready=False)
    await _ready(world, "10.0.0.1")
    for kind in (ENDPOINTS, SLICES):
        (found,) = (
            await world.client.list(kind, "default", label_selector="service.kubernetes.io/headless")
        ).items
        assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


async def test_a_changed_label_takes_a_pod_out_and_a_changed_selector_brings_it_back(world: World) -> None:
    await _service(world)
    await _pod(world, "a", "10.0.0.1")
    await _ready(world, "10.0.0.1")
    await world.client.patch(PODS, "a", {"metadata": {"labels": {"app": "other"}}}, "default")
    await _ready(world)
    await world.client.patch(SERVICES, "web", {"spec": {"selector": {"app": "other"}}}, "default")
    await _ready(world, "10.0.0.1")


async def test_both_go_with_their_service_and_what_others_keep_stays(world: World) -> None:
    await world.create(ENDPOINTS, "by-hand", subsets=[{"addresses": [{"ip": "10.0.0.9"}]}])
    await world.create(SERVICES, "by-hand", spec={"ports": [{"port": 80}]})
    await _service(world)
    await _ready(world)
    await world.client.delete(SERVICES, "web", "default")
    await world.gone(ENDPOINTS, "web")

    async def no_slices() -> bool:
        return not await _slices(world)

    await managed.until(no_slices)
    assert "by-hand" in await world.names(ENDPOINTS)


async def test_what_was_removed_or_changed_by_hand_is_put_right(world: World) -> None:
    await _service(world)
    await _pod(world, "a", "10.0.0.1")
    await _ready(world, "10.0.0.1")
    await world.client.delete(ENDPOINTS, "web", "default")
    (piece,) = [s for s in await _slices(world) if s["endpoints"]]
    await world.client.update(SLICES, {**piece, "endpoints": []}, "default")
    await _ready(world, "10.0.0.1")
