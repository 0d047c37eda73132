"""What all kinds have in common, and the register of them."""

from typing import Any

import pytest

from strongroom.api import resources, scheme
from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Resource
from strongroom.machinery.status import StatusError


class Plain(Strategy):
    resource = Resource("x", "v1", "things", "Thing")
    singular = "thing"


class WithStatus(Plain):
    has_status = True


def test_lookup() -> None:
    strategy = scheme.lookup("", "v1", "secrets")
    assert strategy is scheme.STRATEGIES[resources.SECRETS]
    assert scheme.lookup("", "v1", "cheeses") is None
    assert all(strategy.resource == resource for resource, strategy in scheme.STRATEGIES.items())


@pytest.mark.parametrize("strategy", scheme.STRATEGIES.values(), ids=lambda s: s.singular)
def test_every_selectable_label_has_a_value(strategy: Strategy) -> None:
    fields = strategy.selectable_fields({"metadata": {"name": "a"}, "spec": {}})
    assert set(fields) == set(strategy.field_labels)
    assert all(isinstance(value, str) for value in fields.values())


def test_status_is_written_by_its_own_path() -> None:
    new: dict[str, Any] = {"metadata": {}, "status": {"a": 1}}
    WithStatus().prepare_for_create(new)
    assert new == {"metadata": {}}
    old = {"metadata": {"l": 1}, "spec": {"s": 1}, "status": {"a": 0}}
    new = {"metadata": {"l": 2}, "spec": {"s": 2}, "extra": 1, "status": {"a": 1}}
    WithStatus().prepare_for_update(new, old)
    assert new["status"] == {"a": 0}
    new["status"] = {"a": 1}
    WithStatus().prepare_for_status_update(new, old)
    assert new == {"metadata": {"l": 2}, "spec": {"s": 1}, "status": {"a": 1}}


def test_kinds_without_status_take_it_as_any_field() -> None:
    new: dict[str, Any] = {"metadata": {}, "status": 1}
    Plain().prepare_for_create(new)
    Plain().prepare_for_update(new, {"metadata": {}})
    assert new == {"metadata": {}, "status": 1}


def test_field_selectors() -> None:
    selector = Plain().field_selector("metadata.name=a,metadata.namespace!=b")
    assert selector.matches({"metadata.name": "a", "metadata.namespace": "c"})
    pods = scheme.STRATEGIES[resources.PODS].field_selector("spec.host=n1")
    assert pods.requires_exact("spec.nodeName") == "n1"


@pytest.mark.parametrize(
    ("strategy", "selector", "text"),
    [
        (Plain(), "type=x",
         '"type" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        (scheme.STRATEGIES[resources.CONFIG_MAPS], "data=x",
         '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        (scheme.STRATEGIES[resources.SECRETS], "data=x", "field label not supported: data"),
        (scheme.STRATEGIES[resources.NODES], "metadata.namespace=x",
         "field label not supported: metadata.namespace"),
        (Plain(), "x", "invalid selector: 'x'; can't understand 'x'"),
    ],
)  # fmt: skip
def test_field_selector_errors(strategy: Strategy, selector: str, text: str) -> None:
    with pytest.raises(StatusError) as caught:
        strategy.field_selector(selector)
    assert (caught.value.code, caught.value.reason, str(caught.value)) == (400, "BadRequest", text)


def test_defaults_of_a_kind_that_says_nothing() -> None:
    obj = {"metadata": {"name": "a", "namespace": "n"}}
    plain = Plain()
    plain.convert(obj)
    plain.default(obj)
    assert (
        plain.validate(obj) == plain.validate_update(obj, obj) == plain.validate_status_update(obj, obj) == []
    )
    assert plain.warnings(obj, None) == ()
    assert plain.grace_period(obj, 5) is None
    assert plain.row_conditions(obj) == []
    assert plain.validate_name("a-", prefix=True) == []
