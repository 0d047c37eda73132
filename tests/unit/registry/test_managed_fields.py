"""Who owns what after creates and updates, as a client sees it."""

import copy
from typing import Any

from strongroom.api import decoding, resources, scheme
from strongroom.machinery.gvk import Object
from strongroom.registry.managed_fields import ManagedFields, Writer
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/a"
AGENT = {"user-agent": "kubectl/v1.37 (linux/amd64)"}
KUBECTL = Writer("kubectl")


def owners(obj: Object) -> list[tuple[str, str, Any]]:
    entries = obj["metadata"].get("managedFields", [])
    return [(entry["manager"], entry["operation"], entry["fieldsV1"]) for entry in entries]


async def create(server: APIServer, **fields: Any) -> Object:
    body = {"metadata": {"name": "a"}, "data": {"k": "dg=="}, **fields}
    answer = await server.request("POST", SECRETS, body, headers=AGENT)
    assert answer.status == 201, answer.text
    return answer.json


async def patch(server: APIServer, body: object, query: str = "", path: str = SECRET) -> Object:
    media = f"application/{'json' if isinstance(body, list) else 'merge'}-patch+json"
    answer = await server.request("PATCH", path + query, body, headers=AGENT, content_type=media)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_creation_belongs_to_its_program(server: APIServer) -> None:
    created = await create(server)
    (entry,) = created["metadata"]["managedFields"]
    assert entry == {
        "manager": "kubectl",
        "operation": "Update",
        "apiVersion": "v1",
        "time": created["metadata"]["creationTimestamp"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:k": {}}, "f:type": {}},
    }
    assert (await server.get(SECRET)).json == created


async def test_the_option_names_the_manager(server: APIServer) -> None:
    body = {"metadata": {"name": "a"}}
    answer = await server.request("POST", f"{SECRETS}?fieldManager=me", body, headers=AGENT)
    assert owners(answer.json) == [("me", "Update", {"f:type": {}})]


async def test_without_a_name_it_is_unknown(server: APIServer) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}}, headers={"user-agent": ""})
    assert owners(answer.json)[0][0] == "unknown"


async def test_a_change_belongs_to_who_made_it(server: APIServer) -> None:
    await create(server)
    patched = await patch(server, {"data": {"k": "eA==", "n": "eA=="}}, "?fieldManager=other")
    assert sorted(owners(patched)) == [
        ("kubectl", "Update", {"f:data": {}, "f:type": {}}),
        ("other", "Update", {"f:data": {"f:k": {}, "f:n": {}}}),
    ]
    patched = await patch(server, {"data": {"n": None}})
    assert ("other", "Update", {"f:data": {"f:k": {}}}) in owners(patched)


async def test_a_put_without_the_entries_keeps_them(server: APIServer) -> None:
    created = await create(server)
    body = {"metadata": {"name": "a"}, "data": {"k": "dg=="}}
    answer = await server.request("PUT", SECRET, body, headers={"user-agent": "other"})
    assert answer.json == created


async def test_nothing_changed_nothing_written(server: APIServer) -> None:
    created = await create(server)
    assert await patch(server, {"data": {"k": "dg=="}}, "?fieldManager=other") == created
    answer = await server.request("PUT", SECRET, created, headers={"user-agent": "other"})
    assert answer.json == created


async def test_another_time_alone_is_not_written(server: APIServer) -> None:
    created = await create(server)
    entries = copy.deepcopy(created["metadata"]["managedFields"])
    entries[0]["time"] = "2001-01-01T00:00:00Z"
    assert await patch(server, {"metadata": {"managedFields": entries}}) == created


async def test_cleared_by_an_empty_list_or_an_empty_entry(server: APIServer) -> None:
    values: list[list[Object]] = [[], [{}]]
    for value in values:
        await create(server)
        patched = await patch(server, {"metadata": {"managedFields": value}})
        assert "managedFields" not in patched["metadata"]
        # Nobody is noted again before the first apply.
        patched = await patch(server, {"data": {"k": "eA=="}})
        assert "managedFields" not in patched["metadata"]
        await server.request("DELETE", SECRET)


async def test_entries_can_be_rewritten(server: APIServer) -> None:
    created = await create(server)
    renamed = [{**created["metadata"]["managedFields"][0], "manager": "new", "operation": "Apply"}]
    operation = {"op": "replace", "path": "/metadata/managedFields", "value": renamed}
    patched = await patch(server, [operation])
    assert owners(patched) == [("new", "Apply", {"f:data": {".": {}, "f:k": {}}, "f:type": {}})]


async def test_a_subresource_has_entries_of_its_own(server: APIServer) -> None:
    node = {"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.0.0.0/24"}, "status": {"phase": "x"}}
    answer = await server.request("POST", "/api/v1/nodes", node, headers=AGENT)
    assert "f:status" not in str(owners(answer.json))
    body = {"status": {"phase": "Running"}, "metadata": {"managedFields": []}}
    patched = await patch(server, body, "?fieldManager=node", "/api/v1/nodes/n1/status")
    entry = patched["metadata"]["managedFields"][-1]
    assert (entry["manager"], entry["subresource"]) == ("node", "status")
    assert entry["fieldsV1"] == {"f:status": {"f:phase": {}}}
    assert len(patched["metadata"]["managedFields"]) == 2


def entry_of(obj: Object) -> Any:
    ManagedFields(scheme.STRATEGIES[resources.SECRETS]).created(obj, KUBECTL)
    return owners(obj)[0][2]


def test_shapes_that_are_known_give_what_is_worked_out_for_others() -> None:
    fields = ManagedFields(scheme.STRATEGIES[resources.SECRETS])

    def made(**metadata: Any) -> Object:
        return {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": "a", **metadata},
            "data": {"k": "v"},
            "type": "Opaque",
        }

    variants: list[dict[str, Any]] = [
        {},
        {"labels": {"a": "1"}},
        {"annotations": {"a": "1"}},
        {"labels": {"a": "1", "annotations": "x"}},
        {"labels": {"a": "1"}, "annotations": {"x": "1"}},
        {"generateName": "a-"},
        {"finalizers": ["x/y"]},
        {"finalizers": ["x/z"]},
    ]
    for _ in range(2):
        for metadata in variants:
            obj = made(**metadata)
            fields.created(obj, KUBECTL)
            assert owners(obj)[0][2] == entry_of(made(**metadata))
    sets = [str(entry_of(made(**metadata))) for metadata in variants]
    assert len(set(sets)) == len(variants)


def test_nobody_owns_what_is_printed_where_nothing_was_given() -> None:
    strategy = scheme.STRATEGIES[resources.EVENTS]
    event = decoding.decode(b'{"metadata":{"name":"e"},"message":"m"}', "", resources.EVENTS).obj
    assert event["lastTimestamp"] is None
    ManagedFields(strategy).created(event, Writer("me"))
    assert event["metadata"]["managedFields"][0]["fieldsV1"] == {"f:message": {}}
