"""What lies in the store is what a stock kube-apiserver reads there: its keys, and JSON that says what it is.

What it writes itself, protobuf, is read as well. (Kubernetes: `registry/core/rest/storage_core.go` and the
other groups' storage, `staging/src/k8s.io/apiserver/pkg/storage/etcd3`.)
"""

import base64
from typing import Any

import orjson
import pytest

from strongroom.api import resources, schema, scheme
from strongroom.machinery.gvk import Resource
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing import api_server
from strongroom.testing.protobuf_bodies import Bodies

NS = "/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CONTAINERS = [{"name": "c", "image": "i"}]
LABELS = {"app": "x"}
WORKLOAD = {
    "selector": {"matchLabels": LABELS},
    "template": {"metadata": {"labels": LABELS}, "spec": {"containers": CONTAINERS}},
}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}

KEYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    # key in etcd -> where it is created, `apiVersion kind`, the object beside its name
    "/registry/namespaces/x": ("/api/v1/namespaces", "v1 Namespace", {}),
    "/registry/secrets/default/x": (f"/api/v1{NS}/secrets", "v1 Secret", {"stringData": {"k": "v"}}),
    "/registry/configmaps/default/x": (f"/api/v1{NS}/configmaps", "v1 ConfigMap", {"data": {"k": "v"}}),
    "/registry/serviceaccounts/default/x": (f"/api/v1{NS}/serviceaccounts", "v1 ServiceAccount", {}),
    "/registry/minions/x": ("/api/v1/nodes", "v1 Node", {}),
    "/registry/pods/default/x": (
        f"/api/v1{NS}/pods",
        "v1 Pod",
        {"spec": {"serviceAccountName": "x", "containers": CONTAINERS}},
    ),
    "/registry/events/default/x": (
        f"/api/v1{NS}/events",
        "v1 Event",
        {"involvedObject": {"kind": "Secret", "name": "x", "namespace": "default"}, "reason": "R"},
    ),
    "/registry/events/default/newer": (
        f"/apis/events.k8s.io/v1{NS}/events",
        "v1 Event",
        {
            "metadata": {"name": "newer"},
            "eventTime": "2026-05-01T00:00:00.000000Z",
            "reportingController": "example.com/c",
            "reportingInstance": "i",
            "action": "A",
            "reason": "R",
            "type": "Normal",
            "regarding": {"kind": "Secret", "name": "x", "namespace": "default"},
        },
    ),
    "/registry/services/specs/default/x": (
        f"/api/v1{NS}/services",
        "v1 Service",
        {"spec": {"ports": [{"port": 80}]}},
    ),
    "/registry/services/endpoints/default/x": (f"/api/v1{NS}/endpoints", "v1 Endpoints", {}),
    "/registry/endpointslices/default/x": (
        f"/apis/discovery.k8s.io/v1{NS}/endpointslices",
        "discovery.k8s.io/v1 EndpointSlice",
        {"addressType": "IPv4", "endpoints": []},
    ),
    "/registry/resourcequotas/default/x": (
        f"/api/v1{NS}/resourcequotas",
        "v1 ResourceQuota",
        {"spec": {"hard": {"secrets": "90"}}},
    ),
    "/registry/leases/default/x": (
        f"/apis/coordination.k8s.io/v1{NS}/leases",
        "coordination.k8s.io/v1 Lease",
        {"spec": {"holderIdentity": "me"}},
    ),
    "/registry/deployments/default/x": (
        f"/apis/apps/v1{NS}/deployments",
        "apps/v1 Deployment",
        {"spec": WORKLOAD},
    ),
    "/registry/replicasets/default/x": (
        f"/apis/apps/v1{NS}/replicasets",
        "apps/v1 ReplicaSet",
        {"spec": WORKLOAD},
    ),
    "/registry/roles/default/x": (f"{RBAC}{NS}/roles", "rbac.authorization.k8s.io/v1 Role", {"rules": []}),
    "/registry/rolebindings/default/x": (
        f"{RBAC}{NS}/rolebindings",
        "rbac.authorization.k8s.io/v1 RoleBinding",
        {"roleRef": ROLE, "subjects": []},
    ),
    "/registry/clusterroles/x": (
        f"{RBAC}/clusterroles",
        "rbac.authorization.k8s.io/v1 ClusterRole",
        {"rules": []},
    ),
    "/registry/clusterrolebindings/x": (
        f"{RBAC}/clusterrolebindings",
        "rbac.authorization.k8s.io/v1 ClusterRoleBinding",
        {"roleRef": ROLE, "subjects": []},
    ),
    "/registry/priorityclasses/x": (
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        "scheduling.k8s.io/v1 PriorityClass",
        {"value": 5},
    ),
}

OWN = "strongroom.dev"
"""Groups that end so are not Kubernetes'."""


