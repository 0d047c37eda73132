from typing import Any

import pytest

from strongroom.api.apps.v1 import restart_on_change
from strongroom.api.apps.v1.restart_on_change import ANNOTATION, Uses


def _workload(spec: Any, own: Any = None, templates: Any = None) -> Any:
    metadata = {"annotations": own} if own else {}
    template = {"metadata": {"annotations": templates} if templates else {}, "spec": spec}
    return {"metadata": metadata, "spec": {"template": template}}


def _variable(secret: str, key: str, **more: Any) -> Any:
    return {"name": "X", "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **more}}}


def test_off_by_default() -> None:
    assert not restart_on_change.opted_in(_workload({}))
    assert not restart_on_change.opted_in({"metadata": {"name": "x"}})


@pytest.mark.parametrize("value", ["false", "True", "yes", "1", ""])
def test_nothing_but_true_opts_in(value: str) -> None:
    assert not restart_on_change.opted_in(_workload({}, {ANNOTATION: value}, {ANNOTATION: value}))


def test_by_an_annotation_of_the_workload_or_of_its_template() -> None:
    assert restart_on_change.opted_in(_workload({}, own={ANNOTATION: "true"}))
    assert restart_on_change.opted_in(_workload({}, templates={ANNOTATION: "true"}))


def test_a_variable_uses_its_key() -> None:
    spec = {"containers": [{"env": [_variable("db", "password"), {"name": "Y", "value": "z"}]}]}
    assert restart_on_change.uses(_workload(spec)) == {
        "db": Uses(frozenset({"password"}), False, frozenset({"password"}), True)
    }


def test_env_from_uses_all_keys() -> None:
    spec = {"containers": [{"envFrom": [{"secretRef": {"name": "db"}}, {"configMapRef": {"name": "x"}}]}]}
    assert restart_on_change.uses(_workload(spec)) == {"db": Uses(whole=True, must_exist=True)}


def test_init_containers_too_and_all_uses_of_one_secret_together() -> None:
    spec = {
        "initContainers": [{"env": [_variable("db", "a")]}],
        "containers": [{"env": [_variable("db", "b", optional=True)]}],
    }
    assert restart_on_change.uses(_workload(spec)) == {
        "db": Uses(frozenset({"a", "b"}), False, frozenset({"a"}), True)
    }


def test_what_is_optional_need_not_be_there() -> None:
    spec = {"containers": [{"env": [_variable("db", "a", optional=True)]}]}
    assert restart_on_change.uses(_workload(spec)) == {"db": Uses(frozenset({"a"}))}


def _mounted(volume: Any, **mount: Any) -> Any:
    return _workload(
        {
            "containers": [{"volumeMounts": [{"name": "v", "mountPath": "/x", **mount}]}],
            "volumes": [{"name": "v", **volume}],
        }
    )


DB = {"secret": {"secretName": "db"}}
ITEMS = {"secret": {"secretName": "db", "items": [{"key": "a", "path": "x/a"}, {"key": "b", "path": "y"}]}}


def test_a_volume_that_follows_its_secret_is_no_reason() -> None:
    assert restart_on_change.uses(_mounted(DB)) == {}


@pytest.mark.parametrize(
    ("volume", "mount", "keys"),
    [
        (DB, {"subPath": "a"}, {"a"}),
        (ITEMS, {"subPath": "x/a"}, {"a"}),
        (ITEMS, {"subPath": "x"}, {"a"}),
        (ITEMS, {"subPath": "y"}, {"b"}),
        (ITEMS, {"subPathExpr": "$(WHERE)"}, {"a", "b"}),
        ({"projected": {"sources": [{"secret": {"name": "db"}}]}}, {"subPath": "a"}, {"a"}),
    ],
)
def test_a_part_of_a_volume_does_not_follow(volume: Any, mount: Any, keys: set[str]) -> None:
    (found,) = restart_on_change.uses(_mounted(volume, **mount)).values()
    assert found.keys == keys
    assert not found.whole


def test_a_part_that_is_known_only_in_the_container_may_be_any() -> None:
    assert restart_on_change.uses(_mounted(DB, subPathExpr="$(WHERE)"))["db"].whole


def test_pull_secrets_and_config_maps_are_no_reason() -> None:
    reference = {"configMapKeyRef": {"name": "c", "key": "k"}}
    spec = {
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"env": [{"name": "X", "valueFrom": reference}]}],
    }
    assert restart_on_change.uses(_workload(spec)) == {}
