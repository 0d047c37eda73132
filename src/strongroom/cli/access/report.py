"""The answer, as a table for people and as JSON for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from strongroom.cli import columns
from strongroom.cli.access.model import Holder, Way

_COLUMNS = ("SUBJECT", "ACCESS", "WAY", "BY")


def document(namespace: str, name: str, holders: Sequence[Holder]) -> dict[str, Any]:
    """`subjects`: each with its `ways`; `direct` is who may read the Secret itself."""
    return {
        "kind": "SecretAccess",
        "secret": {"namespace": namespace, "name": name},
        "subjects": [_holder(holder) for holder in holders],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    kind, namespace, name = holder.subject
    subject = {"kind": kind, "name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "subject": subject,
        "direct": holder.direct,
        "builtIn": holder.subject.built_in,
        "ways": [_way(way) for way in holder.ways],
    }


def _way(way: Way) -> dict[str, Any]:
    shown = {"kind": way.kind, "direct": way.direct, "description": way.detail}
    if way.via:
        shown["via"] = way.via
    if way.through is not None:
        shown["through"] = way.through.user_name
    return shown


def table(holders: Sequence[Holder]) -> str:
    """A row for each way; the subject stands before its first."""
    rows = [_COLUMNS, *(row for holder in holders for row in _rows(holder))]
    return columns.aligned(rows)


def _rows(holder: Holder) -> Iterator[tuple[str, ...]]:
    for index, way in enumerate(holder.ways):
        shown = "" if index else str(holder.subject)
        yield (shown, "direct" if way.direct else "indirect", way.detail, way.via)
