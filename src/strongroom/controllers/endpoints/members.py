"""A Pod as what a Service leads to.

Source: Kubernetes documentation, "Service", "EndpointSlices"; `endpointslice` reconciler of Kubernetes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from strongroom.controllers import pod_state
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

HEADLESS = "service.kubernetes.io/headless"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
IPV4, IPV6 = "IPv4", "IPv6"


class Port(NamedTuple):
    """A port of a Service, as it is on a Pod."""

    name: str
    protocol: str
    port: int
    app_protocol: str = ""

    def to_dict(self) -> Object:
        """Without an empty name, which each kind writes in its own way."""
        found: Object = {"protocol": self.protocol, "port": self.port}
        return {**found, "appProtocol": self.app_protocol} if self.app_protocol else found


def is_followed(service: Object | None) -> bool:
    """Whether the Service's endpoints are kept for it: it chooses Pods, and is no mere name."""
    spec = (service or {}).get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def chooses(service: Object, labels: Mapping[str, str] | None) -> bool:
    selector: Mapping[str, str] = service["spec"]["selector"]
    return selector.items() <= (labels or {}).items()


def is_headless(service: Object) -> bool:
    return bool(service["spec"].get("clusterIP") == "None")


def families(service: Object) -> Sequence[str]:
    """The address types of the Service, the first one first."""
    return service["spec"].get("ipFamilies") or (IPV4,)


def addresses(pod: Object, family: str) -> list[str]:
    """The Pod's addresses of a family."""
    status = pod.get("status") or {}
    listed = [each.get("ip", "") for each in status.get("podIPs") or ()] or [status.get("podIP") or ""]
    return [ip for ip in listed if ip and (":" in ip) is (family == IPV6)]


def ports(service: Object, pod: Object) -> tuple[Port, ...]:
    """Where the Pod listens for the Service; a named port that it does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol") or "TCP"
        number = _number(port.get("targetPort") or port["port"], protocol, pod)
        if number:
            found.append(Port(port.get("name") or "", protocol, number, port.get("appProtocol") or ""))
    return tuple(sorted(found))


def _number(target: int | str, protocol: str, pod: Object) -> int:
    if isinstance(target, int):
        return target
    spec = pod.get("spec") or {}
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *sidecars):
        for port in container.get("ports") or ():
            if port.get("name") == target and (port.get("protocol") or "TCP") == protocol:
                number: int = port["containerPort"]
                return number
    return 0


def is_serving(pod: Object) -> bool:
    return pod_state.ready_since(pod) is not None


def is_terminating(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def reference(pod: Object) -> Object:
    """The `targetRef` of an endpoint."""
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def hostname(service: Object, pod: Object) -> str:
    """The name of the Pod within the Service's domain, "" when it has none."""
    spec = pod.get("spec") or {}
    if not spec.get("hostname") or spec.get("subdomain") != service["metadata"]["name"]:
        return ""
    return str(spec["hostname"])


def triggered(service: Object, pods: Sequence[Object]) -> str:
    """When what is there came to be: the last time that a Pod became ready, or the Service's beginning."""
    moments = [since for pod in pods if (since := pod_state.ready_since(pod)) is not None]
    created = duration.parse_timestamp(service["metadata"]["creationTimestamp"])
    return duration.timestamp(max([*moments, created]))


def signature(pod: Object) -> Any:
    """What of a Pod its endpoints rest on: while that stays there is nothing to do."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    return (
        metadata["uid"],
        metadata.get("labels"),
        is_terminating(pod),
        spec.get("nodeName"),
        status.get("podIP"),
        status.get("podIPs"),
        pod_state.is_finished(pod),
        pod_state.ready_since(pod),
    )
