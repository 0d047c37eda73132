import asyncio
from typing import Any

import pytest

from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/a"


async def test_replaces_the_object(server: APIServer) -> None:
    created = await server.create_secret("a")
    answer = await server.request("PUT", SECRET, {**created, "data": {"other": "eA=="}})
    assert answer.status == 200
    assert answer.json["data"] == {"other": "eA=="}
    assert int(answer.json["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    assert (await server.get(SECRET)).json == answer.json


async def test_missing_object_is_not_created(server: APIServer) -> None:
    answer = await server.request("PUT", SECRET, {"metadata": {"name": "a"}})
    assert answer.status == 404
    assert answer.json["message"] == 'secrets "a" not found'


async def test_stale_version(server: APIServer) -> None:
    created = await server.create_secret("a")
    await server.request("PUT", SECRET, {**created, "data": {"k": "eA=="}})
    answer = await server.request("PUT", SECRET, {**created, "data": {"k": "eQ=="}})
    assert answer.status == 409
    assert answer.json["message"] == (
        'Operation cannot be fulfilled on secrets "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert (await server.get(SECRET)).json["data"] == {"k": "eA=="}


async def test_without_a_version_it_is_unconditional(server: APIServer) -> None:
    created = await server.create_secret("a")
    answer = await server.request("PUT", SECRET, {"metadata": {"name": "a"}, "data": {"k": "eA=="}})
    assert answer.status == 200
    for field in ("uid", "creationTimestamp"):
        assert answer.json["metadata"][field] == created["metadata"][field]


async def test_other_uid(server: APIServer) -> None:
    created = await server.create_secret("a")
    uid = created["metadata"]["uid"]
    answer = await server.request("PUT", SECRET, {"metadata": {"name": "a", "uid": "other"}})
    assert answer.status == 409
    assert answer.json["message"] == (
        'Operation cannot be fulfilled on secrets "a": StorageError: invalid object, Code: 4, '
        "Key: /registry/secrets/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
        f"UID in precondition: other, UID in object meta: {uid}"
    )


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"name": "b"}, "the name of the object (b) does not match the name on the URL (a)"),
        ({}, "the name of the object (a based on URL) was undeterminable: name must be provided"),
        (
            {"name": "a", "namespace": "x"},
            "the namespace of the object (x) does not match the namespace on the request (default)",
        ),
    ],
)
async def test_object_is_not_the_one_of_the_path(
    server: APIServer, metadata: dict[str, str], message: str
) -> None:
    await server.create_secret("a")
    answer = await server.request("PUT", SECRET, {"metadata": metadata})
    assert answer.status == 400
    assert answer.json["message"] == message


async def test_update_that_changes_nothing_writes_nothing(server: APIServer) -> None:
    created = await server.create_secret("a")
    before = server.cache.revision
    answer = await server.request("PUT", SECRET, created)
    assert answer.status == 200
    assert answer.json == created
    assert server.cache.revision == before


async def test_broken_rules_change_nothing(server: APIServer) -> None:
    created = await server.create_secret("a")
    answer = await server.request("PUT", SECRET, {**created, "type": "kubernetes.io/tls"})
    assert answer.status == 422
    assert "type: Invalid value" in answer.json["message"]
    assert (await server.get(SECRET)).json == created


async def test_dry_run(server: APIServer) -> None:
    created = await server.create_secret("a")
    answer = await server.request("PUT", f"{SECRET}?dryRun=All", {**created, "data": {}})
    assert answer.status == 200
    assert "data" not in answer.json
    assert (await server.get(SECRET)).json == created


async def test_last_finalizer_gone_from_a_marked_object_removes_it(server: APIServer) -> None:
    await server.request("POST", SECRETS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
    marked = (await server.request("DELETE", SECRET)).json
    assert marked["metadata"]["deletionTimestamp"]
    marked["metadata"]["finalizers"] = []
    answer = await server.request("PUT", SECRET, marked)
    assert answer.status == 200
    assert answer.json["metadata"]["name"] == "a"
    assert (await server.get(SECRET)).status == 404


async def test_no_finalizer_is_added_to_a_marked_object(server: APIServer) -> None:
    await server.request("POST", SECRETS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
    marked = (await server.request("DELETE", SECRET)).json
    marked["metadata"]["finalizers"] += ["x.y/more"]
    answer = await server.request("PUT", SECRET, marked)
    assert answer.status == 422
    assert "no new finalizers can be added if the object is being deleted" in answer.json["message"]


async def test_unconditional_writers_at_once_all_succeed(server: APIServer) -> None:
    await server.create_secret("a")
    answers = await asyncio.gather(
        *(
            server.request("PUT", SECRET, {"metadata": {"name": "a"}, "stringData": {"k": str(n)}})
            for n in range(10)
        )
    )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["metadata"]["resourceVersion"] for answer in answers}) == 10


