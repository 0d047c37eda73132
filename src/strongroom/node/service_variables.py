"""The variables by which a container finds the Services of its namespace, and the API.

Rules: Kubernetes' "Discovering services", `pkg/kubelet/envvars`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from strongroom.machinery.gvk import Object

API: Final = ("default", "kubernetes")


def variables(pod: Object, services: Iterable[Object]) -> Mapping[str, str]:
    """Of Services that have a cluster IP. The API's are always there, unless the namespace has a Service of
    that name; the others only where `enableServiceLinks` is not false."""
    namespace = str(pod["metadata"]["namespace"])
    links = (pod.get("spec") or {}).get("enableServiceLinks")
    chosen: dict[str, Object] = {}
    for service in services:
        metadata = service["metadata"]
        own = metadata["namespace"] == namespace and links is not False
        is_api = (metadata["namespace"], metadata["name"]) == API
        if not _has_address(service) or not (own or is_api):
            continue
        if own or metadata["name"] not in chosen:
            chosen[metadata["name"]] = service
    found: dict[str, str] = {}
    for name in sorted(chosen):
        found |= _of_service(chosen[name])
    return found


def _has_address(service: Object) -> bool:
    return (service.get("spec") or {}).get("clusterIP", "") not in ("", "None")


def _of_service(service: Object) -> dict[str, str]:
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    address, ports = service["spec"]["clusterIP"], service["spec"].get("ports") or ()
    found = {f"{prefix}_SERVICE_HOST": address}
    if not ports:
        return found
    found[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
    for port in ports:
        if name := port.get("name"):
            found[f"{prefix}_SERVICE_PORT_{name.upper().replace('-', '_')}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol, number = port.get("protocol") or "TCP", str(port["port"])
        url = f"{protocol.lower()}://{_in_url(address)}:{number}"
        if index == 0:
            found[f"{prefix}_PORT"] = url
        link = f"{prefix}_PORT_{number}_{protocol.upper()}"
        found |= {
            link: url,
            f"{link}_PROTO": protocol.lower(),
            f"{link}_PORT": number,
            f"{link}_ADDR": address,
        }
    return found


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
