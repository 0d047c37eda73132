"""ConfigMaps: keys, size, immutability."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names, status

STRATEGY = STRATEGIES[resources.CONFIG_MAPS]
FROZEN = "Forbidden: field is immutable when `immutable` is set"


def make(**fields: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, **fields}
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    return obj


def errors(**fields: Any) -> list[str]:
    return [str(error) for error in STRATEGY.validate(make(**fields))]


def test_fields_come_in_kubernetes_order_without_empty_ones() -> None:
    obj = make(binaryData={"c": "dg=="}, data={"b": None, "a": "1"}, immutable=True)
    assert list(obj) == ["kind", "apiVersion", "metadata", "immutable", "data", "binaryData"]
    assert list(obj["data"].items()) == [("a", "1"), ("b", "")]
    assert list(make(binaryData={}, data=None, immutable=None)) == ["kind", "apiVersion", "metadata"]


def test_binary_data_that_is_not_base64() -> None:
    with pytest.raises(status.StatusError) as caught:
        make(binaryData={"a": "?"})
    assert str(caught.value) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: illegal base64 data at input byte 0'
    )


def test_keys() -> None:
    (message,) = names.config_map_key("a b")
    assert errors(data={"a b": ""}) == [f'data[a b]: Invalid value: "a b": {message}']
    assert errors(binaryData={"a b": ""}) == [f'binaryData[a b]: Invalid value: "a b": {message}']
    assert errors(data={"k": ""}, binaryData={"k": ""}) == [
        'data[k]: Invalid value: "k": duplicate of key present in binaryData'
    ]


def test_size_counts_both_maps_and_is_reported_for_the_whole() -> None:
    half = "é" * (256 * 1024)
    assert errors(data={"a": half}, binaryData={"b": base64_data.encode(half.encode())}) == []
    assert errors(data={"a": half, "c": "x"}, binaryData={"b": base64_data.encode(half.encode())}) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"immutable": True}, []),
        ({}, [f"immutable: {FROZEN}"]),
        ({"immutable": True, "data": {"k": "w"}}, [f"data: {FROZEN}"]),
        ({"immutable": True, "binaryData": {}}, [f"binaryData: {FROZEN}"]),
    ],
)
def test_immutable(new: dict[str, Any], expected: list[str]) -> None:
    base: dict[str, Any] = {"data": {"k": "v"}, "binaryData": {"b": "dg=="}}
    found = STRATEGY.validate_update(make(**{**base, **new}), make(**base, immutable=True))
    assert [str(error) for error in found] == expected
    assert STRATEGY.validate_update(make(**{**base, **new}), make(**base)) == []


def test_row() -> None:
    obj = make(data={"a": "", "b": ""}, binaryData={"c": ""})
    obj["metadata"]["creationTimestamp"] = "2026-01-02T03:04:00Z"
    assert STRATEGY.row(obj, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == ["c", 3, "5s"]
