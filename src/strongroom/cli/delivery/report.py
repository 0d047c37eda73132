"""The answer, as a table for people and as JSON for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from strongroom.cli import columns
from strongroom.cli.delivery import holders
from strongroom.cli.delivery.holders import Holder
from strongroom.machinery import duration

_COLUMNS: Final = ("POD", "CONTAINER", "WAY", "VERSION", "NEWEST", "STATE", "SINCE", "NODE", "NOTE")


def document(namespace: str, name: str, newest: str, found: Sequence[Holder]) -> dict[str, Any]:
    """`filesCurrent`: every file holds the newest version; `allCurrent`: variables and subPath mounts too."""
    return {
        "kind": "SecretDeliveryReport",
        "secret": {"namespace": namespace, "name": name, "resourceVersion": newest},
        "filesCurrent": not holders.lagging(found, files_only=True),
        "allCurrent": not holders.lagging(found, files_only=False),
        "holders": [_holder(holder) for holder in found],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    shown = {
        "pod": holder.pod,
        "podUID": holder.pod_uid,
        "node": holder.node,
        "container": holder.use.container,
        "way": holder.use.way,
        "volume": holder.use.volume,
        "state": holder.state.value,
        "resourceVersion": holder.version,
        "time": holder.time,
        "message": holder.message,
    }
    return {key: value for key, value in shown.items() if value}


def table(newest: str, found: Sequence[Holder], now: datetime) -> str:
    """A row for each container and way."""
    return columns.aligned([_COLUMNS, *(_row(newest, holder, now) for holder in found)])


def _row(newest: str, holder: Holder, now: datetime) -> tuple[str, ...]:
    way = f"{holder.use.way} {holder.use.volume}".rstrip()
    since = duration.age(holder.time, now) if holder.time else ""
    version = holder.version or "<none>"
    shown = (holder.pod, holder.use.container, way, version, newest or "<none>", holder.state.value)
    return (*shown, since, holder.node, holder.message)
