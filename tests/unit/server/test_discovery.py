import base64
import hashlib

from strongroom.machinery.gvk import Resource
from strongroom.server import discovery
from strongroom.testing.api_server import APIServer

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def test_versions_of_the_core_group(server: APIServer) -> None:
    answer = await server.get("/api")
    assert answer.json["kind"] == "APIVersions"
    assert answer.json["versions"] == ["v1"]
    assert answer.json["serverAddressByClientCIDRs"][0]["clientCIDR"] == "0.0.0.0/0"


async def test_other_groups(server: APIServer) -> None:
    answer = (await server.get("/apis")).json
    assert (answer["kind"], answer["apiVersion"]) == ("APIGroupList", "v1")
    name = "rbac.authorization.k8s.io"
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    group = {"name": name, "versions": [version], "preferredVersion": version}
    assert group in answer["groups"]
    assert (await server.get(f"/apis/{name}")).json == {"kind": "APIGroup", "apiVersion": "v1", **group}
    found = (await server.get(f"/apis/{name}/v1")).json
    assert (found["apiVersion"], found["groupVersion"]) == ("v1", f"{name}/v1")
    assert [(r["name"], r["namespaced"]) for r in found["resources"]] == [
        ("clusterrolebindings", False),
        ("clusterroles", False),
        ("rolebindings", True),
        ("roles", True),
    ]


async def test_resources(server: APIServer) -> None:
    answer = (await server.get("/api/v1")).json
    assert answer["kind"] == "APIResourceList"
    assert answer["groupVersion"] == "v1"
    found = {resource["name"]: resource for resource in answer["resources"]}
    assert list(found) == sorted(found)
    assert found["secrets"] == {
        "name": "secrets",
        "singularName": "secret",
        "namespaced": True,
        "kind": "Secret",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "storageVersionHash": "S6u1pOWzb84=",
    }
    assert found["configmaps"]["shortNames"] == ["cm"]
    assert found["namespaces/finalize"] == {
        "name": "namespaces/finalize",
        "singularName": "",
        "namespaced": False,
        "kind": "Namespace",
        "verbs": ["update"],
    }
    assert "deletecollection" not in found["namespaces"]["verbs"]
    assert found["pods"]["categories"] == ["all"]
    for name in ("pods/log", "pods/exec", "pods/attach", "pods/binding", "pods/status"):
        assert name in found


async def test_every_listed_subresource_is_served(server: APIServer) -> None:
    for resource in (await server.get("/api/v1")).json["resources"]:
        plural, _, subresource = resource["name"].partition("/")
        prefix = "/api/v1/namespaces/default" if resource["namespaced"] else "/api/v1"
        path = f"{prefix}/{plural}/missing/{subresource}".rstrip("/")
        methods = {"get": "GET", "update": "PUT", "patch": "PATCH", "create": "POST", "delete": "DELETE"}
        for verb in resource["verbs"]:
            if verb not in methods or (not subresource and verb == "create"):
                continue
            answer = await server.request(methods[verb], path)
            assert answer.status != 405, (verb, path)
            assert answer.json["message"] != "the server could not find the requested resource", (verb, path)


async def test_aggregated(server: APIServer) -> None:
    accept = f"{V2},{V2.replace('v=v2', 'v=v2beta1')},application/json"
    answer = await server.get("/api", headers={"accept": accept})
    assert answer.headers["content-type"] == V2
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["cache-control"] == "public"
    assert answer.headers["etag"] == f'"{hashlib.sha512(answer.response.body).hexdigest().upper()}"'
    assert answer.json["apiVersion"] == "apidiscovery.k8s.io/v2"
    (item,) = answer.json["items"]
    assert item["metadata"] == {}
    (version,) = item["versions"]
    assert (version["version"], version["freshness"]) == ("v1", "Current")
    found = {resource["resource"]: resource for resource in version["resources"]}
    assert found["secrets"]["responseKind"] == {"group": "", "version": "v1", "kind": "Secret"}
    assert found["secrets"]["scope"] == "Namespaced"
    assert found["nodes"]["scope"] == "Cluster"
    assert {sub["subresource"] for sub in found["namespaces"]["subresources"]} == {"finalize", "status"}
    groups = await server.get("/apis", headers={"accept": accept})
    kinds = {
        resource["responseKind"]["kind"]
        for item in groups.json["items"]
        for resource in item["versions"][0]["resources"]
    }
    assert kinds >= {"Role", "ClusterRole"}


async def test_aggregated_that_is_known_is_not_sent_again(server: APIServer) -> None:
    first = await server.get("/api", headers={"accept": V2})
    again = await server.get("/api", headers={"accept": V2, "if-none-match": first.headers["etag"]})
    assert again.status == 304
    assert again.response.body == b""


async def test_plain_document_is_answered_when_it_is_asked_for_first(server: APIServer) -> None:
    answer = await server.get("/api", headers={"accept": f"application/json,{V2}"})
    assert answer.json["kind"] == "APIVersions"


async def test_newer_parameters_are_no_hindrance(server: APIServer) -> None:
    answer = await server.get("/api", headers={"accept": f"{V2};profile=nopeer"})
    assert answer.json["kind"] == "APIGroupDiscoveryList"


def test_hash_of_the_stored_version() -> None:
    resource = Resource("", "v1", "configmaps", "ConfigMap")
    digest = hashlib.sha256(b"/v1/ConfigMap").digest()
    assert base64.b64decode(discovery.storage_version_hash(resource)) == digest[:8]