async def test_keys_and_values_are_those_that_a_kube_apiserver_reads() -> None:
    engine = MemoryEngine()
    async with api_server.running(engine) as server:
        for path, _, obj in KEYS.values():
            answer = await server.request("POST", path, {"metadata": {"name": "x"}, **obj})
            assert answer.status == 201, (path, answer.text)
        for key, (path, kind, obj) in KEYS.items():
            found = await engine.get(key)
            assert found is not None, key
            stored = orjson.loads(found.value)
            assert [f"{stored['apiVersion']} {stored['kind']}", *list(stored)[:3]] == [
                kind,
                "kind",
                "apiVersion",
                "metadata",
            ]
            assert not {"resourceVersion", "selfLink"} & stored["metadata"].keys(), key
            assert stored["metadata"]["uid"] and stored["metadata"]["creationTimestamp"], key
            # As what is answered, which has a resourceVersion besides.
            name = obj.get("metadata", {"name": "x"})["name"]
            core = path.replace("/apis/events.k8s.io/v1", "/api/v1")
            answered = (await server.get(f"{core}/{name}")).json
            assert answered["metadata"].pop("resourceVersion") == str(found.mod_revision)
            assert answered == stored, key


UNUSUAL = {
    "nodes": "minions",
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "replicationcontrollers": "controllers",
    "ingresses": "ingress",
}
"""Kinds of Kubernetes whose keys don't have their resource's name."""


def test_each_kind_that_kubernetes_has_too_is_kept_where_kubernetes_keeps_it() -> None:
    of_kubernetes = [r for r in scheme.STRATEGIES if not r.group.endswith(OWN)]
    assert len(of_kubernetes) >= len(KEYS)
    for resource in of_kubernetes:
        assert resource.storage_prefix == f"/registry/{UNUSUAL.get(resource.plural, resource.plural)}/"


async def test_a_secret_that_is_deleted_gracefully_or_not_leaves_no_key() -> None:
    engine = MemoryEngine()
    async with api_server.running(engine) as server:
        await server.create_secret("x")
        assert (await server.request("DELETE", f"/api/v1{NS}/secrets/x")).status == 200
        assert await engine.get("/registry/secrets/default/x") is None


MAGIC = b"k8s\0"
BODIES = Bodies(schema.table())


def of(resource: Resource, obj: dict[str, Any]) -> bytes:
    """As a kube-apiserver stores it by default."""
    return BODIES.body(f"core.v1.{resource.kind}", resource.api_version, resource.kind, obj, as_go=True)


async def test_what_a_kube_apiserver_stored_in_protobuf_is_read_and_becomes_json_with_the_next_write() -> (
    None
):
    engine = MemoryEngine()
    await engine.start()
    secret, node = resources.SECRETS, resources.NODES
    value = base64.b64encode(b"s3cr3t").decode()
    meta = {"name": "x", "namespace": "default", "uid": "u-1", "creationTimestamp": "2026-05-01T00:00:00Z"}
    body = of(secret, {"metadata": meta, "data": {"k": value}, "type": "Opaque"})
    assert body.startswith(MAGIC)
    await engine.create("/registry/secrets/default/x", body)
    await engine.create("/registry/minions/n", of(node, {"metadata": {"name": "n", "labels": {"a": "b"}}}))
    await engine.create("/registry/secrets/default/broken", MAGIC + b"\xff\xffs3cr3t")
    await engine.create("/registry/secrets/default/of-another-kind", of(node, {"metadata": {"name": "n"}}))
    async with api_server.running(engine) as server:
        path = f"/api/v1{NS}/secrets/x"
        found = (await server.get(path)).json
        assert (found["data"], found["type"], found["metadata"]["uid"]) == ({"k": value}, "Opaque", "u-1")
        assert (await server.get("/api/v1/nodes/n")).json["metadata"]["labels"] == {"a": "b"}
        for name in ("broken", "of-another-kind"):
            refused = await server.get(f"/api/v1{NS}/secrets/{name}")
            assert refused.status == 500 and "is protobuf, and not of a Secret" in refused.text
            assert "s3cr3t" not in refused.text
        # A write that changes nothing makes it JSON, as one makes a value that an older key encrypted.
        assert (await server.request("PUT", path, found)).status == 200
        stored = await engine.get("/registry/secrets/default/x")
        assert stored is not None and orjson.loads(stored.value)["data"] == {"k": value}


@pytest.mark.parametrize("value", [b"\0\1\2", b"apiVersion: v1\nkind: Secret\n", b""])
async def test_what_is_neither_json_nor_protobuf_is_told_and_harms_no_other(value: bytes) -> None:
    engine = MemoryEngine()
    await engine.start()
    await engine.create("/registry/secrets/default/strange", value)
    async with api_server.running(engine) as server:
        await server.create_secret("fine")
        refused = await server.get(f"/api/v1{NS}/secrets/strange")
        assert refused.status == 500 and "neither JSON nor Kubernetes' protobuf" in refused.text
        assert (await server.get(f"/api/v1{NS}/secrets/fine")).status == 200
