"""Objects that Go encoded: what a kube-apiserver 1.36.2 answered as protobuf, beside its answer as JSON.

Each object was posted with as many of its fields as could be and read back in both forms.
"""

from base64 import b64decode
from pathlib import Path
from typing import Any

import orjson
import pytest

from strongroom.api import decoding, reviews, scheme
from strongroom.machinery.gvk import Resource

SAMPLES: list[dict[str, Any]] = orjson.loads(Path(__file__).with_name("go_encoded.json").read_bytes())
SCALE = Resource("autoscaling", "v1", "scales", "Scale")
RESOURCES = {
    (resource.api_version, resource.kind): resource
    for resource in (*scheme.STRATEGIES, *(review.resource for review in reviews.REVIEWS), SCALE)
}


def kind(sample: dict[str, Any]) -> tuple[str, str]:
    return sample["object"]["apiVersion"], sample["object"]["kind"]


def meaning(obj: Any) -> Any:
    """Without what says nothing: members that are null, false, zero or empty; rules in no order."""
    if isinstance(obj, dict):
        found = {key: meaning(item) for key, item in obj.items()}
        found = {key: item for key, item in found.items() if item not in (None, {}, [], "", 0)}
        return {key: sorted(item, key=repr) if key.endswith("Rules") else item for key, item in found.items()}
    return [meaning(item) for item in obj] if isinstance(obj, list) else obj


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: "/".join(kind(sample)))
def test_both_forms_are_one_object(sample: dict[str, Any]) -> None:
    resource = RESOURCES[kind(sample)]
    wanted = decoding.decode(orjson.dumps(sample["object"]), decoding.JSON, resource, decoding.STRICT)
    found = decoding.decode(b64decode(sample["body"]), decoding.PROTOBUF, resource, decoding.STRICT)
    assert (wanted.warnings, found.warnings) == ([], [])
    assert meaning(found.obj) == meaning(wanted.obj)


def test_every_kind_has_a_sample() -> None:
    served = {key for key in RESOURCES if not key[0].startswith("delivery.strongroom.dev/")}
    assert {kind(sample) for sample in SAMPLES} == served
