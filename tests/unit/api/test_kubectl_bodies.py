"""Bodies that Go encoded: what kubectl 1.37 sent, beside what it prints of the same objects.

`tests/e2e/kubectl/test_protobuf_bodies.py` holds the file against the kubectl that is installed.
"""

from base64 import b64decode
from pathlib import Path
from typing import Any

import orjson
import pytest

from strongroom.api import decoding, reviews, scheme

BODIES: list[dict[str, Any]] = orjson.loads(Path(__file__).with_name("kubectl_bodies.json").read_bytes())
RESOURCES = {
    (resource.api_version, resource.kind): resource
    for resource in (
        *scheme.STRATEGIES,
        *(review.resource for review in reviews.REVIEWS),
        reviews.TOKEN_REQUESTS,
    )
}


def meaning(obj: Any) -> Any:
    """Without what says nothing: members that are null, false or empty."""
    if isinstance(obj, dict):
        found = {key: meaning(item) for key, item in obj.items()}
        return {key: item for key, item in found.items() if item not in (None, {}, [], "", False)}
    return [meaning(item) for item in obj] if isinstance(obj, list) else obj


@pytest.mark.parametrize("sample", BODIES, ids=lambda sample: sample["command"])
def test_body_is_the_object_that_kubectl_prints(sample: dict[str, Any]) -> None:
    wanted = sample["object"]
    resource = RESOURCES[wanted["apiVersion"], wanted["kind"]]
    from_json = decoding.decode(orjson.dumps(wanted), decoding.JSON, resource, decoding.STRICT).obj
    sent = decoding.decode(b64decode(sample["body"]), decoding.PROTOBUF, resource)
    assert sent.warnings == []
    assert meaning(sent.obj) == meaning(from_json)
    assert {key for key in sent.obj if key not in from_json} <= {"metadata", "spec", "status"}
