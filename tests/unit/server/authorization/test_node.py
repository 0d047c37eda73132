from typing import Any

import pytest

from strongroom.api import resources
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION
from strongroom.server.authorization.node import NodeAuthorizer
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

PODS = "/api/v1/namespaces/default/pods"
SECRETS = "/api/v1/namespaces/default/secrets"
NODE = "node-n1"
NO_RELATION = "no relationship found between node 'n1' and this object"


async def _prepare(server: APIServer, *names: str) -> None:
    await server.request(
        "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}
    )
    for name in names:
        await server.create_secret(name)


async def _pod(server: APIServer, name: str, secret: str, node: str = "n1", **spec: Any) -> None:
    pod = {
        "metadata": {"name": name},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "secret": {"secretName": secret}}],
            **spec,
        },
    }
    answer = await server.request("POST", PODS, pod)
    assert answer.status == 201, answer.text


async def _may_read(server: APIServer, secret: str, token: str = NODE) -> bool:
    answer = await server.get(f"{SECRETS}/{secret}", token=token)
    assert answer.status in (200, 403)
    return answer.status == 200


async def test_node_reads_only_secrets_of_its_pods(server: APIServer) -> None:
    await _prepare(server, "mine", "others", "nobodys")
    await _pod(server, "p1", "mine", "n1")
    await _pod(server, "p2", "others", "n2")
    assert [await _may_read(server, name) for name in ("mine", "others", "nobodys")] == [True, False, False]
    assert [await _may_read(server, name, "node-n2") for name in ("mine", "others")] == [False, True]


async def test_secret_of_the_same_name_in_another_namespace_stays_closed(server: APIServer) -> None:
    await _prepare(server, "mine")
    await server.create_secret("mine", "kube-system")
    await _pod(server, "p", "mine")
    assert await _may_read(server, "mine")
    answer = await server.get("/api/v1/namespaces/kube-system/secrets/mine", token=NODE)
    assert answer.status == 403


async def test_right_ends_with_the_last_pod_that_names_the_secret(server: APIServer) -> None:
    await _prepare(server, "mine")
    await _pod(server, "p1", "mine")
    await _pod(server, "p2", "mine")
    for name, still in (("p1", True), ("p2", False)):
        await server.request("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        assert await _may_read(server, "mine") is still


async def test_right_begins_with_the_binding(server: APIServer) -> None:
    await _prepare(server, "mine")
    await _pod(server, "p", "mine", "")
    assert not await _may_read(server, "mine")
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    assert (await server.request("POST", f"{PODS}/p/binding", binding)).status == 201
    assert await _may_read(server, "mine")


async def test_history_that_is_gone_is_made_up_for(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _prepare(server, "mine", "more")
    await _pod(server, "p0", "mine")
    assert await _may_read(server, "mine")
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_MINIMUM", 1)
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_LIMIT", 1)
    await server.request("DELETE", f"{PODS}/p0?gracePeriodSeconds=0")
    await _pod(server, "p1", "more")
    await _pod(server, "p2", "more")
    assert not await _may_read(server, "mine")
    assert await _may_read(server, "more")


@pytest.mark.parametrize(
    "spec",
    [
        {"imagePullSecrets": [{"name": "s"}]},
        {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "s"}}]}]},
        {
            "containers": [
                {
                    "name": "c",
                    "image": "i",
                    "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                }
            ]
        },
        {
            "initContainers": [{"name": "i", "image": "i", "envFrom": [{"secretRef": {"name": "s"}}]}],
        },
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
    ],
)
async def test_every_way_to_name_a_secret(server: APIServer, spec: dict[str, Any]) -> None:
    await _prepare(server, "s", "other")
    await _pod(server, "p", "other", **spec)
    assert await _may_read(server, "s")


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", f"{SECRETS}/s", NO_RELATION),
        ("GET", SECRETS, "No Object name found"),
        ("GET", "/api/v1/secrets", "No Object name found"),
        (
            "GET",
            "/api/v1/secrets?fieldSelector=metadata.name=s",
            "can only read namespaced object of this type",
        ),
        ("GET", f"{SECRETS}/s/status", "cannot read subresource"),
        ("POST", SECRETS, "can only read resources of this type"),
        ("PUT", f"{SECRETS}/s", "can only read resources of this type"),
        ("DELETE", f"{SECRETS}/s", "can only read resources of this type"),
        ("DELETE", SECRETS, "can only read resources of this type"),
        ("GET", PODS, "can only list/watch pods with spec.nodeName field selector"),
        (
            "GET",
            f"{PODS}?fieldSelector=spec.nodeName=n2",
            "can only list/watch pods with spec.nodeName field selector",
        ),
        ("GET", f"{PODS}/p", NO_RELATION),
        ("GET", "/api/v1/nodes", "node 'n1' cannot read all nodes, only its own Node object"),
        ("GET", "/api/v1/nodes/n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("GET", "/api/v1/namespaces/default/serviceaccounts/s", NO_RELATION),
        (
            "POST",
            "/api/v1/namespaces/default/serviceaccounts",
            "can only create token subresource of serviceaccount",
        ),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/namespaces/default/leases/n1",
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2",
            "can only access node lease with the same name as the requesting node",
        ),
        ("GET", "/api/v1/namespaces", ""),
        ("POST", "/api/v1/namespaces", ""),
    ],
)
async def test_denials_say_why(server: APIServer, method: str, path: str, reason: str) -> None:
    answer = await server.request(method, path, token=NODE)
    assert answer.status == 403
    message = answer.json["message"]
    assert message.endswith(f": {reason}") if reason else message.endswith("at the cluster scope")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nodes/n1",
        "/api/v1/nodes?fieldSelector=metadata.name=n1",
        "/api/v1/pods?fieldSelector=spec.nodeName=n1",
        "/api/v1/namespaces/default/secrets?fieldSelector=metadata.name=mine",
        "/api/v1/namespaces/default/pods/p",
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1",
        "/api/v1/services",
    ],
)
async def test_what_a_node_needs_to_read(server: APIServer, path: str) -> None:
    await _prepare(server, "mine")
    await _pod(server, "p", "mine")
    absent = path.endswith("/n1")  # its Node and its Lease are yet to be made
    assert (await server.get(path, token=NODE)).status == (404 if absent else 200)


