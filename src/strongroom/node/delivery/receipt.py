"""Which version of each Secret the containers of a pod hold. Pure, from recorded facts.

Files of a volume hold the version that was written last. Variables, and what subPath shows, hold the one that
was there when their container started: it is noted on the container, in the runtime, so that it is known as
long as the container is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from strongroom.api.core.v1.pod import secret_uses
from strongroom.api.core.v1.pod.secret_uses import ENV, SUB_PATH, VOLUME, Use
from strongroom.machinery.gvk import Object
from strongroom.node.runtime.observed import PodRuntime, State

MAX_MESSAGE = 1000

Versions = Mapping[str, str]
"""Name of a Secret -> its resourceVersion; "" where there is no such Secret."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the files of a volume are made of. Empty `versions`: not known."""

    versions: Versions = field(default_factory=dict)
    error: str = ""
    """Why they could not be brought up to date; never a value."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """`version` None: not known; "": there was no Secret, or nothing has been delivered."""

    use: Use
    version: str | None
    message: str = ""


def version_of(secret: Object | None) -> str:
    return str(secret["metadata"].get("resourceVersion", "")) if secret is not None else ""


def note(container: Object, env: Versions, volumes: Mapping[str, Held]) -> str:
    """What is noted on a container that is about to start; "" if no Secret is fixed in it."""
    mounts = [mount for mount in container.get("volumeMounts") or () if secret_uses.is_sub_path(mount)]
    parts = {
        name: dict(volumes[name].versions)
        for name in sorted({str(mount["name"]) for mount in mounts})
        if name in volumes and volumes[name].versions
    }
    noted: dict[str, Any] = {ENV: dict(env)} if env else {}
    if parts:
        noted[SUB_PATH] = parts
    return orjson.dumps(noted, option=orjson.OPT_SORT_KEYS).decode() if noted else ""


def deliveries(pod: Object, runtime: PodRuntime, volumes: Mapping[str, Held]) -> list[Delivery]:
    """An entry for each use of a Secret by a container that there is.

    A container that does not run holds no variables; one that ended for good holds nothing.
    """
    found = []
    for use in secret_uses.uses(pod):
        latest = runtime.latest(use.container)
        alive = latest is not None and latest.state in (State.RUNNING, State.UNKNOWN)
        if use.passing and not alive:
            continue
        if use.way == VOLUME:
            held = volumes.get(use.volume, Held())
            found.append(Delivery(use, held.versions.get(use.secret), held.error[:MAX_MESSAGE]))
        elif latest is not None and alive:
            found.append(Delivery(use, _noted(latest.started_with, use)))
    return found


def _noted(text: str, use: Use) -> str | None:
    try:
        noted = orjson.loads(text) if text else {}
        part = noted.get(use.way, {})
        version = (part.get(use.volume, {}) if use.way == SUB_PATH else part).get(use.secret)
    except (orjson.JSONDecodeError, AttributeError):
        return None  # not written by this agent
    return version if isinstance(version, str) else None


def merged(old: Sequence[Object], new: Sequence[Delivery], now: str) -> list[Object]:
    """The `deliveries` of the object to be written, where `old` are those of the one that is there.

    A version that is not known is taken from there, as is the time of one that has not changed."""
    before = {_key(item): item for item in old}
    return [_entry(before.get(delivery.use.key, {}), delivery, now) for delivery in new]


def _entry(old: Object, delivery: Delivery, now: str) -> Object:
    use, known = delivery.use, str(old.get("resourceVersion") or "")
    version = known if delivery.version is None else delivery.version
    entry: Object = {"secret": use.secret, "container": use.container, "way": use.way}
    if use.volume:
        entry["volume"] = use.volume
    if version:
        entry["resourceVersion"] = version
        entry["time"] = old["time"] if version == known and old.get("time") else now
    if delivery.message:
        entry["message"] = delivery.message
    return entry


def _key(item: Object) -> tuple[str, ...]:
    return tuple(str(item.get(part) or "") for part in ("secret", "container", "way", "volume"))
