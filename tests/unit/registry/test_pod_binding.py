from typing import Any

import pytest

from strongroom.testing.api_server import Answer, APIServer

PODS = "/api/v1/namespaces/default/pods"


async def _pod(server: APIServer, **spec: Any) -> dict[str, Any]:
    await server.request(
        "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}
    )
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    answer = await server.request("POST", PODS, pod)
    assert answer.status == 201, answer.text
    return answer.json


async def _bind(
    server: APIServer, target: Any = None, path: str = "pods/p/binding", **metadata: Any
) -> Answer:
    body = {"metadata": {"name": "p", **metadata}, "target": target or {"kind": "Node", "name": "n1"}}
    return await server.request("POST", f"/api/v1/namespaces/default/{path}", body, token="scheduler")


@pytest.mark.parametrize("path", ["pods/p/binding", "bindings"])
async def test_pod_gets_its_node(server: APIServer, path: str) -> None:
    created = await _pod(server)
    answer = await _bind(server, path=path, annotations={"a": "b"})
    assert answer.status == 201
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    }
    pod = (await server.get(f"{PODS}/p")).json
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["metadata"]["annotations"] == {"a": "b"}
    assert pod["metadata"]["generation"] == created["metadata"]["generation"]
    (condition,) = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
    assert condition["status"] == "True"
    assert "observedGeneration" not in condition


async def test_pod_is_bound_once(server: APIServer) -> None:
    await _pod(server)
    await _bind(server)
    answer = await _bind(server, {"name": "n2"})
    assert answer.status == 409
    assert answer.json["message"] == (
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"'
    )
    assert answer.json["details"] == {"name": "p", "kind": "pods/binding"}


async def test_pod_that_is_being_deleted(server: APIServer) -> None:
    await _pod(server, nodeName="n0")
    await server.request("DELETE", f"{PODS}/p")
    assert "pod p is being deleted, cannot be assigned to a host" in (await _bind(server)).json["message"]


async def test_gates_keep_a_pod(server: APIServer) -> None:
    await _pod(server, schedulingGates=[{"name": "x.y/z"}])
    answer = await _bind(server)
    assert answer.status == 409
    assert "pod p has non-empty .spec.schedulingGates" in answer.json["message"]


async def test_other_pod_of_the_same_name(server: APIServer) -> None:
    await _pod(server)
    answer = await _bind(server, uid="other")
    assert answer.status == 409
    assert "Precondition failed: UID in precondition: other" in answer.json["message"]


async def test_name_differs_from_the_path(server: APIServer) -> None:
    await _pod(server)
    answer = await _bind(server, name="q")
    assert answer.status == 400
    assert answer.json["message"].startswith("name in URL does not match name in Binding object")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (
            {"kind": "Pod", "name": "n"},
            'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
        ),
        ({"kind": "Node"}, "target.name: Required value"),
    ],
)
async def test_target(server: APIServer, target: dict[str, str], text: str) -> None:
    await _pod(server)
    answer = await _bind(server, target)
    assert answer.status == 422
    assert text in answer.json["message"]


async def test_missing_pod(server: APIServer) -> None:
    assert (await _bind(server)).status == 404


async def test_dry_run(server: APIServer) -> None:
    await _pod(server)
    body = {"metadata": {"name": "p"}, "target": {"name": "n1"}}
    answer = await server.request("POST", f"{PODS}/p/binding?dryRun=All", body)
    assert answer.status == 201
    assert "nodeName" not in (await server.get(f"{PODS}/p")).json["spec"]
