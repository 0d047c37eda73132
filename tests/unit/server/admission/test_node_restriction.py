"""A node changes only itself and its own Pods, and gets tokens only for those."""

from typing import Any

import pytest

from strongroom.api import node_joining
from strongroom.testing import manifests
from strongroom.testing.api_server import APIServer

PODS = "/api/v1/namespaces/default/pods"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/app/token"
MERGE = "application/merge-patch+json"


@pytest.fixture
async def nodes(server: APIServer) -> APIServer:
    """Nodes n1 and n2; a Pod on each, named like its node; a Pod on none."""
    await server.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "app"}})
    for name in ("n1", "n2"):
        made = await server.request("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        assert made.status == 201, made.text
        await _pod(server, name, name)
    await _pod(server, "free", "")
    return server


async def _pod(server: APIServer, name: str, node: str) -> None:
    pod = manifests.pod(name)
    token = {"serviceAccountToken": {"path": "token", "audience": "vault"}}
    api = {"serviceAccountToken": {"path": "api"}}
    pod["spec"]["volumes"] = [{"name": "t", "projected": {"sources": [token, api]}}]
    pod["spec"]["serviceAccountName"] = "app"
    answer = await server.request("POST", PODS, pod)
    assert answer.status == 201, answer.text
    if node:
        body = {"metadata": {"name": name}, "target": {"kind": "Node", "name": node}}
        assert (await server.request("POST", f"{PODS}/{name}/binding", body)).status == 201


async def _as_n1(server: APIServer, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
    answer = await server.request(method, path, body, token="node-n1", **more)
    return answer.status, answer.text


async def test_a_node_writes_the_status_of_its_own_pods_alone(nodes: APIServer) -> None:
    patch = {"status": {"phase": "Running"}}
    for name, code in (("n1", 200), ("n2", 403), ("free", 403)):
        status, text = await _as_n1(nodes, "PATCH", f"{PODS}/{name}/status", patch, content_type=MERGE)
        assert status == code, text
        if code == 403:
            assert "can only update pod status for pods with spec.nodeName set to itself" in text
    labels = {"metadata": {"labels": {"a": "b"}}}
    status, text = await _as_n1(nodes, "PATCH", f"{PODS}/n1/status", labels, content_type=MERGE)
    assert status == 403 and "cannot update labels through pod status" in text


async def test_a_node_evicts_its_own_pods_alone(nodes: APIServer) -> None:
    for name, code in (("n2", 403), ("free", 403), ("n1", 201)):
        body = {"metadata": {"name": name}}
        status, text = await _as_n1(nodes, "POST", f"{PODS}/{name}/eviction", body)
        assert status == code, text
        if code == 403:
            assert 'node \\"n1\\" can only evict pods with spec.nodeName set to itself' in text


async def test_a_node_deletes_its_own_pods_alone(nodes: APIServer) -> None:
    for name, code in (("n2", 403), ("free", 403), ("n1", 200)):
        status, text = await _as_n1(nodes, "DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        assert status == code, text
    assert (await nodes.get(f"{PODS}/n2")).status == 200


async def test_a_node_creates_no_pod_that_could_take_a_secret(nodes: APIServer) -> None:
    status, text = await _as_n1(
        nodes, "POST", PODS, manifests.pod("p", nodeName="n1", serviceAccountName="app")
    )
    assert status == 403 and "can only create mirror pods" in text
    mirror = manifests.pod("p", nodeName="n2")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    status, text = await _as_n1(nodes, "POST", PODS, mirror)
    assert status == 403
    assert (await nodes.get(f"{PODS}/p")).status == 404


async def _mirror(server: APIServer) -> dict[str, Any]:
    uid = (await server.get("/api/v1/nodes/n1")).json["metadata"]["uid"]
    pod = manifests.pod("static", nodeName="n1")
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}
    pod["metadata"] |= {"annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [owner]}
    return pod


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (None, "can only create pods with an owner reference set to itself"),
        ({"name": "n2"}, "can only create pods with an owner reference set to itself"),
        ({"kind": "Pod"}, "can only create pods with an owner reference set to itself"),
        ({"controller": False}, "can only create pods with a controller owner reference set to itself"),
        ({"blockOwnerDeletion": True}, "must not set blockOwnerDeletion on an owner reference"),
        ({"uid": "other"}, "UID mismatch"),
    ],
)
async def test_a_mirror_pod_belongs_to_its_node(
    nodes: APIServer, change: dict[str, Any] | None, text: str
) -> None:
    pod = await _mirror(nodes)
    owners = pod["metadata"]["ownerReferences"]
    pod["metadata"]["ownerReferences"] = [] if change is None else [owners[0] | change]
    code, answer = await _as_n1(nodes, "POST", PODS, pod)
    assert code == 403 and text in answer
    pod["metadata"]["ownerReferences"] = [*owners, owners[0] | {"uid": "two"}]
    code, answer = await _as_n1(nodes, "POST", PODS, pod)
    assert code == 403 and "with a single owner reference" in answer
    pod["metadata"]["ownerReferences"] = owners
    assert (await _as_n1(nodes, "POST", PODS, pod))[0] == 201


@pytest.mark.parametrize(
    ("volume", "what"),
    [
        ({"secret": {"secretName": "s"}}, "secrets"),
        ({"configMap": {"name": "c"}}, "configmaps"),
        ({"projected": {"sources": [{"configMap": {"name": "c"}}]}}, "configmaps"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, "persistentvolumeclaims"),
    ],
)
async def test_a_mirror_pod_names_nothing_of_the_api(
    nodes: APIServer, volume: dict[str, Any], what: str
) -> None:
    pod = await _mirror(nodes)
    pod["spec"]["volumes"] = [{"name": "v", **volume}]
    code, text = await _as_n1(nodes, "POST", PODS, pod)
    assert code == 403 and what in text
    assert (await nodes.get(f"{PODS}/static")).status == 404


async def test_a_mirror_pod_stays_one_whatever_its_node_writes(nodes: APIServer) -> None:
    assert (await _as_n1(nodes, "POST", PODS, await _mirror(nodes)))[0] == 201
    for patch in (
        {"metadata": {"annotations": {"kubernetes.io/config.mirror": None}}},
        {"metadata": {"annotations": {"kubernetes.io/config.mirror": "y"}}},
    ):
        code, text = await _as_n1(nodes, "PATCH", f"{PODS}/static/status", patch, content_type=MERGE)
        assert code == 422, text
    # What a Pod names is in its spec, which its status does not change.
    spec = {"spec": {"imagePullSecrets": [{"name": "s"}]}}
    assert (await _as_n1(nodes, "PATCH", f"{PODS}/n1/status", spec, content_type=MERGE))[0] == 200
    assert (await _as_n1(nodes, "GET", "/api/v1/namespaces/default/secrets/s"))[0] == 403


async def test_a_node_changes_itself_alone(nodes: APIServer) -> None:
    patch = {"metadata": {"labels": {"kubernetes.io/os": "linux", "example.com/a": "b"}}}
    for name, code in (("n1", 200), ("n2", 403)):
        status, text = await _as_n1(nodes, "PATCH", f"/api/v1/nodes/{name}", patch, content_type=MERGE)
        assert status == code, text
    status, text = await _as_n1(nodes, "POST", "/api/v1/nodes", {"metadata": {"name": "n3"}})
    assert status == 403 and 'node \\"n1\\" is not allowed to modify node \\"n3\\"' in text


async def test_a_node_gives_signs_of_life_for_itself_alone(nodes: APIServer) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    for name, code in (("n2", 403), ("n3", 403), ("n1", 201)):
        lease = {"metadata": {"name": name}, "spec": {"holderIdentity": name}}
        status, text = await _as_n1(nodes, "POST", leases, lease)
        assert status == code, text
        if code == 403:
            assert "can only access node lease with the same name as the requesting node" in text
    change = {"spec": {"leaseDurationSeconds": 40}}
    assert (await _as_n1(nodes, "PATCH", f"{leases}/n1", change, content_type=MERGE))[0] == 200
    assert (await _as_n1(nodes, "DELETE", f"{leases}/n1"))[0] == 200


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"labels": {"node-restriction.kubernetes.io/pool": "secure"}}},
        {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}},
        {"metadata": {"labels": {"x.k8s.io/a": "b"}}},
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
        {"spec": {"podCIDR": "10.64.0.0/24", "podCIDRs": ["10.64.0.0/24"]}},
        {"metadata": {"annotations": {node_joining.KEY_ANNOTATION: "0" * 64}}},
        # The garbage collector would delete it, and it could come again with what it likes.
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "gone", "uid": "u"}]}},
    ],
)
async def test_a_node_does_not_choose_its_work(nodes: APIServer, patch: dict[str, Any]) -> None:
    status, text = await _as_n1(nodes, "PATCH", "/api/v1/nodes/n1", patch, content_type=MERGE)
    assert status == 403 and "is not allowed to modify" in text
    assert (await nodes.request("PATCH", "/api/v1/nodes/n1", patch, content_type=MERGE)).status == 200


