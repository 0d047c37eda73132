"""Namespaces: finalizers, phase, the name's label."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1 import namespace
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.NAMESPACES]
assert isinstance(STRATEGY, namespace.NamespaceStrategy)
OWN: namespace.NamespaceStrategy = STRATEGY


def make(**fields: Any) -> dict[str, Any]:
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}, **fields}


def created(**fields: Any) -> dict[str, Any]:
    obj = make(**fields)
    OWN.default(obj)
    OWN.prepare_for_create(obj)
    return obj


def test_a_new_namespace_is_active_and_finalized_by_kubernetes() -> None:
    obj = created(spec={"finalizers": ["a.b/c", "kubernetes"]}, status={"phase": "Terminating"})
    assert obj["spec"] == {"finalizers": ["a.b/c", "kubernetes"]}
    assert obj["status"] == {"phase": "Active"}
    assert OWN.validate(obj) == []


def test_the_label_with_the_name_comes_back() -> None:
    obj = created()
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    obj["metadata"]["labels"] = {"kubernetes.io/metadata.name": "x", "a": "b"}
    OWN.default(obj)
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n", "a": "b"}


def test_a_generated_name_is_labelled_too() -> None:
    obj = make()
    obj["metadata"] = {"generateName": "n-"}
    OWN.default(obj)
    obj["metadata"]["name"] = "n-12345"
    OWN.prepare_for_create(obj)
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n-12345"}


def test_each_path_writes_its_own_part() -> None:
    old = created()
    new = make(spec={}, status={"phase": "Terminating"})
    OWN.prepare_for_update(new, old)
    assert (new["spec"], new["status"]) == (old["spec"], old["status"])
    new = make(spec={}, status={"phase": "Terminating"})
    OWN.prepare_for_status_update(new, old)
    assert (new["spec"], new["status"]) == (old["spec"], {"phase": "Terminating"})
    new = make(spec={}, status={"phase": "Terminating"})
    OWN.prepare_for_finalize(new, old)
    assert (new["spec"], new["status"]) == ({}, old["status"])


def test_finalizers_have_a_domain_or_are_known() -> None:
    text = "name is neither a standard finalizer name nor is it fully qualified"
    at_once = [f'spec.finalizers: Invalid value: "x": {text}']
    assert [str(e) for e in OWN.validate(make(spec={"finalizers": ["a.b/c", "x"]}))] == at_once
    expected = [f'spec.finalizers[0]: Invalid value: "x": {text}']
    assert [str(e) for e in OWN.validate_finalize(make(spec={"finalizers": ["x"]}), make())] == expected


@pytest.mark.parametrize(
    ("deleted", "phase", "expected"),
    [
        (False, "Active", []),
        (True, "Terminating", []),
        (False, "Terminating",
         ['status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is '
          'empty']),
        (True, "Active",
         ['status.Phase: Invalid value: "Active": may only be \'Terminating\' if `deletionTimestamp` is '
          'not empty']),
    ],
)  # fmt: skip
def test_phase(deleted: bool, phase: str, expected: list[str]) -> None:
    new = make(status={"phase": phase})
    if deleted:
        new["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert [str(error) for error in OWN.validate_status_update(new, make())] == expected


def test_names_are_labels() -> None:
    assert OWN.validate_name("a.b") == names.dns1123_label("a.b") == ["must not contain dots"]
    assert OWN.validate_name("a-", prefix=True) == []


def test_row_and_fields() -> None:
    obj = created()
    obj["metadata"]["creationTimestamp"] = "2026-01-02T03:04:00Z"
    assert OWN.row(obj, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == ["n", "Active", "5s"]
    assert OWN.selectable_fields(obj) == {"metadata.name": "n", "status.phase": "Active"}
