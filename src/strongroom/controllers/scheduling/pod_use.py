"""What a Pod takes of a node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.api.core.v1.pod import totals
from strongroom.api.core.v1.pod.totals import Amounts
from strongroom.machinery.gvk import Object

Port = tuple[str, str, int]
"""Host address ("0.0.0.0": all), protocol, port."""

ANY_ADDRESS = "0.0.0.0"  # noqa: S104


@dataclass(frozen=True, slots=True)
class PodUse:
    """Requests of the whole Pod and the ports of the host that it binds."""

    requests: Amounts
    ports: frozenset[Port] = frozenset()


def of(pod: Object) -> PodUse:
    """What the scheduler reserves for `pod`."""
    spec = pod.get("spec") or {}
    return PodUse(totals.requests(spec), frozenset(_ports(spec)))


def _ports(spec: Mapping[str, Any]) -> Iterable[Port]:
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or ANY_ADDRESS, port.get("protocol") or "TCP", port["hostPort"]
