"""`/scale` of Deployments and ReplicaSets, over HTTP."""

from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing.api_server import APIServer

ROOT = "/apis/apps/v1/namespaces/default/deployments"
SCALE = f"{ROOT}/web/scale"
MERGE = "application/merge-patch+json"


@pytest.fixture
async def deployment(server: APIServer) -> Object:
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    answer = await server.request("POST", ROOT, {"metadata": {"name": "web"}, "spec": spec})
    assert answer.status == 201, answer.text
    return answer.json


async def test_get(server: APIServer, deployment: Object) -> None:
    answer = await server.get(SCALE)
    assert answer.status == 200
    metadata = deployment["metadata"]
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    assert answer.json == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in fields},
        "spec": {"replicas": 2},
        "status": {"replicas": 0, "selector": "app=web"},
    }


async def test_put_changes_the_workload(server: APIServer, deployment: Object) -> None:
    wanted = {**(await server.get(SCALE)).json, "spec": {"replicas": 5}}
    answer = await server.request("PUT", SCALE, wanted)
    assert (answer.status, answer.json["kind"], answer.json["spec"]) == (200, "Scale", {"replicas": 5})
    stored = (await server.get(f"{ROOT}/web")).json
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (5, 2)
    assert stored["metadata"]["resourceVersion"] == answer.json["metadata"]["resourceVersion"]
    assert stored["spec"]["template"] == deployment["spec"]["template"]
    old = await server.request("PUT", SCALE, wanted)
    assert (old.status, old.json["reason"]) == (409, "Conflict")
    assert old.json["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


async def test_another_object_of_the_name(server: APIServer, deployment: Object) -> None:
    wanted = {"metadata": {"name": "web", "uid": "other"}, "spec": {"replicas": 5}}
    assert (await server.request("PUT", SCALE, wanted)).status == 409


async def test_patch(server: APIServer, deployment: Object) -> None:
    patch = {"spec": {"replicas": 0}}
    answer = await server.request("PATCH", SCALE, patch, content_type=MERGE)
    assert (answer.status, answer.json["spec"]) == (200, {})
    assert (await server.get(f"{ROOT}/web")).json["spec"]["replicas"] == 0


async def test_dry_run(server: APIServer, deployment: Object) -> None:
    patch = {"spec": {"replicas": 9}}
    answer = await server.request("PATCH", f"{SCALE}?dryRun=All", patch, content_type=MERGE)
    assert answer.json["spec"] == {"replicas": 9}
    assert (await server.get(SCALE)).json["spec"] == {"replicas": 2}


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"spec": {"replicas": -1}}, 422,
         'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or '
         'equal to 0'),
        ({"spec": {"replicas": "x"}}, 422, None),
        ({"kind": "Deployment"}, 422, None),
    ],
)  # fmt: skip
async def test_what_is_refused(
    server: APIServer, deployment: Object, patch: Any, code: int, message: str | None
) -> None:
    answer = await server.request("PATCH", SCALE, patch, content_type=MERGE)
    assert answer.status == code
    if message:
        assert answer.json["message"] == message
    assert (await server.get(SCALE)).json["spec"] == {"replicas": 2}


async def test_of_nothing(server: APIServer) -> None:
    answer = await server.get(SCALE)
    assert (answer.status, answer.json["message"]) == (404, 'deployments.apps "web" not found')


async def test_table(server: APIServer, deployment: Object) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    table = (await server.get(SCALE, headers={"accept": accept})).json
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name", "Desired", "Available", "Age"
    ]  # fmt: skip
    assert table["rows"][0]["cells"][:3] == ["web", 2, 0]


async def test_discovered(server: APIServer) -> None:
    found = {r["name"]: r for r in (await server.get("/apis/apps/v1")).json["resources"]}
    assert found["replicasets/scale"] == {
        "name": "replicasets/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }
    assert found["deployments/status"]["kind"] == "Deployment"


async def test_status_changes_no_generation(server: APIServer, deployment: Object) -> None:
    patch = {"metadata": {"annotations": {"a": "b"}}, "status": {"replicas": 1}}
    answer = await server.request("PATCH", f"{ROOT}/web/status", patch, content_type=MERGE)
    assert (answer.json["status"], answer.json["metadata"]["generation"]) == ({"replicas": 1}, 1)
    again = {"metadata": {"annotations": {"a": "c"}}}
    answer = await server.request("PATCH", f"{ROOT}/web", again, content_type=MERGE)
    assert answer.json["metadata"]["generation"] == 2


APPLY = "application/apply-patch+yaml"


def _scale(replicas: int) -> Object:
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas},
    }


async def _managers(server: APIServer) -> dict[tuple[str, str, str], Object]:
    stored = (await server.get(f"{ROOT}/web")).json
    return {
        (e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"].get("f:spec", {})
        for e in stored["metadata"]["managedFields"]
    }


async def test_apply_takes_the_number_from_others_only_by_force(
    server: APIServer, deployment: Object
) -> None:
    creator = deployment["metadata"]["managedFields"][0]["manager"]
    path = f"{SCALE}?fieldManager=tuner"
    refused = await server.request("PATCH", path, _scale(4), content_type=APPLY)
    assert refused.status == 409, refused.text
    assert refused.json["message"] == (
        f'Apply failed with 1 conflict: conflict with "{creator}" using autoscaling/v1: .spec.replicas'
    )
    forced = await server.request("PATCH", f"{path}&force=true", _scale(4), content_type=APPLY)
    assert (forced.status, forced.json["kind"], forced.json["spec"]) == (200, "Scale", {"replicas": 4})
    assert "managedFields" not in forced.json["metadata"]
    assert (await server.get(f"{ROOT}/web")).json["spec"]["replicas"] == 4
    managers = await _managers(server)
    assert managers["tuner", "Apply", "scale"] == {"f:replicas": {}}
    assert "f:replicas" not in managers[creator, "Update", ""]
    assert "f:template" in managers[creator, "Update", ""]


async def test_apply_of_the_number_that_is_there_is_shared(server: APIServer, deployment: Object) -> None:
    creator = deployment["metadata"]["managedFields"][0]["manager"]
    answer = await server.request("PATCH", f"{SCALE}?fieldManager=tuner", _scale(2), content_type=APPLY)
    assert answer.status == 200, answer.text
    managers = await _managers(server)
    assert managers["tuner", "Apply", "scale"] == {"f:replicas": {}}
    assert "f:replicas" in managers[creator, "Update", ""]
    again = await server.request("PATCH", f"{SCALE}?fieldManager=tuner", _scale(2), content_type=APPLY)
    assert again.json["metadata"]["resourceVersion"] == answer.json["metadata"]["resourceVersion"]
    # Who writes the workload itself now meets the owner of its number.
    whole = {**deployment, "metadata": {"name": "web"}, "spec": {**deployment["spec"], "replicas": 7}}
    whole.pop("status", None)
    taken = await server.request("PATCH", f"{ROOT}/web?fieldManager=other", whole, content_type=APPLY)
    assert taken.status == 409
    assert 'conflicts with "tuner" with subresource "scale"' in taken.json["message"]


async def test_nothing_is_created_by_applying_a_scale(server: APIServer) -> None:
    answer = await server.request("PATCH", f"{SCALE}?fieldManager=tuner", _scale(2), content_type=APPLY)
    assert answer.status == 404
    assert answer.json["message"] == 'deployments.apps "web" not found'
