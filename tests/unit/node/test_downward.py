"""Fields and resources of a pod, as text."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import downward

POD: Object = {
    "metadata": {"name": "p", "labels": {"b": 'say "hi"\n', "a": "1"}, "annotations": {}},
    "spec": {"containers": [{"name": "c", "resources": {"requests": {"memory": "100Mi"}}}]},
}


def test_maps_are_sorted_and_escaped() -> None:
    assert downward.field(POD, "metadata.labels") == 'a="1"\nb="say \\"hi\\"\\n"'
    assert downward.field(POD, "metadata.annotations") == ""


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ({"resource": "requests.memory"}, "104857600"),
        ({"resource": "requests.memory", "divisor": "1Gi"}, "1"),
        ({"resource": "requests.memory", "divisor": "0"}, "104857600"),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "2048"),
        ({"resource": "requests.cpu"}, "0"),
    ],
)
def test_resources(reference: Object, value: str) -> None:
    item = {"resourceFieldRef": {"containerName": "c", **reference}}
    assert downward.text(item, POD, {"memory": "2Gi"}) == value


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"fieldRef": {"fieldPath": "status.phase"}}, "unsupported fieldPath: status.phase"),
        ({"resourceFieldRef": {"containerName": "x", "resource": "limits.cpu"}}, "container x not found"),
        (
            {"resourceFieldRef": {"containerName": "c", "resource": "cpu"}},
            "unsupported container resource : cpu",
        ),
        ({}, "neither fieldRef nor resourceFieldRef is set"),
    ],
)
def test_what_is_not_offered(item: Object, text: str) -> None:
    with pytest.raises(downward.FieldPathError) as error:
        downward.text(item, POD, {})
    assert str(error.value) == text
