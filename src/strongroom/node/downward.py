"""The downward API: fields and resources of a pod as text, for environments and for files."""

import re
from collections.abc import Mapping
from typing import Any

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import go_quote

_SUBSCRIPT = re.compile(r"^(metadata\.(?:labels|annotations))\['(.*)'\]$")


class FieldPathError(Exception):
    """A field or resource that the downward API does not offer."""


def text(source: Object, pod: Object, allocatable: Mapping[str, str]) -> str:
    """The text for an item of a downwardAPI volume, which has a `fieldRef` or a `resourceFieldRef`."""
    if (field_ref := source.get("fieldRef")) is not None:
        return field(pod, str(field_ref.get("fieldPath", "")))
    if (resource_ref := source.get("resourceFieldRef")) is not None:
        name = str(resource_ref.get("containerName", ""))
        return resource(container(pod, name), resource_ref, allocatable)
    raise FieldPathError("neither fieldRef nor resourceFieldRef is set")


def field(pod: Object, path: str) -> str:
    """A field of the pod's metadata. Maps are one `key="value"` a line, in the order of their keys."""
    metadata: dict[str, Any] = pod.get("metadata") or {}
    if found := _SUBSCRIPT.match(path):
        values = metadata.get(found[1].removeprefix("metadata.")) or {}
        return str(values.get(found[2], ""))
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(metadata.get(path.removeprefix("metadata."), ""))
    if path in ("metadata.labels", "metadata.annotations"):
        values = metadata.get(path.removeprefix("metadata.")) or {}
        return "\n".join(f"{key}={go_quote(str(values[key]))}" for key in sorted(values))
    raise FieldPathError(f"unsupported fieldPath: {path}")


def container(pod: Object, name: str) -> Object:
    """The container of that name, init containers included."""
    spec = pod.get("spec") or {}
    for candidate in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if candidate.get("name") == name:
            return dict(candidate)
    raise FieldPathError(f"container {name} not found")


def resource(owner: Object, reference: Object, allocatable: Mapping[str, str]) -> str:
    """A limit or request of a container in units of the divisor, rounded up.

    A limit of cpu, memory or ephemeral-storage that is not set is the node's allocatable amount.
    """
    path = str(reference.get("resource", ""))
    kind, _, name = path.partition(".")
    if kind not in ("limits", "requests") or not name:
        raise FieldPathError(f"unsupported container resource : {path}")
    amount = ((owner.get("resources") or {}).get(kind) or {}).get(name)
    if amount is None:
        amount = allocatable.get(name, "0") if kind == "limits" else "0"
    divisor = quantity.of(reference.get("divisor") or "1")
    return str(quantity.of(amount).divided_by(divisor if divisor.nanos else quantity.parse("1")))
