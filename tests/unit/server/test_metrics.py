import asyncio
import re
from typing import Any

import pytest

from strongroom.server import metrics
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"


async def _samples(server: APIServer, name: str) -> dict[str, float]:
    """Samples of one metric: the values of those labels that have one, in the labels' order."""
    answer = await server.get("/metrics")
    assert answer.status == 200
    found = {}
    for line in answer.text.splitlines():
        if line.startswith(name + "{"):
            labels, _, value = line[len(name) + 1 :].rpartition("} ")
            values = [v for k, v in re.findall(r'(\w+)="([^"]*)"', labels) if v and k != "component"]
            found[" ".join(values)] = float(value)
    return found


async def test_requests_by_kind_and_answer(server: APIServer) -> None:
    await server.create_secret("a")
    for _ in range(3):
        await server.get(f"{SECRETS}/a")
    await server.get(f"{SECRETS}/b")
    await server.get(SECRETS)
    await server.get("/api/v1/secrets?limit=5")
    await server.request("POST", f"{SECRETS}?dryRun=All", {"metadata": {"name": "c"}})
    patch: dict[str, object] = {"data": {"k": "dg=="}}
    await server.request("PATCH", f"{SECRETS}/a", patch, content_type="application/merge-patch+json")
    patch |= {"kind": "Secret", "apiVersion": "v1"}
    await server.request(
        "PATCH", f"{SECRETS}/a?fieldManager=m&force=1", patch, content_type="application/apply-patch+yaml"
    )
    await server.request("DELETE", f"{SECRETS}/a")
    await server.request("DELETE", SECRETS)
    await server.get("/readyz")
    await server.get(f"{SECRETS}/a", token="unknown")
    assert await _samples(server, "apiserver_request_total") == {
        "201 secrets resource POST v1": 1,
        "200 secrets resource GET v1": 3,
        "404 secrets resource GET v1": 1,
        "200 secrets namespace LIST v1": 1,
        "200 secrets cluster LIST v1": 1,
        "201 All secrets resource POST v1": 1,
        "200 secrets resource PATCH v1": 1,
        "200 secrets resource APPLY v1": 1,
        "200 secrets resource DELETE v1": 1,
        "200 secrets namespace DELETECOLLECTION v1": 1,
        "200 /readyz GET": 1,
        "401 secrets resource GET v1": 1,
    }
    durations = await _samples(server, "apiserver_request_duration_seconds_count")
    assert durations["secrets resource GET v1"] == 5
    assert durations["All secrets resource POST v1"] == 1
    buckets = await _samples(server, "apiserver_request_duration_seconds_bucket")
    assert buckets["+Inf secrets resource GET v1"] == buckets["60 secrets resource GET v1"] == 5


async def test_what_clients_make_up_is_counted_but_not_kept(server: APIServer) -> None:
    for number in range(50):
        await server.get(f"/api/v1/namespaces/default/madeup{number}/x")
        await server.get(f"/apis/madeup{number}/v1/namespaces/default/secrets")
        await server.get(f"/madeup{number}")
        await server.request(f"MADEUP{number}", SECRETS)
        await server.get(f"/api/v1/watch/madeup{number}")
    text = (await server.get("/metrics")).text
    assert "madeup" not in text.lower()
    assert (await _samples(server, "apiserver_request_total"))["404 GET"] == 100


async def test_no_name_and_no_value_of_an_object(server: APIServer) -> None:
    await server.create_secret("canary-name", data={"canary-key": "Y2FuYXJ5LXZhbHVl"})
    await server.get(f"{SECRETS}/canary-name")
    await server.get(f"{SECRETS}?fieldSelector=metadata.name=canary-name&labelSelector=canary-label")
    await server.get(f"{SECRETS}/canary-name/canary-subresource")
    text = (await server.get("/metrics")).text
    assert "canary" not in text and "Y2FuYXJ5" not in text


async def test_stored_objects(server: APIServer) -> None:
    await server.create_secret("a")
    await server.create_secret("b")
    assert (await _samples(server, "apiserver_storage_objects"))["secrets"] == 2
    assert (await _samples(server, "apiserver_resource_objects"))["apps deployments"] == 0


async def test_watches_under_way(server: APIServer) -> None:
    kind = "secrets namespace WATCH v1"
    async with server.transport().stream("GET", SECRETS, query=[("watch", "1")]):
        assert (await _samples(server, "apiserver_longrunning_requests"))[kind] == 1
        assert kind not in await _samples(server, "apiserver_request_duration_seconds_count")
    async with asyncio.timeout(2):
        while (await _samples(server, "apiserver_longrunning_requests"))[kind]:  # noqa: ASYNC110 - none tells
            await asyncio.sleep(0.005)
    assert (await _samples(server, "apiserver_request_total"))[f"200 {kind}"] == 1


