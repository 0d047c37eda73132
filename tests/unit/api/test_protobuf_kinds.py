"""Every kind that is served, through protobuf and JSON: Google's library encodes, both decode to the same."""

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api import decoding, reviews, schema, scheme
from strongroom.machinery.codec.types import Field, Type
from strongroom.machinery.gvk import Resource
from strongroom.testing import protobuf_bodies

BODIES = protobuf_bodies.Bodies(schema.table())
POSTED = (
    reviews.TOKEN_REQUESTS,
    *(review.resource for review in reviews.REVIEWS),
    Resource("", "v1", "bindings", "Binding"),
    Resource("policy", "v1", "evictions", "Eviction"),
    Resource("autoscaling", "v1", "scales", "Scale"),
    Resource("", "v1", "", "DeleteOptions"),
)
RESOURCES = (*scheme.STRATEGIES, *POSTED)
MAX_DEPTH = 12

Choose = Callable[[Field, int], bool]

SAMPLES: dict[str, list[Any]] = {
    "string": ["", "a", "x-y.z/1", "Grüße\n\"'<&>", "\u2028", "0"],
    "int32": [0, 1, -1, 2**31 - 1, -(2**31)],
    "int64": [0, 1, -1, 2**63 - 1, -(2**63)],
    "bool": [True, False],
    "bytes": ["", "dg==", "AP8="],
    "double": [0.0, 1.5, -2.25e9],
    "Time": ["2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
    "MicroTime": ["2026-01-02T03:04:05.000001Z", "1969-12-31T23:59:59.999999Z"],
    "Quantity": ["1", "1500m", "1Gi", "0", "-1"],
    "IntOrString": [80, 0, -1, "http", "50%"],
    "FieldsV1": [{"f:data": {".": {}, "f:k": {}}}, {}],
}


def value(kind: Type, pick: random.Random, choose: Choose, depth: int) -> Any:
    if kind.kind == "message":
        return make(kind.message, pick, choose, depth + 1)
    if kind.kind == "list" and kind.element:
        # An empty list does not travel.
        return [value(kind.element, pick, choose, depth) for _ in range(pick.choice((1, 1, 2)))]
    if kind.kind == "map" and kind.element:
        keys = pick.sample(["a", "b/c", "", "ä"], pick.choice((1, 2)))
        return {key: value(kind.element, pick, choose, depth) for key in keys}
    return pick.choice(SAMPLES[kind.kind])


def make(message: str, pick: random.Random, choose: Choose, depth: int = 0) -> dict[str, Any]:
    """An object of the message with the fields that `choose` wants."""
    return {
        field.name: value(field.type, pick, choose, depth)
        for field in schema.table().json_fields(message)
        if field.number and depth < MAX_DEPTH and choose(field, depth)
    }


ZEROES: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "bool": False, "double": 0.0}


def printed(message: str, obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` as Go prints it: with zeroes where a field that is no pointer is printed even if zero."""
    full: dict[str, Any] = {}
    for field in schema.table().json_fields(message):
        if field.name in obj:
            full[field.name] = _printed(field.type, obj[field.name])
        elif field.zero_counts and not field.pointer and field.number:
            if field.type.kind == "message":
                full[field.name] = printed(field.type.message, {})
            elif field.type.kind in ZEROES:
                full[field.name] = ZEROES[field.type.kind]
    return full


def _printed(kind: Type, of: Any) -> Any:
    if kind.kind == "message":
        return printed(kind.message, of)
    if kind.kind == "list" and kind.element:
        return [_printed(kind.element, item) for item in of]
    if kind.kind == "map" and kind.element:
        return {key: _printed(kind.element, item) for key, item in of.items()}
    return of


def check(resource: Resource, obj: dict[str, Any], *, as_go: bool) -> None:
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    assert message is not None
    head = {"kind": resource.kind, "apiVersion": resource.api_version}
    document = printed(message, obj) if as_go else obj
    expected = decoding.decode(orjson.dumps(document | head), decoding.JSON, resource, decoding.STRICT).obj
    body = BODIES.body(message, resource.api_version, resource.kind, obj, as_go=as_go)
    found = decoding.decode(body, decoding.PROTOBUF, resource).obj
    assert found == expected
    assert orjson.dumps(found) == orjson.dumps(expected), "fields in another order"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
@pytest.mark.parametrize("as_go", [False, True])
def test_every_field_of_the_kind(resource: Resource, as_go: bool) -> None:
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    assert message is not None
    for seed in range(3):
        obj = make(message, random.Random(seed), lambda field, depth: True)
        check(resource, obj, as_go=as_go)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
@given(seed=st.integers(0, 2**32), density=st.sampled_from((0.1, 0.3, 0.6)), as_go=st.booleans())
@settings(max_examples=20, deadline=None)
def test_some_fields_of_the_kind(resource: Resource, seed: int, density: float, as_go: bool) -> None:
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    assert message is not None
    pick = random.Random(seed)
    # The outer fields more often, or most objects would be all but empty.
    obj = make(message, pick, lambda field, depth: pick.random() < density + (0.6 if depth < 2 else 0))
    check(resource, obj, as_go=as_go)
