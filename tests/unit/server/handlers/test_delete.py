import pytest

from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/a"


async def test_answer_is_a_status_with_the_uid(server: APIServer) -> None:
    created = await server.create_secret("a")
    answer = await server.request("DELETE", SECRET)
    assert answer.status == 200
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "secrets", "uid": created["metadata"]["uid"]},
    }
    assert (await server.get(SECRET)).status == 404


async def test_kinds_that_answer_the_object(server: APIServer) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts"
    await server.request("POST", path, {"metadata": {"name": "s"}})
    answer = await server.request("DELETE", f"{path}/s")
    assert answer.json["kind"] == "ServiceAccount"


async def test_missing(server: APIServer) -> None:
    answer = await server.request("DELETE", SECRET)
    assert answer.status == 404


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("uid", "the UID in the precondition (x) does not match the UID in record ({0}). "
         "The object might have been deleted and then recreated"),
        ("resourceVersion", "the ResourceVersion in the precondition (x) does not match the ResourceVersion "
         "in record ({0}). The object might have been modified"),
    ],
)  # fmt: skip
async def test_preconditions(server: APIServer, field: str, text: str) -> None:
    created = await server.create_secret("a")
    answer = await server.request("DELETE", SECRET, {"preconditions": {field: "x"}})
    assert answer.status == 409
    expected = 'Operation cannot be fulfilled on Secret "a": ' + text.format(created["metadata"][field])
    assert answer.json["message"] == expected
    right = {"preconditions": {field: created["metadata"][field]}}
    assert (await server.request("DELETE", SECRET, right)).status == 200


@pytest.mark.parametrize("api_version", ["v1", "meta.k8s.io/v1"])
async def test_options_with_kind(server: APIServer, api_version: str) -> None:
    await server.create_secret("a")
    body = {"kind": "DeleteOptions", "apiVersion": api_version, "propagationPolicy": "Background"}
    assert (await server.request("DELETE", SECRET, body)).status == 200


async def test_options_in_yaml(server: APIServer) -> None:
    await server.create_secret("a")
    body = b"kind: DeleteOptions\napiVersion: v1\ndryRun: [All]\n"
    assert (await server.request("DELETE", SECRET, body, content_type="application/yaml")).status == 200
    assert (await server.get(SECRET)).status == 200


@pytest.mark.parametrize("body", [b"{", b'{"gracePeriodSeconds":"x"}', b"[]"])
async def test_bad_options(server: APIServer, body: bytes) -> None:
    await server.create_secret("a")
    assert (await server.request("DELETE", SECRET, body)).status == 400
    assert (await server.get(SECRET)).status == 200


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"propagationPolicy": "Some"},
            'Unsupported value: "Some": supported values: "Foreground", "Background", "Orphan", "nil"',
        ),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            'propagationPolicy: Invalid value: "Orphan": '
            "orphanDependents and deletionPropagation cannot be both set",
        ),
        ({"dryRun": ["x"]}, 'dryRun: Unsupported value: ["x"]: supported values: "All"'),
    ],
)  # fmt: skip
async def test_invalid_options(server: APIServer, body: object, text: str) -> None:
    await server.create_secret("a")
    answer = await server.request("DELETE", SECRET, body)
    assert answer.status == 422
    assert text in answer.json["message"]


async def test_dry_run(server: APIServer) -> None:
    created = await server.create_secret("a")
    assert (await server.request("DELETE", f"{SECRET}?dryRun=All")).status == 200
    assert (await server.get(SECRET)).json == created


async def test_finalizer_keeps_the_object(server: APIServer) -> None:
    await server.request("POST", SECRETS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
    answer = await server.request("DELETE", SECRET)
    assert answer.status == 200
    metadata = answer.json["metadata"]
    assert metadata["deletionTimestamp"]
    assert metadata["deletionGracePeriodSeconds"] == 0
    again = await server.request("DELETE", SECRET)
    assert again.json["metadata"]["resourceVersion"] == metadata["resourceVersion"]


@pytest.mark.parametrize(
    ("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")]
)
async def test_propagation_by_finalizer(server: APIServer, policy: str, finalizer: str) -> None:
    await server.create_secret("a")
    answer = await server.request("DELETE", f"{SECRET}?propagationPolicy={policy}")
    assert answer.json["metadata"]["finalizers"] == [finalizer]
    assert (await server.request("DELETE", f"{SECRET}?propagationPolicy=Background")).status == 200
    assert (await server.get(SECRET)).status == 404


