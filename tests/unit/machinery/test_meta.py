"""ObjectMeta: filling in, restoring, and its rules."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.machinery import meta, names
from strongroom.machinery.validation import FieldError

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
QUALIFIED = "name part must be non-empty"


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


def validate(namespaced: bool = True, **fields: Any) -> list[str]:
    metadata = {"name": "a", "namespace": "n" if namespaced else "", **fields}
    return texts(
        meta.validate_object_meta(metadata, namespaced=namespaced, name_rule=names.dns1123_subdomain)
    )


def test_what_a_client_may_not_set_is_replaced() -> None:
    metadata = {
        "name": "a",
        "uid": "mine",
        "creationTimestamp": "1999-01-01T00:00:00Z",
        "deletionTimestamp": "1999-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 5,
        "selfLink": "/x",
        "labels": {},
        "annotations": None,
        "generateName": "",
    }
    assert meta.prepare_for_create(metadata, NOW, "u") == []
    assert metadata == {"name": "a", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z"}


def test_generate_name() -> None:
    metadata: dict[str, Any] = {"generateName": "a" * 60}
    meta.prepare_for_create(metadata, NOW, "u")
    assert re.fullmatch("a{58}[bcdfghjklmnpqrstvwxz2456789]{5}", metadata["name"])
    assert metadata["generateName"] == "a" * 60
    named = {"name": "x", "generateName": "a"}
    meta.prepare_for_create(named, NOW, "u")
    assert named["name"] == "x"
    assert meta.generate_name("a-") != meta.generate_name("a-")


OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1"}


def test_equal_owner_references_are_dropped_with_a_warning() -> None:
    metadata = {"name": "a", "ownerReferences": [OWNER, {**OWNER, "uid": "2"}, dict(OWNER), dict(OWNER)]}
    warnings = meta.prepare_for_create(metadata, NOW, "u")
    assert metadata["ownerReferences"] == [OWNER, {**OWNER, "uid": "2"}]
    assert warnings == [
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
        "1.20+, and "
        "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: 1"
    ]


def test_update_restores_what_is_the_systems() -> None:
    old = {"name": "a", "uid": "u", "creationTimestamp": "t", "deletionTimestamp": "d",
           "deletionGracePeriodSeconds": 0, "generation": 3}  # fmt: skip
    new: dict[str, Any] = {
        "name": "a",
        "creationTimestamp": None,
        "generation": 9,
        "selfLink": "x",
        "labels": {},
    }
    assert meta.prepare_for_update(new, old) == []
    assert new == old
    other = {"name": "a", "uid": "u", "generation": 9, "deletionTimestamp": "d"}
    before = {"name": "a", "uid": "u"}
    meta.prepare_for_update(other, before)
    assert other == {**before, "deletionTimestamp": "d"}
    assert [str(error) for error in meta.validate_object_meta_update(other, before)] == [
        'metadata.deletionTimestamp: Invalid value: "d": field is immutable'
    ]


def test_valid() -> None:
    assert (
        validate(labels={"a/b": "c"}, annotations={"X/Y": "é"}, finalizers=["a.b/c"], generateName="a-") == []
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": ""}, ["metadata.name: Required value: name or generateName is required"]),
        ({"namespace": ""}, ["metadata.namespace: Required value"]),
        ({"namespace": "a.b"}, ['metadata.namespace: Invalid value: "a.b": must not contain dots']),
        ({"generation": -1}, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]),
        ({"annotations": {"a": "x" * (256 * 1024)}},
         ["metadata.annotations: Too long: may not be more than 262144 bytes"]),
        ({"finalizers": ["orphan", "foregroundDeletion"]},
         ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
          "foregroundDeletion cannot be both set"]),
        ({"finalizers": ["a"]},
         ['metadata.finalizers[0]: Invalid value: "a": name is neither a standard finalizer name nor is it '
          'fully '
          "qualified"]),
        ({"ownerReferences": [{"kind": "Pod", "name": "p", "uid": "1"}]},
         ['metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty']),
        ({"ownerReferences": [{"apiVersion": "v1"}]},
         ['metadata.ownerReferences.kind: Invalid value: "": must not be empty',
          'metadata.ownerReferences.name: Invalid value: "": must not be empty',
          'metadata.ownerReferences.uid: Invalid value: "": must not be empty']),
        ({"ownerReferences": [{**OWNER, "kind": "Event"}]},
         ['metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"p","uid":"1"}: '
          "/v1, Kind=Event is disallowed from being an owner"]),
        ({"managedFields": [{"manager": "m", "operation": "Guess", "fieldsType": "F"}]},
         ['metadata.managedFields[0].operation: Invalid value: "Guess": must be `Apply` or `Update`',
          'metadata.managedFields[0].fieldsType: Invalid value: "F": must be `FieldsV1`']),
        ({"managedFields": [{"operation": "Apply", "subresource": "x" * 257}]},
         ["metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes"]),
    ],
)  # fmt: skip
def test_rules(fields: dict[str, Any], expected: list[str]) -> None:
    assert validate(**fields) == expected


def test_names_follow_the_kinds_rule() -> None:
    assert validate(name="A") == [f'metadata.name: Invalid value: "A": {names.dns1123_subdomain("A")[0]}']
    assert validate(generateName="AB-") == [
        f'metadata.generateName: Invalid value: "AB-": {names.dns1123_subdomain("A")[0]}'
    ]
    slash = meta.validate_object_meta(
        {"name": "a/b"}, namespaced=False, name_rule=lambda name, prefix=False: []
    )
    assert texts(slash) == ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]


def test_cluster_scoped_kinds_take_no_namespace() -> None:
    assert validate(False, namespace="n") == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_labels_and_annotations() -> None:
    assert validate(labels={"-": "-"}) == [
        f'metadata.labels: Invalid value: "-": {names.qualified_name("-")[0]}',
        f'metadata.labels: Invalid value: "-": {names.label_value("-")[0]}',
    ]
    assert validate(annotations={"-": ""}) == [
        f'metadata.annotations: Invalid value: "-": {names.qualified_name("-")[0]}'
    ]


def test_one_controller() -> None:
    first, second = {**OWNER, "controller": True}, {**OWNER, "name": "q", "uid": "2", "controller": True}
    errors = validate(ownerReferences=[first, second])
    assert len(errors) == 1
    assert errors[0].startswith("metadata.ownerReferences: Invalid value: [{")
    assert errors[0].endswith(
        'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q'
    )


def test_many_controllers_are_one_error() -> None:
    controllers = [{**OWNER, "uid": str(i), "controller": True} for i in range(100)]
    assert len(validate(ownerReferences=controllers)) == 1


def test_field_managers() -> None:
    assert texts(meta.validate_field_manager("kubectl é", "fieldManager")) == []
    assert texts(meta.validate_field_manager("x" * 129, "fieldManager")) == [
        "fieldManager: Too long: may not be more than 128 bytes"
    ]
    assert texts(meta.validate_field_manager("é\n", "fieldManager")) == [
        'fieldManager: Invalid value: "é\\n": invalid character U+000A (at position 2)'
    ]


OLD = {"name": "a", "namespace": "n", "uid": "u", "creationTimestamp": "t", "generation": 2}


@pytest.mark.parametrize(
    ("old", "change", "expected"),
    [
        ({}, {}, []),
        ({}, {"name": "b"}, ['metadata.name: Invalid value: "b": field is immutable']),
        ({}, {"namespace": "m"}, ['metadata.namespace: Invalid value: "m": field is immutable']),
        ({}, {"uid": "v"}, ['metadata.uid: Invalid value: "v": field is immutable']),
        ({}, {"creationTimestamp": "x"}, ['metadata.creationTimestamp: Invalid value: "x": field is '
                                          'immutable']),
        ({}, {"deletionGracePeriodSeconds": 5},
         ["metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable"]),
        ({}, {"generation": 1}, ["metadata.generation: Invalid value: 1: must not be decremented"]),
        ({}, {"finalizers": ["a.b/c"]}, []),
        ({"deletionTimestamp": "d"}, {"deletionTimestamp": "d", "finalizers": ["a.b/c", "a.b/a"]},
         ["metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
          "found new "
          'finalizers []string{"a.b/a", "a.b/c"}']),
        ({"deletionTimestamp": "d", "finalizers": ["x/y", "x/z"]},
         {"deletionTimestamp": "d", "finalizers": ["x/y"]}, []),
        ({}, {"annotations": {"a": "x" * 262144}},
         ["metadata.annotations: Too long: may not be more than 262144 bytes"]),
    ],
)  # fmt: skip
def test_update_rules(old: dict[str, Any], change: dict[str, Any], expected: list[str]) -> None:
    before = {**OLD, **old}
    assert texts(meta.validate_object_meta_update({**OLD, **change}, before)) == expected


def test_finalizers_of_some_kinds_may_have_any_name() -> None:
    bad = {"name": "a", "namespace": "n", "finalizers": ["a", "é"]}
    found = meta.validate_object_meta(
        bad, namespaced=True, name_rule=names.dns1123_subdomain, any_finalizer=True
    )
    expected = [f'metadata.finalizers: Invalid value: "é": {names.qualified_name("é")[0]}']
    assert [str(error) for error in found] == expected
    old = {**bad, "finalizers": []}
    found = meta.validate_object_meta_update(bad, old, any_finalizer=True)
    assert [str(error) for error in found] == expected
