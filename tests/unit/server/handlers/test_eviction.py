"""POST to `pods/eviction`."""

from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing import manifests
from strongroom.testing.api_server import APIServer

PODS = "/api/v1/namespaces/default/pods"
POD = f"{PODS}/p"
EVICTION = f"{POD}/eviction"
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


@pytest.fixture
async def pod(server: APIServer) -> Object:
    """A Pod that runs on a node, which keeps it until the node lets go of it."""
    account = {"metadata": {"name": "default"}}
    await server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    answer = await server.request("POST", PODS, manifests.pod("p"))
    assert answer.status == 201, answer.text
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    assert (await server.request("POST", f"{POD}/binding", binding)).status == 201
    return (await server.get(POD)).json


def _eviction(**more: Any) -> Object:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}, **more}


async def test_evicted_pod_is_deleted_and_says_why(server: APIServer, pod: Object) -> None:
    answer = await server.request("POST", EVICTION, _eviction(deleteOptions={"gracePeriodSeconds": 7}))
    assert (answer.status, answer.json) == (201, SUCCESS)
    marked = (await server.get(POD)).json
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    (condition,) = [c for c in marked["status"]["conditions"] if c["type"] == "DisruptionTarget"]
    assert condition["status"] == "True"
    assert condition["reason"] == "EvictionByEvictionAPI"
    assert condition["message"] == "Eviction API: evicting"
    since = condition["lastTransitionTime"]
    assert (await server.request("POST", EVICTION, _eviction())).status == 201
    again = (await server.get(POD)).json
    assert [c for c in again["status"]["conditions"] if c["type"] == "DisruptionTarget"] == [
        {**condition, "lastTransitionTime": since, "observedGeneration": again["metadata"]["generation"]}
    ]


@pytest.mark.parametrize("where", ["query", "body"])
async def test_dry_run(server: APIServer, pod: Object, where: str) -> None:
    path = f"{EVICTION}?dryRun=All" if where == "query" else EVICTION
    body = _eviction(deleteOptions={"dryRun": ["All"]}) if where == "body" else _eviction()
    answer = await server.request("POST", path, body)
    assert (answer.status, answer.json) == (201, SUCCESS)
    assert (await server.get(POD)).json == pod


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
async def test_preconditions(server: APIServer, pod: Object, field: str) -> None:
    other = _eviction(deleteOptions={"preconditions": {field: "7"}})
    refused = await server.request("POST", EVICTION, other)
    assert (refused.status, refused.json["reason"]) == (409, "Conflict")
    assert "in the precondition (7) does not match" in refused.json["message"]
    assert (await server.get(POD)).json == pod
    meant = _eviction(deleteOptions={"preconditions": {field: pod["metadata"][field]}})
    assert (await server.request("POST", EVICTION, meant)).status == 201
    assert "deletionTimestamp" in (await server.get(POD)).json["metadata"]


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        (EVICTION, {"metadata": {"name": "q"}}, 400, "name in URL does not match name in Eviction object"),
        (EVICTION, {"metadata": {}}, 400, "name in URL does not match name in Eviction object"),
        (EVICTION, {"metadata": {"name": "p", "namespace": "x"}}, 400,
         "the namespace of the provided object does not match the namespace sent on the request"),
        (EVICTION, {"kind": "Secret", "apiVersion": "v1"}, 400, None),
        (EVICTION, {"metadata": {"name": "p"}, "deleteOptions": {"propagationPolicy": "X"}}, 422, None),
        (f"{PODS}/q/eviction", {"metadata": {"name": "q"}}, 404, 'pods "q" not found'),
    ],
)  # fmt: skip
async def test_refused(
    server: APIServer, pod: Object, path: str, body: Object, code: int, message: str | None
) -> None:
    answer = await server.request("POST", path, body)
    assert answer.status == code, answer.text
    if message:
        assert answer.json["message"] == message
    assert (await server.get(POD)).json == pod


async def test_discovery_names_the_kind_of_the_body(server: APIServer) -> None:
    listed = {each["name"]: each for each in (await server.get("/api/v1")).json["resources"]}
    assert listed["pods/eviction"] == {
        "name": "pods/eviction",
        "singularName": "",
        "namespaced": True,
        "group": "policy",
        "version": "v1",
        "kind": "Eviction",
        "verbs": ["create"],
    }