async def test_collection(server: APIServer) -> None:
    for name in ("a", "b"):
        await server.create_secret(name, metadata={"name": name, "labels": {"x": name}})
    await server.create_secret("c", "kube-public")
    answer = await server.request("DELETE", f"{SECRETS}?labelSelector=x", query=[])
    assert answer.status == 200
    assert answer.json["kind"] == "SecretList"
    assert [item["metadata"]["name"] for item in answer.json["items"]] == ["a", "b"]
    assert (await server.get(SECRETS)).json["items"] == []
    assert len((await server.get("/api/v1/secrets")).json["items"]) == 1


async def test_namespaces_have_no_collection_to_delete(server: APIServer) -> None:
    answer = await server.request("DELETE", "/api/v1/namespaces")
    assert answer.status == 405
    assert answer.json["message"] == "the server does not allow this method on the requested resource"
    assert len((await server.get("/api/v1/namespaces")).json["items"]) == 4


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_namespaces_that_stay(server: APIServer, name: str) -> None:
    answer = await server.request("DELETE", f"/api/v1/namespaces/{name}")
    assert answer.status == 403
    assert answer.json["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


async def test_namespace_ends_in_steps(server: APIServer) -> None:
    await server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    marked = await server.request("DELETE", "/api/v1/namespaces/n")
    assert marked.status == 200
    assert marked.json["status"]["phase"] == "Terminating"
    assert marked.json["metadata"]["deletionTimestamp"]
    refused = await server.request("POST", "/api/v1/namespaces/n/secrets", {"metadata": {"name": "a"}})
    assert refused.status == 403
    assert refused.json["message"] == (
        'secrets "a" is forbidden: unable to create new content in namespace n because it is being terminated'
    )
    assert refused.json["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace n is being terminated",
            "field": "metadata.namespace",
        }
    ]
    again = await server.request("DELETE", "/api/v1/namespaces/n")
    assert again.json["kind"] == "Namespace"
    body = {**again.json, "spec": {"finalizers": []}}
    assert (await server.request("PUT", "/api/v1/namespaces/n/finalize", body)).status == 200
    assert (await server.get("/api/v1/namespaces/n")).status == 404


async def test_a_dry_run_answers_what_would_become_of_the_object(server: APIServer) -> None:
    path = "/api/v1/namespaces/default"
    await server.request("POST", f"{path}/serviceaccounts", {"metadata": {"name": "default"}})
    spec = {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}
    for name, more in (("bound", {}), ("loose", {"nodeName": ""})):
        body = {"metadata": {"name": name}, "spec": {**spec, **more}}
        assert (await server.request("POST", f"{path}/pods", body)).status == 201
    body = {"metadata": {"name": "kept", "finalizers": ["example.com/x"]}}
    await server.request("POST", f"{path}/secrets", body)
    for what, query, seconds in (
        ("pods/bound", "", 30),
        ("pods/bound", "&gracePeriodSeconds=7", 7),
        ("pods/loose", "", 0),
        ("secrets/kept", "", 0),
    ):
        before = (await server.get(f"{path}/{what}")).json
        shown = (await server.request("DELETE", f"{path}/{what}?dryRun=All{query}")).json["metadata"]
        assert shown["deletionTimestamp"]
        assert shown["deletionGracePeriodSeconds"] == seconds
        assert shown["resourceVersion"] == before["metadata"]["resourceVersion"]
        assert (await server.get(f"{path}/{what}")).json == before
    last = (await server.request("DELETE", f"{path}/pods/loose")).json["metadata"]
    assert (last["deletionGracePeriodSeconds"], last["generation"]) == (0, 2)