async def test_client_that_left_before_its_answer(server: APIServer) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError("it has left")

    scope = {
        "type": "http",
        "method": "POST",
        "path": SECRETS,
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer admin"), (b"content-length", b"9")],
    }
    await server.app(scope, receive, send)
    assert await _samples(server, "apiserver_request_aborts_total") == {"secrets resource POST v1": 1}


@pytest.mark.parametrize("token", ["nobody", "scheduler", "node-n1"])
async def test_only_who_may_see_metrics_sees_them(server: APIServer, token: str) -> None:
    answer = await server.get("/metrics", token=token)
    assert answer.status == 403
    assert answer.json["message"].endswith('cannot get path "/metrics"')


async def test_a_role_opens_metrics(server: APIServer) -> None:
    binding = {
        "metadata": {"name": "prometheus"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:monitoring",
        },
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"}],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert (await server.request("POST", path, binding)).status == 201
    answer = await server.get("/metrics", token="nobody")
    assert (answer.status, answer.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )


async def test_latencies_of_what_has_an_end_are_told_once_more(server: APIServer) -> None:
    await server.create_secret("a")
    await server.request("POST", f"{SECRETS}?dryRun=All", {"metadata": {"name": "c"}})
    async with server.transport().stream("GET", SECRETS, query=[("watch", "1")]):
        pass
    async with asyncio.timeout(2):
        durations = "apiserver_request_duration_seconds_count"
        while not (watched := _watches(await _samples(server, durations))):  # noqa: ASYNC110 - none tells
            await asyncio.sleep(0.005)
    assert watched
    found = await _samples(server, "apiserver_request_sli_duration_seconds_count")
    assert found["secrets resource POST v1"] == 2
    assert not _watches(found)
    buckets = await _samples(server, "apiserver_request_sli_duration_seconds_bucket")
    assert "0.025 secrets resource POST v1" not in buckets
    assert buckets["+Inf secrets resource POST v1"] == 2
    assert sum(number for labels, number in buckets.items() if labels.startswith("0.05 ")) > 0


def _watches(samples: dict[str, float]) -> list[str]:
    return [labels for labels in samples if "WATCH" in labels]


async def test_the_watch_cache_tells_how_far_it_is(server: APIServer) -> None:
    made = await server.create_secret("a")
    found = await _samples(server, "apiserver_watch_cache_resource_version")
    assert found["secrets"] >= int(made["metadata"]["resourceVersion"])


async def test_addresses_and_node_ports_that_are_in_use(server: APIServer) -> None:
    services = "/api/v1/namespaces/default/services"

    async def numbers() -> list[float]:
        text = (await server.get("/metrics")).text
        names = ("clusterip_allocator_{}_ips", "nodeport_allocator_{}_ports")
        found = [
            re.search(rf"^kube_apiserver_{name.format(what)}\S* (\S+)$", text, re.MULTILINE)
            for name in names
            for what in ("allocated", "available")
        ]
        return [float(each[1]) for each in found if each]

    before = await numbers()
    ports = [
        {"name": name, "port": 53, "protocol": name.upper(), "nodePort": 30053} for name in ("tcp", "udp")
    ]
    await server.request(
        "POST", services, {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": ports}}
    )
    await server.request("POST", services, {"metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}]}})
    after = await numbers()
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, -2, 1, -1]
    assert after[0] + after[1] == 2**20 - 2
    for name in ("a", "b"):
        await server.request("DELETE", f"{services}/{name}")
    assert await numbers() == before


async def test_the_size_of_the_store_where_it_is_told() -> None:
    sizes: list[int | None] = [4096, None]

    async def size() -> int | None:
        return sizes.pop(0)

    async with api_server.running(storage_size=size) as server:
        assert await _samples(server, "apiserver_storage_size_bytes") == {"etcd-0": 4096}
        assert await _samples(server, "apiserver_storage_size_bytes") == {}


async def test_a_store_that_does_not_say_its_size_keeps_no_one_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_SIZE_SECONDS", 0.01)

    async def size() -> int | None:
        await asyncio.Event().wait()
        return 1

    async with api_server.running(storage_size=size) as server:
        assert await _samples(server, "apiserver_storage_size_bytes") == {}