async def test_status_is_written_by_its_own_path(server: APIServer) -> None:
    node = {"metadata": {"name": "n"}, "status": {"phase": "x"}}
    created = (await server.request("POST", "/api/v1/nodes", node)).json
    changed = {**created, "spec": {"unschedulable": True}, "status": {"phase": "y"}}
    main = (await server.request("PUT", "/api/v1/nodes/n", changed)).json
    assert (main["spec"], main["status"]["phase"]) == ({"unschedulable": True}, "x")
    part = {**main, "spec": {}, "status": {"phase": "z"}}
    status = (await server.request("PUT", "/api/v1/nodes/n/status", part)).json
    assert (status["spec"], status["status"]["phase"]) == ({"unschedulable": True}, "z")


KINDS_CREATED_BY_PUT = [
    ("/apis/coordination.k8s.io/v1/namespaces/default/leases", {"spec": {"holderIdentity": "me"}}),
    ("/api/v1/namespaces/default/endpoints", {}),
    ("/api/v1/namespaces/default/services", {"spec": {"ports": [{"port": 80}]}}),
    (
        "/api/v1/namespaces/default/events",
        {"involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}},
    ),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {"rules": []}),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"rules": []}),
]


@pytest.mark.parametrize(("path", "body"), KINDS_CREATED_BY_PUT)
async def test_put_creates_some_kinds(server: APIServer, path: str, body: dict[str, Any]) -> None:
    wanted = {"metadata": {"name": "new", "resourceVersion": "5"}, **body}
    answer = await server.request("PUT", f"{path}/new", wanted)
    assert answer.status == 201, answer.text
    assert answer.json["metadata"]["uid"]
    again = await server.request("PUT", f"{path}/new", answer.json)
    assert (again.status, again.json) == (200, answer.json)


async def test_put_that_creates_takes_the_right_to_create(server: APIServer) -> None:
    rules = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["update"]}]
    root = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    await server.request("POST", f"{root}/roles", {"metadata": {"name": "r"}, "rules": rules})
    subjects = [{"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}]
    reference = {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": "r"}, "roleRef": reference, "subjects": subjects}
    await server.request("POST", f"{root}/rolebindings", binding)
    lease = {"metadata": {"name": "l"}}
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    answer = await server.request("PUT", path, lease, token="nobody")
    assert answer.status == 403
    assert 'cannot create resource "leases"' in answer.json["message"]
    assert (await server.get(path)).status == 404


async def test_put_that_creates_in_a_dry_run(server: APIServer) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    assert (await server.request("PUT", f"{path}?dryRun=All", {"metadata": {"name": "l"}})).status == 201
    assert (await server.get(path)).status == 404


@pytest.mark.parametrize("resource", ["secrets", "endpoints"])
async def test_missing_object_of_a_uid(server: APIServer, resource: str) -> None:
    path = f"/api/v1/namespaces/default/{resource}/a"
    answer = await server.request("PUT", path, {"metadata": {"name": "a", "uid": "u"}})
    assert answer.status == 409
    assert answer.json["message"].endswith(
        "Precondition failed: UID in precondition: u, UID in object meta: "
    )
    assert (await server.get(path)).status == 404


async def test_lease_is_updated_only_from_what_was_read(server: APIServer) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}}
    assert (await server.request("PUT", path, lease)).status == 201
    answer = await server.request("PUT", path, lease)
    assert answer.status == 422
    assert answer.json["message"] == (
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )


async def test_what_an_object_was_warned_of_is_not_said_again_of_its_status(server: APIServer) -> None:
    services = "/api/v1/namespaces/default/services"
    spec = {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]}
    made = await server.request("POST", services, {"metadata": {"name": "s"}, "spec": spec})
    assert "externalIPs is deprecated" in made.headers["warning"]
    again = await server.request("PUT", f"{services}/s", made.json)
    assert "externalIPs is deprecated" in again.headers["warning"]
    patch: dict[str, Any] = {"status": {"loadBalancer": {"ingress": []}}}
    media = "application/merge-patch+json"
    reported = await server.request("PATCH", f"{services}/s/status", patch, content_type=media)
    assert reported.status == 200 and "warning" not in reported.headers