async def _ask(server: APIServer, pod: str, **spec: Any) -> tuple[int, str]:
    uid = (await server.get(f"{PODS}/{pod}")).json["metadata"]["uid"]
    bound = {"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid}
    return await _as_n1(server, "POST", TOKEN, {"spec": {"boundObjectRef": bound, **spec}})


async def test_a_node_gets_the_tokens_that_its_pods_volumes_ask_for(nodes: APIServer) -> None:
    for audiences in ([], ["vault"], ["https://kubernetes.default.svc.cluster.local"]):
        status, text = await _ask(nodes, "n1", audiences=audiences)
        assert status == 201, text


async def test_a_node_gets_no_other_token(nodes: APIServer) -> None:
    uid = (await nodes.get(f"{PODS}/n1")).json["metadata"]["uid"]
    pod = {"kind": "Pod", "apiVersion": "v1", "name": "n1"}
    refused = [
        (await _as_n1(nodes, "POST", TOKEN, {}), "node requested token not bound to a pod"),
        (
            await _as_n1(nodes, "POST", TOKEN, {"spec": {"boundObjectRef": pod}}),
            "node requested token with a pod binding without a uid",
        ),
        (await _ask(nodes, "n2"), "node requested token bound to a pod scheduled on a different node"),
        (await _ask(nodes, "n1", audiences=["a", "b"]), "node may only request 0 or 1 audiences"),
        (
            await _ask(nodes, "n1", audiences=["other"]),
            'audience \\"other\\" not found in pod spec volume, system:node:n1 is not authorized to request',
        ),
    ]
    for (status, text), reason in refused:
        assert status == 403 and reason in text
    stale = {"spec": {"boundObjectRef": {**pod, "uid": uid[:-1] + "x"}}}
    assert (await _as_n1(nodes, "POST", TOKEN, stale))[0] == 409
    other = TOKEN.replace("app", "default")
    status, text = await _as_n1(nodes, "POST", other, {"spec": {"boundObjectRef": {**pod, "uid": uid}}})
    assert status == 403 and "no relationship found" in text


async def test_others_are_not_concerned(nodes: APIServer) -> None:
    assert (await nodes.request("POST", TOKEN, {})).status == 201
    labels = {"metadata": {"labels": {"node-restriction.kubernetes.io/pool": "a"}}}
    assert (await nodes.request("PATCH", "/api/v1/nodes/n2", labels, content_type=MERGE)).status == 200
