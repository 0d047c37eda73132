"""Server-side apply over the wire."""

import asyncio
from typing import Any

import orjson
import pytest

from strongroom.machinery.gvk import Object
from strongroom.testing.api_server import Answer, APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/a"
MEDIA = "application/apply-patch+yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(data: dict[str, str] | None = None, **fields: Any) -> Object:
    body: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **fields}
    return body if data is None else {**body, "data": data}


async def apply(
    server: APIServer,
    body: object,
    manager: str = "m",
    query: str = "",
    path: str = SECRET,
    token: str = "admin",  # noqa: S107
) -> Answer:
    return await server.request(
        "PATCH", f"{path}?fieldManager={manager}{query}", body, content_type=MEDIA, token=token
    )


async def applied(server: APIServer, body: object, manager: str = "m", query: str = "") -> Object:
    answer = await apply(server, body, manager, query)
    assert answer.status in (200, 201), answer.text
    return answer.json


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"]["managedFields"]}


async def test_creates_then_changes(server: APIServer) -> None:
    first = await apply(server, secret({"k": "dg=="}))
    assert first.status == 201
    (entry,) = first.json["metadata"]["managedFields"]
    assert entry == {
        "manager": "m",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": entry["time"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:k": {}}},
    }
    assert first.json["type"] == "Opaque"
    second = await apply(server, secret({"l": "dg=="}))
    assert second.status == 200
    assert second.json["data"] == {"l": "dg=="}
    assert (await server.get(SECRET)).json == second.json


async def test_yaml(server: APIServer) -> None:
    body = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  k: dg==\n"
    assert (await applied(server, body))["data"] == {"k": "dg=="}


async def test_again_changes_nothing(server: APIServer) -> None:
    first = await applied(server, secret({"k": "dg=="}))
    assert await applied(server, secret({"k": "dg=="})) == first


async def test_conflict(server: APIServer) -> None:
    await applied(server, secret({"k": "dg==", "l": "dg=="}), "one")
    answer = await apply(server, secret({"k": "eA=="}), "two")
    assert answer.status == 409
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'Apply failed with 1 conflict: conflict with "one": .data.k',
        "reason": "Conflict",
        "details": {
            "causes": [
                {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.k"}
            ]
        },
        "code": 409,
    }
    forced = await applied(server, secret({"k": "eA=="}), "two", "&force=true")
    assert forced["data"] == {"k": "eA==", "l": "dg=="}
    assert owners(forced) == {"one": {"f:data": {"f:l": {}}}, "two": {"f:data": {"f:k": {}}}}


async def test_conflict_with_an_update(server: APIServer) -> None:
    await server.request("POST", f"{SECRETS}?fieldManager=kubectl-create", secret({"k": "dg=="}))
    answer = await apply(server, secret({"k": "eA=="}))
    assert answer.json["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.k'
    )


async def test_shared_values_do_not_conflict(server: APIServer) -> None:
    await applied(server, secret({"k": "dg=="}), "one")
    both = await applied(server, secret({"k": "dg=="}), "two")
    assert owners(both) == {"one": {"f:data": {"f:k": {}}}, "two": {"f:data": {"f:k": {}}}}
    left = await applied(server, secret(), "one")
    assert (left["data"], owners(left)) == ({"k": "dg=="}, {"two": {"f:data": {"f:k": {}}}})


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            secret(foo=1),
            500,
            "failed to create typed patch object (/a; /v1, Kind=Secret): .foo: field not declared in schema",
        ),
        (
            secret({"k": 7}),  # type: ignore[dict-item]
            500,
            "failed to create typed patch object (/a; /v1, Kind=Secret): .data.k: expected string, "
            "got &value.valueUnstructured{Value:(int64)}",
        ),
        (
            {**secret(), "metadata": {"name": "a", "managedFields": []}},
            400,
            "metadata.managedFields must be nil",
        ),
        (
            {**secret(), "apiVersion": "v2"},
            400,
            "invalid object type: /v2, Kind=Secret",
        ),
        (
            {**secret(), "kind": "Sekret"},
            400,
            "invalid object type: /v1, Kind=Sekret",
        ),
        (
            secret() | {"metadata": {"name": "b"}},
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            b"a: [",
            400,
            "error decoding YAML: error converting YAML to JSON: yaml: line 1: "
            "did not find expected node content",
        ),
        (
            b"- a",
            400,
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            "array into Go value of type map[string]interface {}",
        ),
        (
            {**secret(), "metadata": {"name": "a", "uid": "u"}},
            409,
            'Operation cannot be fulfilled on secrets "a": uid mismatch: the provided object specified uid '
            "u, and no existing object was found",
        ),
    ],
)
async def test_refused(server: APIServer, body: object, code: int, message: str) -> None:
    answer = await apply(server, body)
    assert (answer.status, answer.json["message"]) == (code, message)
    assert answer.json.get("reason", "") == {400: "BadRequest", 409: "Conflict", 500: ""}[code]
    assert (await server.get(SECRET)).status == 404


