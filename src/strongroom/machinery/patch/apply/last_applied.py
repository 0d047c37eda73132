"""Moving from `kubectl apply` to `kubectl apply --server-side` without conflicts with one's own past.

Client-side apply keeps its document in an annotation. What the annotation says and the object still holds is
the applier's own, whoever the managers say owns it; and kubectl's applies keep the annotation up to date, so
that one can go back. Only the manager `kubectl` is treated so.
"""

from typing import Any

import orjson

from strongroom.machinery.gvk import Object
from strongroom.machinery.meta import ANNOTATIONS_MAX
from strongroom.machinery.names import size
from strongroom.machinery.patch.apply import comparison, extraction, field_set
from strongroom.machinery.patch.apply.field_set import EMPTY, FieldSet
from strongroom.machinery.patch.apply.types import Type

MANAGER = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def _annotation(obj: Object) -> str:
    value = (obj["metadata"].get("annotations") or {}).get(ANNOTATION)
    return value if isinstance(value, str) else ""


def owned(live: Object, kind: Type) -> FieldSet:
    """The fields that the annotation of `live` names and that still are as it has them."""
    try:
        document: Any = orjson.loads(_annotation(live) or "null")
    except orjson.JSONDecodeError:
        return EMPTY
    if not isinstance(document, dict):
        return EMPTY
    difference = comparison.compare(document, live, kind)
    others = field_set.union(difference.changed, difference.removed)
    return field_set.difference(extraction.known_fields(document, kind), others)


def refresh(obj: Object, document: Object) -> Object:
    """`obj` with `document` in its annotation if it has one; without, when it would be too long."""
    if not _annotation(obj):
        return obj
    annotations = dict(obj["metadata"]["annotations"])
    annotations[ANNOTATION] = _encode(document)
    if sum(size(key) + size(str(value)) for key, value in annotations.items()) > ANNOTATIONS_MAX:
        del annotations[ANNOTATION]
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _encode(document: Object) -> str:
    """The document as kubectl writes it, without the annotation itself."""
    metadata = document.get("metadata") or {}
    if ANNOTATION in (metadata.get("annotations") or {}):
        kept = {key: value for key, value in metadata["annotations"].items() if key != ANNOTATION}
        document = {**document, "metadata": {**metadata, "annotations": kept}}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode().translate(_HTML) + "\n"
