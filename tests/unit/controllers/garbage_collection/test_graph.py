"""The graph knows who owns whom and tells who is to be looked at."""

from typing import Any

from strongroom.api import resources
from strongroom.client.watching import ADDED, DELETED, MODIFIED
from strongroom.controllers.garbage_collection import graph
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object

CONFIG_MAPS, SECRETS = resources.CONFIG_MAPS, resources.SECRETS


def _obj(uid: str, *owners: str, namespace: str = "n", blocks: bool = False, **metadata: object) -> Object:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner,
            "uid": owner,
            **({"blockOwnerDeletion": True} if blocks else {}),
        }
        for owner in owners
    ]
    found = {"name": uid, "namespace": namespace, "uid": uid, **metadata}
    return {"metadata": {**found, **({"ownerReferences": references} if references else {})}}


def test_an_object_without_owners_takes_no_room() -> None:
    known = graph.Graph()
    assert known.observe(ADDED, CONFIG_MAPS, _obj("a")) == set()
    assert len(known) == 0


def test_a_dependent_is_looked_at_when_it_comes_and_when_its_owner_goes() -> None:
    known = graph.Graph()
    assert known.observe(ADDED, SECRETS, _obj("s", "a")) == {"s"}
    assert known.observe(MODIFIED, SECRETS, _obj("s", "a", resourceVersion="2")) == set()
    assert known.observe(DELETED, CONFIG_MAPS, _obj("a")) == {"s"}
    assert known.is_gone("a")
    assert known.observe(DELETED, SECRETS, _obj("s", "a")) == set()
    assert len(known) == 0


def test_an_owner_that_waits_is_looked_at_when_a_dependent_goes_or_leaves() -> None:
    known = graph.Graph()
    for uid in ("s", "t"):
        known.observe(ADDED, SECRETS, _obj(uid, "a", blocks=True))
    marked: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [meta.FOREGROUND]}
    assert known.observe(MODIFIED, CONFIG_MAPS, _obj("a", **marked)) == {"a"}
    assert known.observe(DELETED, SECRETS, _obj("s", "a")) == {"a"}
    assert known.observe(MODIFIED, SECRETS, _obj("t")) == {"a"}
    found = known.get("a")
    assert found is not None
    assert found.foreground
    assert list(known.dependents(found)) == []


def test_an_owner_in_another_namespace_owns_nothing() -> None:
    known = graph.Graph()
    known.observe(ADDED, SECRETS, _obj("s", "a", namespace="other"))
    marked: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [meta.ORPHAN]}
    known.observe(MODIFIED, CONFIG_MAPS, _obj("a", **marked))
    found = known.get("a")
    assert found is not None
    assert found.orphans
    assert list(known.dependents(found)) == []


def test_lines_that_name_neither_owner_nor_deletion_are_not_relevant() -> None:
    assert not graph.relevant(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}')
    assert graph.relevant(b'{"type":"ADDED","object":{"metadata":{"ownerReferences":[]}}}')
    assert graph.relevant(b'{"type":"ADDED","object":{"metadata":{"deletionTimestamp":"x"}}}')


def test_a_reduced_object_holds_no_value() -> None:
    secret = {**_obj("s", "a"), "data": {"key": "dmFsdWU="}}
    secret["metadata"]["annotations"] = {"a": "long"}
    assert graph.reduce(secret) == _obj("s", "a")