async def test_what_the_system_sets_has_no_owner(server: APIServer) -> None:
    made = await applied(server, secret({"k": "dg=="}))
    known = {name: made["metadata"][name] for name in ("resourceVersion", "uid", "creationTimestamp")}
    again = await applied(
        server, secret({"k": "dw=="}, metadata={"name": "a", "namespace": "default", **known})
    )
    (entry,) = again["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:data": {"f:k": {}}}


@pytest.mark.parametrize("depth", [500, 990, 5000])
async def test_depth_without_end(server: APIServer, depth: int) -> None:
    for opening, closing in ((b'{"a":', b"}"), (b"[", b"]")):
        deep = opening * depth + b"1" + closing * depth
        body = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","labels":%b}}' % deep
        # Deeper than 1,000 it is not even decoded.
        assert (await apply(server, body)).status == (500 if depth < 990 else 400)
    assert (await server.get(SECRET)).status == 404


async def test_field_manager_is_required(server: APIServer) -> None:
    answer = await server.request("PATCH", SECRET, secret(), content_type=MEDIA)
    assert answer.status == 422
    assert answer.json["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )


@pytest.mark.parametrize("body", [b'{"kind":"Secret",%b}', b"kind: Secret\n%b"])
async def test_repeated_keys(server: APIServer, body: bytes) -> None:
    json = body.startswith(b"{")
    rest = orjson.dumps({"apiVersion": "v1", "metadata": {"name": "a"}})[1:-1]
    full = body % (rest + b',"type":"a","type":"Opaque"' if json else YAML_REST)
    strict = await apply(server, full, query="&fieldValidation=Strict")
    assert strict.status == 400
    line = 1 if json else 6
    problem = f'  line {line}: key "type" already set in map'
    shown = f"error converting YAML to JSON: yaml: unmarshal errors:\n{problem}"
    assert strict.json["message"] == f"error strict decoding YAML: {shown}"
    warned = await apply(server, full)
    assert warned.status == 201
    assert "already set in map" in warned.headers["warning"]
    assert "warning" not in (await apply(server, full, query="&fieldValidation=Ignore")).headers


YAML_REST = b"apiVersion: v1\nmetadata:\n  name: a\ntype: a\ntype: Opaque\n"


async def test_dry_run(server: APIServer) -> None:
    answer = await apply(server, secret({"k": "dg=="}), query="&dryRun=All")
    assert (answer.status, answer.json["data"]) == (201, {"k": "dg=="})
    assert (await server.get(SECRET)).status == 404
    first = await applied(server, secret({"k": "dg=="}))
    assert (await applied(server, secret({"k": "eA=="}), query="&dryRun=All"))["data"] == {"k": "eA=="}
    assert (await server.get(SECRET)).json == first


async def test_validation_holds(server: APIServer) -> None:
    answer = await apply(server, secret({"not a key": "dg=="}))
    assert answer.status == 422
    assert 'data[not a key]: Invalid value: "not a key"' in answer.json["message"]


async def test_creating_needs_the_right_to_create(server: APIServer) -> None:
    role = {
        "metadata": {"name": "patcher"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["patch"]}],
    }
    binding = {
        "metadata": {"name": "patcher"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}],
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    assert (await server.request("POST", f"{rbac}/roles", role)).status == 201
    assert (await server.request("POST", f"{rbac}/rolebindings", binding)).status == 201
    answer = await apply(server, secret(), token="nobody")
    assert answer.status == 403
    assert answer.json["message"] == (
        'secrets "a" is forbidden: User "nobody" cannot create resource "secrets" in API group "" '
        'in the namespace "default"'
    )
    await applied(server, secret())
    assert (await apply(server, secret(), token="nobody")).status == 200


