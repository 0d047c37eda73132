"""The life of one object of every kind that is served."""

from typing import Any

import pytest

from strongroom.api import resources, schema, scheme
from strongroom.machinery.gvk import Resource
from strongroom.testing.api_server import APIServer

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
MERGE = "application/merge-patch+json"
POD = {"containers": [{"name": "c", "image": "i:1"}]}
WORKLOAD = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD},
}
JOB = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
REGARDING = {"kind": "Secret", "namespace": "default", "name": "a"}
NEW_EVENT = {
    "eventTime": "2026-01-02T03:04:05.000000Z",
    "reportingController": "example.com/c",
    "reportingInstance": "c-1",
    "action": "Do",
    "reason": "Done",
    "regarding": REGARDING,
    "type": "Normal",
}
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"}

OBJECTS: dict[Resource, dict[str, Any]] = {
    resources.NAMESPACES: {},
    resources.SECRETS: {"data": {"k": "dg=="}},
    resources.CONFIG_MAPS: {"data": {"k": "v"}},
    resources.SERVICE_ACCOUNTS: {},
    resources.NODES: {},
    resources.PODS: {"spec": POD},
    resources.EVENTS: {"involvedObject": REGARDING},
    resources.NEW_EVENTS: NEW_EVENT,
    resources.SERVICES: {"spec": {"ports": [{"port": 80}]}},
    resources.ENDPOINTS: {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]},
    resources.ENDPOINT_SLICES: {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]},
    resources.RESOURCE_QUOTAS: {"spec": {"hard": {"pods": "1"}}},
    resources.LEASES: {"spec": {"holderIdentity": "me"}},
    resources.SECRET_DELIVERIES: {"deliveries": [{"secret": "s", "container": "c", "way": "Env"}]},
    resources.DEPLOYMENTS: {"spec": WORKLOAD},
    resources.REPLICA_SETS: {"spec": WORKLOAD},
    resources.JOBS: {"spec": JOB},
    resources.CRON_JOBS: {"spec": {"schedule": "@daily", "jobTemplate": {"spec": JOB}}},
    resources.ROLES: {"rules": RULES},
    resources.ROLE_BINDINGS: {"roleRef": ROLE_REF},
    resources.CLUSTER_ROLES: {"rules": RULES},
    resources.CLUSTER_ROLE_BINDINGS: {"roleRef": ROLE_REF},
    resources.PRIORITY_CLASSES: {"value": 5},
}
STORED = [resource for resource, strategy in scheme.STRATEGIES.items() if "get" in strategy.verbs]


def test_none_is_left_out() -> None:
    assert set(OBJECTS) == set(STORED)


@pytest.mark.parametrize("resource", STORED, ids=lambda resource: resource.group_resource)
async def test_a_life(server: APIServer, resource: Resource) -> None:
    if resource == resources.PODS:
        await server.request(
            "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}
        )
    if ROLE_REF in OBJECTS[resource].values():
        role = {"metadata": {"name": "a"}, "rules": RULES}
        await server.request("POST", resources.CLUSTER_ROLES.path(), role)
    root = resource.path("default")
    made = await server.request("POST", root, {"metadata": {"name": "a"}, **OBJECTS[resource]})
    assert made.status == 201, made.text
    assert (made.json["kind"], made.json["apiVersion"]) == (resource.kind, resource.api_version)
    path = resource.path("default", "a")
    assert (await server.get(path)).json == made.json
    listed = (await server.get(root, query=[("fieldSelector", "metadata.name=a")])).json
    assert listed["kind"] == f"{resource.kind}List"
    assert [item["metadata"]["uid"] for item in listed["items"]] == [made.json["metadata"]["uid"]]
    table = (await server.get(path, headers={"accept": TABLE})).json
    assert len(table["rows"][0]["cells"]) == len(table["columnDefinitions"])
    patch = {"metadata": {"labels": {"x": "y"}}}
    patched = await server.request("PATCH", path, patch, content_type=MERGE)
    assert (patched.status, patched.json["metadata"]["labels"]["x"]) == (200, "y"), patched.text
    # What the server answers it also takes: nothing that it fills in breaks its own rules.
    same = await server.request("PUT", path, patched.json)
    assert same.status == 200, same.text
    assert same.json["metadata"]["resourceVersion"] == patched.json["metadata"]["resourceVersion"]
    assert (await server.request("DELETE", path)).status == 200


@pytest.mark.parametrize("resource", STORED, ids=lambda resource: resource.group_resource)
async def test_described(server: APIServer, resource: Resource) -> None:
    assert schema.for_kind(resource.group, resource.version, resource.kind)
    root = f"apis/{resource.group}" if resource.group else "api"
    document = (await server.get(f"/openapi/v3/{root}/{resource.version}")).json
    path = resource.path("{namespace}", "{name}").replace("%7B", "{").replace("%7D", "}")
    body = document["paths"][path]["patch"]
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    assert body["x-kubernetes-group-version-kind"] == kind
    listed = (await server.get(f"/{root}/{resource.version}")).json["resources"]
    assert resource.plural in {entry["name"] for entry in listed}
