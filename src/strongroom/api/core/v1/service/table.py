"""A Service's row."""

from datetime import datetime
from typing import Any

from strongroom.api.core.v1.service import kinds
from strongroom.api.strategy import AGE, NAME, Column
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

COLUMNS = (
    NAME,
    Column("Type", description="How the Service is reached."),
    Column("Cluster-IP", description="Its address within the cluster."),
    Column("External-IP", description="Its addresses, or its name, outside of the cluster."),
    Column("Port(s)", description="Its ports, with those on the nodes."),
    AGE,
    Column("Selector", priority=1, description="Which Pods stand behind it."),
)
NONE = "<none>"
_BALANCER_WIDTH = 16


def row(obj: Object, now: datetime) -> list[Any]:
    spec, metadata = obj["spec"], obj["metadata"]
    ips = spec.get("clusterIPs") or ()
    return [
        metadata["name"],
        spec.get("type", ""),
        ips[0] if ips else NONE,
        _external(obj),
        ",".join(_port(port) for port in kinds.ports(spec)) or NONE,
        duration.age(metadata.get("creationTimestamp"), now),
        ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items())) or NONE,
    ]


def _port(port: Object) -> str:
    number, on_node = port.get("port", 0), port.get("nodePort")
    return f"{number}:{on_node}/{port.get('protocol')}" if on_node else f"{number}/{port.get('protocol')}"


def _external(obj: Object) -> str:
    spec = obj["spec"]
    given = ",".join(spec.get("externalIPs") or ())
    kind = spec.get("type")
    if kind in (kinds.CLUSTER_IP, kinds.NODE_PORT):
        return given or NONE
    if kind == kinds.EXTERNAL_NAME:
        name: str = spec.get("externalName", "")
        return name
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    balanced = ",".join(sorted({each.get("ip") or each.get("hostname", "") for each in ingress} - {""}))
    if len(balanced) > _BALANCER_WIDTH:
        balanced = balanced[: _BALANCER_WIDTH - 3] + "..."
    return ",".join(part for part in (balanced, given) if part) or "<pending>"