async def test_a_version_in_the_document_is_a_condition(server: APIServer) -> None:
    first = await applied(server, secret({"k": "dg=="}))
    version = first["metadata"]["resourceVersion"]
    body = {**secret({"k": "eA=="}), "metadata": {"name": "a", "resourceVersion": version}}
    await applied(server, body)
    answer = await apply(server, {**body, "data": {"k": "eQ=="}})
    assert answer.status == 409
    assert "the object has been modified" in answer.json["message"]


async def test_many_at_once(server: APIServer) -> None:
    answers = await asyncio.gather(
        *(apply(server, secret({f"k{index}": "dg=="}), f"m{index}") for index in range(20))
    )
    assert sorted({answer.status for answer in answers}) == [200, 201]
    stored = (await server.get(SECRET)).json
    assert sorted(stored["data"]) == sorted(f"k{index}" for index in range(20))
    assert len(stored["metadata"]["managedFields"]) == 20


async def client_side_apply(server: APIServer, data: dict[str, str]) -> None:
    document = {**secret(data), "metadata": {"name": "a", "annotations": {}}}
    annotations = {LAST_APPLIED: orjson.dumps(document).decode() + "\n"}
    body = {**document, "metadata": {"name": "a", "annotations": annotations}}
    answer = await server.request("POST", f"{SECRETS}?fieldManager=kubectl-client-side-apply", body)
    assert answer.status == 201, answer.text


async def test_kubectl_moves_on_from_client_side_apply(server: APIServer) -> None:
    await client_side_apply(server, {"k": "dg==", "l": "dg=="})
    answer = await apply(server, secret({"k": "eA=="}), "other")
    assert answer.status == 409
    done = await applied(server, secret({"k": "eA==", "l": "dg=="}), "kubectl")
    assert done["data"] == {"k": "eA==", "l": "dg=="}
    # And the annotation follows, so that one can go back.
    kept = orjson.loads(done["metadata"]["annotations"][LAST_APPLIED])
    assert kept == secret({"k": "eA==", "l": "dg=="})


async def test_what_another_changed_since_does_conflict(server: APIServer) -> None:
    await client_side_apply(server, {"k": "dg==", "l": "dg=="})
    edit = {"data": {"k": "eQ=="}}
    media = "application/merge-patch+json"
    await server.request("PATCH", f"{SECRET}?fieldManager=editor", edit, content_type=media)
    answer = await apply(server, secret({"k": "eA==", "l": "eA=="}), "kubectl")
    assert answer.json["message"] == (
        'Apply failed with 1 conflict: conflict with "editor" using v1: .data.k'
    )


async def test_defaults_are_nobodys_and_applying_again_changes_nothing(server: APIServer) -> None:
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}
    spec = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}},
    }
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    path = "/apis/apps/v1/namespaces/default/deployments/d"
    first = await apply(server, body, path=path)
    assert first.status == 201, first.text
    (entry,) = first.json["metadata"]["managedFields"]
    key = 'k:{"containerPort":80,"protocol":"TCP"}'
    ports: Object = {key: {".": {}, "f:containerPort": {}}}
    assert entry["fieldsV1"]["f:spec"]["f:template"] == {
        "f:metadata": {"f:labels": {"f:app": {}}},
        "f:spec": {
            "f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}, "f:name": {}, "f:ports": ports}}
        },
    }
    assert first.json["spec"]["template"]["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "protocol": "TCP"}
    ]
    assert (await apply(server, body, path=path)).json == first.json
    # A second applier joins the list by its keys.
    other = {"name": "side", "image": "i"}
    template = {"spec": {"containers": [other]}}
    joined = await apply(server, {**body, "spec": {"template": template}}, "two", path=path)
    assert joined.status == 200, joined.text
    names = [each["name"] for each in joined.json["spec"]["template"]["spec"]["containers"]]
    assert names == ["c", "side"]
    left = await apply(server, {**body, "spec": {"replicas": 2}}, "two", path=path)
    containers = left.json["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["c"]


async def test_status_is_applied_by_itself(server: APIServer) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    both = {**node, "spec": {"podCIDR": "10.0.0.0/24"}, "status": {"phase": "Running"}}
    first = await apply(server, both, path="/api/v1/nodes/n1")
    assert first.status == 201, first.text
    assert owners(first.json) == {"m": {"f:spec": {"f:podCIDR": {}}}}
    second = await apply(server, both, "s", path="/api/v1/nodes/n1/status")
    assert second.json["status"]["phase"] == "Running"
    assert owners(second.json)["s"] == {"f:status": {"f:phase": {}}}
    missing = await apply(server, both, "s", path="/api/v1/nodes/n2/status")
    assert missing.status == 404
