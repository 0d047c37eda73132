"""Tables and metadata-only forms of objects: what `kubectl get` asks for (API concepts, "Table fetches")."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api.strategy import Strategy
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object

INCLUDE = ("Metadata", "Object", "None")


def include_object(value: str) -> str:
    """The `includeObject` parameter, `Metadata` by default. Raises StatusError 400."""
    if not value:
        return "Metadata"
    if value not in INCLUDE:
        error = validation.invalid_value(
            "includeObject", value, "must be 'Metadata', 'Object', 'None', or empty"
        )
        raise status.bad_request(str(error))
    return value


def partial_metadata(obj: Object) -> Object:
    """The object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def partial_metadata_list(objects: Iterable[Object], list_meta: Mapping[str, Any]) -> Object:
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(list_meta),
        "items": [partial_metadata(obj) for obj in objects],
    }


def columns(strategy: Strategy) -> list[dict[str, Any]]:
    """`columnDefinitions` of the kind."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in strategy.columns
    ]


def row(strategy: Strategy, obj: Object, now: datetime, include: str) -> dict[str, Any]:
    """One row. `obj` is complete: kind, apiVersion, metadata with its resourceVersion."""
    found: dict[str, Any] = {"cells": strategy.row(obj, now)}
    if conditions := strategy.row_conditions(obj):
        found["conditions"] = conditions
    if include == "Metadata":
        found["object"] = partial_metadata(obj)
    else:
        found["object"] = obj if include == "Object" else None
    return found


def table(
    strategy: Strategy,
    objects: Sequence[Object],
    now: datetime,
    include: str = "Metadata",
    list_meta: Mapping[str, Any] | None = None,
    *,
    with_columns: bool = True,
) -> Object:
    """The `Table` of a list, or of one object (give its resourceVersion as `list_meta`).

    In a watch only the first event's Table has columns."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(list_meta or {}),
        "columnDefinitions": columns(strategy) if with_columns else None,
        "rows": [row(strategy, obj, now, include) for obj in objects],
    }