async def test_only_the_core_groups_objects_are_found_by_their_relation(server: APIServer) -> None:
    await _prepare(server, "mine")
    await _pod(server, "p", "mine")
    for group, allowed in (("", True), ("example.com", False)):
        for kind, name in (("secrets", "mine"), ("pods", "p")):
            asked = {"group": group, "resource": kind, "namespace": "default", "name": name, "verb": "get"}
            review = {"spec": {"resourceAttributes": asked}}
            path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            answer = await server.request("POST", path, review, token=NODE)
            assert (answer.status, answer.json["status"]["allowed"]) == (201, allowed), (group, kind)


async def test_node_writes_its_status_and_events(server: APIServer) -> None:
    node = {"metadata": {"name": "n1"}}
    assert (await server.request("POST", "/api/v1/nodes", node, token=NODE)).status == 201
    patch = {"status": {"phase": "Running"}}
    media = "application/merge-patch+json"
    answer = await server.request("PATCH", "/api/v1/nodes/n1/status", patch, content_type=media, token=NODE)
    assert answer.status == 200
    event = {"metadata": {"generateName": "e"}, "involvedObject": {"namespace": "default"}, "type": "Normal"}
    assert (
        await server.request("POST", "/api/v1/namespaces/default/events", event, token=NODE)
    ).status == 201


async def test_user_named_like_a_node_without_the_group_is_no_node(server: APIServer) -> None:
    authorizer = NodeAuthorizer(server.catalog[resources.PODS])
    info = RequestInfo(True, "get", "", "", "v1", "", "nodes", "", "n1")
    assert authorizer.authorize(UserInfo("system:node:n1"), info) == NO_OPINION
    assert authorizer.authorize(UserInfo("n1", groups=("system:nodes",)), info) == NO_OPINION


DELIVERIES = "/apis/delivery.strongroom.dev/v1/namespaces/default/secretdeliveries"
DELIVERED = {"nodeName": "n1", "deliveries": [{"secret": "mine", "container": "c", "way": "Env"}]}


async def test_node_tells_of_deliveries_to_its_own_pods_alone(server: APIServer) -> None:
    await _prepare(server, "mine")
    await _pod(server, "p1", "mine", "n1")
    await _pod(server, "p2", "mine", "n2")

    async def write(pod: str, token: str = NODE) -> int:
        body = {"metadata": {"name": pod}, **DELIVERED}
        return (await server.request("PUT", f"{DELIVERIES}/{pod}", body, token=token)).status

    assert [await write("p1"), await write("p1")] == [201, 200]
    assert [await write("p2"), await write("p3")] == [403, 403]
    assert (await server.get(f"{DELIVERIES}/p1", token=NODE)).status == 200
    for query in ("", "?watch=true"):
        assert (await server.get(f"{DELIVERIES}{query}", token=NODE)).status == 403
    assert (
        await server.request("POST", DELIVERIES, {"metadata": {"name": "p1"}, **DELIVERED}, token=NODE)
    ).status == 403
    assert (await server.get(f"{DELIVERIES}/p1", token="node-n2")).status == 403


async def test_one_pod_that_cannot_be_read_keeps_no_node_from_its_secrets() -> None:
    engine = MemoryEngine()
    async with api_server.running(engine) as server:
        await _prepare(server, "mine", "others")
        await _pod(server, "p1", "mine")
        bad = resources.PODS.key("default", "bad")
        made = await engine.create(bad, b"damaged")
        await server.create_secret("after-it-came")
        assert [await _may_read(server, name) for name in ("mine", "others")] == [True, False]
        await engine.delete(bad, made)
        await server.create_secret("after-it-went")
        assert [await _may_read(server, name) for name in ("mine", "others")] == [True, False]
        await engine.create(bad, b"damaged")
        await server.create_secret("after-it-came-again")
        anew = NodeAuthorizer(server.catalog[resources.PODS])
        node = UserInfo("system:node:n1", groups=("system:nodes",))
        info = RequestInfo(True, "get", "", "", "v1", "default", "secrets", "", "mine")
        assert anew.authorize(node, info) == ALLOWED
