"""Templates told apart, names made of them, Pods made of them."""

import copy
import re
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.controllers import pod_template, workload_cache

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i:1"}]},
}


def changed(**spec: Any) -> dict[str, Any]:
    made = copy.deepcopy(TEMPLATE)
    made["spec"].update(spec)
    return made


def test_the_digest_is_of_the_template_without_the_hash_label() -> None:
    hashed = copy.deepcopy(TEMPLATE)
    hashed["metadata"]["labels"]["pod-template-hash"] = "x"
    assert pod_template.digest(hashed) == pod_template.digest(TEMPLATE)
    null = {"metadata": {**TEMPLATE["metadata"], "creationTimestamp": None}, "spec": TEMPLATE["spec"]}
    assert pod_template.digest(null) == pod_template.digest(TEMPLATE)


@pytest.mark.parametrize(
    "other",
    [
        changed(containers=[{"name": "c", "image": "i:2"}]),
        changed(restartPolicy="Always"),
        {**TEMPLATE, "metadata": {"labels": {"app": "web", "more": "x"}}},
        {**TEMPLATE, "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}}},
    ],
)
def test_another_template_has_another_digest(other: dict[str, Any]) -> None:
    assert pod_template.digest(other) != pod_template.digest(TEMPLATE)


def test_the_order_of_keys_does_not_matter_and_the_order_of_lists_does() -> None:
    backwards = {"spec": TEMPLATE["spec"], "metadata": TEMPLATE["metadata"]}
    assert pod_template.digest(backwards) == pod_template.digest(TEMPLATE)
    two = [{"name": "a"}, {"name": "b"}]
    first, second = changed(containers=two), changed(containers=two[::-1])
    assert pod_template.digest(first) != pod_template.digest(second)


def test_names_are_of_upstreams_alphabet_and_change_with_collisions() -> None:
    digest = pod_template.digest(TEMPLATE)
    made = {pod_template.name_hash(digest, collisions) for collisions in (None, 0, 1, 2)}
    assert len(made) == 4
    assert all(re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{1,10}", name) for name in made)
    assert pod_template.name_hash(digest, None) == pod_template.name_hash(digest, None)


def test_a_pod_has_the_templates_metadata_and_its_owner() -> None:
    metadata = {
        "labels": {"app": "web"},
        "annotations": {"a": "b"},
        "finalizers": ["x/y"],
        "creationTimestamp": None,
    }
    owner = {
        "metadata": {"name": "web-1", "namespace": "n", "uid": "u"},
        "spec": {"template": {"metadata": metadata, "spec": TEMPLATE["spec"]}},
    }
    pod = pod_template.pod(owner, resources.REPLICA_SETS)
    (reference,) = pod["metadata"].pop("ownerReferences")
    assert (reference["kind"], reference["name"], reference["uid"]) == ("ReplicaSet", "web-1", "u")
    assert pod["metadata"] == {
        "generateName": "web-1-",
        "namespace": "n",
        "labels": {"app": "web"},
        "annotations": {"a": "b"},
        "finalizers": ["x/y"],
    }
    assert pod["spec"] == TEMPLATE["spec"]


def test_what_is_kept_of_a_workload_is_small_and_has_no_values() -> None:
    variable = {"name": "PASSWORD", "value": "hunter2"}
    workload = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": "web",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "a": "b"},
            "managedFields": [{"manager": "x"}],
        },
        "spec": {"replicas": 2, "template": changed(containers=[{"name": "c", "env": [variable]}])},
    }
    kept = workload_cache.reduce(workload)
    assert "hunter2" not in repr(kept)
    assert kept["metadata"] == {"name": "web", "annotations": {"a": "b"}}
    assert kept["spec"] == {"replicas": 2}
    assert kept[workload_cache.LABELS] == {"app": "web"}
    assert workload["spec"]["template"]["spec"], "what was given is left as it is"  # type: ignore[index]
