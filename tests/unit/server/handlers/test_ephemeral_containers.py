"""`pods/ephemeralcontainers`: containers that are added to a Pod that is there."""

from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing import manifests
from strongroom.testing.api_server import APIServer

PODS = "/api/v1/namespaces/default/pods"
POD = f"{PODS}/p"
PATH = f"{POD}/ephemeralcontainers"
STRATEGIC = "application/strategic-merge-patch+json"
BOX = {"name": "box", "image": "busybox:1", "targetContainerName": "main"}


@pytest.fixture
async def pod(server: APIServer) -> Object:
    account = {"metadata": {"name": "default"}}
    await server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    made = manifests.pod("p")
    made["spec"]["containers"][0]["name"] = "main"
    answer = await server.request("POST", PODS, made)
    assert answer.status == 201, answer.text
    return answer.json


async def _patch(server: APIServer, spec: Any, path: str = PATH) -> Any:
    return await server.request("PATCH", path, {"spec": spec}, content_type=STRATEGIC)


async def test_containers_are_added_and_nothing_else_changes(server: APIServer, pod: Object) -> None:
    assert (await server.get(PATH)).json == pod
    wanted = {**pod, "spec": {**pod["spec"], "nodeName": "elsewhere", "ephemeralContainers": [BOX]}}
    wanted["metadata"] = {**pod["metadata"], "labels": {"a": "b"}}
    answer = await server.request("PUT", PATH, wanted)
    assert answer.status == 200, answer.text
    spec = dict(answer.json["spec"])
    (added,) = spec.pop("ephemeralContainers")
    assert {key: added[key] for key in BOX} == BOX
    assert added["imagePullPolicy"] == "IfNotPresent"
    assert added["terminationMessagePath"] == "/dev/termination-log"
    assert spec == pod["spec"]
    assert answer.json["metadata"].get("labels") == pod["metadata"].get("labels")
    assert answer.json["metadata"]["generation"] == pod["metadata"]["generation"] + 1
    assert answer.json == (await server.get(POD)).json


async def test_patch_adds_one_more(server: APIServer, pod: Object) -> None:
    assert (await _patch(server, {"ephemeralContainers": [BOX]})).status == 200
    answer = await _patch(server, {"ephemeralContainers": [{"name": "second", "image": "i:1"}]})
    assert answer.status == 200, answer.text
    assert {c["name"] for c in answer.json["spec"]["ephemeralContainers"]} == {"box", "second"}
    entries = answer.json["metadata"]["managedFields"]
    assert any(entry.get("subresource") == "ephemeralcontainers" for entry in entries)


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ([], 'existing ephemeral containers "box" may not be removed\n'),
        ([{**BOX, "image": "other:1"}], 'existing ephemeral containers "box" may not be changed\n'),
        ([BOX, {"name": "x", "image": "i", "targetContainerName": "no"}],
         'spec.ephemeralContainers[1].targetContainerName: Not found: "no"'),
        ([BOX, {"name": "main", "image": "i"}],
         'spec.ephemeralContainers[1].name: Duplicate value: "main"'),
    ],
)  # fmt: skip
async def test_refused(server: APIServer, pod: Object, containers: list[Any], message: str) -> None:
    added = (await _patch(server, {"ephemeralContainers": [BOX]})).json
    wanted = {**added, "spec": {**added["spec"], "ephemeralContainers": containers}}
    answer = await server.request("PUT", PATH, wanted)
    assert answer.status == 422, answer.text
    assert message in answer.json["message"]
    assert (await server.get(POD)).json == added


async def test_not_through_the_pod_itself(server: APIServer, pod: Object) -> None:
    answer = await _patch(server, {"ephemeralContainers": [BOX]}, POD)
    assert answer.status == 422
    assert "pod updates may not change fields other than" in answer.json["message"]
    made = manifests.pod("q")
    made["spec"]["ephemeralContainers"] = [BOX]
    made["spec"]["containers"][0]["name"] = "main"
    created = await server.request("POST", PODS, made)
    assert created.status == 422
    assert "spec.ephemeralContainers: Forbidden: cannot be set on create" in created.json["message"]


async def test_not_for_mirror_pods(server: APIServer) -> None:
    made = manifests.pod("m")
    made["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    made["spec"]["nodeName"] = "n1"
    created = await server.request("POST", PODS, made)
    assert created.status == 201, created.text
    answer = await _patch(
        server, {"ephemeralContainers": [{"name": "box", "image": "i"}]}, f"{PODS}/m/ephemeralcontainers"
    )
    assert answer.status == 422
    assert "static pods do not support ephemeral containers" in answer.json["message"]
