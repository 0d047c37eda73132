"""The Endpoints object of a Service: decides what it should say."""

from collections.abc import Sequence
from typing import Any

from strongroom.api import resources
from strongroom.controllers import actions, pod_state
from strongroom.controllers.actions import Action
from strongroom.controllers.endpoints import members
from strongroom.controllers.endpoints.members import Port
from strongroom.machinery.gvk import Object

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MOST = 1000
"""Addresses of one object; more are left out, and an annotation says so."""


def decide(service: Object, pods: Sequence[Object], present: Object | None) -> list[Action]:
    """`pods`: those that the Service chooses."""
    metadata = service["metadata"]
    subsets, truncated = _limited(_subsets(service, pods))
    labels = {**(metadata.get("labels") or {}), MANAGED_BY: MANAGER}
    labels.pop(members.HEADLESS, None)
    if members.is_headless(service):
        labels[members.HEADLESS] = ""
    if present is not None and _same(present, subsets, labels, truncated=truncated):
        return []
    annotations = dict((present or {}).get("metadata", {}).get("annotations") or {})
    annotations[members.TRIGGER] = members.triggered(service, pods)
    annotations.pop(OVER_CAPACITY, None)
    if truncated:
        annotations[OVER_CAPACITY] = "truncated"
    kept = present["metadata"] if present is not None else {"name": metadata["name"]}
    wanted = {
        "kind": resources.ENDPOINTS.kind,
        "apiVersion": resources.ENDPOINTS.api_version,
        "metadata": {**kept, "labels": labels, "annotations": annotations},
        **({"subsets": subsets} if subsets else {}),
    }
    made = actions.Create if present is None else actions.Update
    return [made(resources.ENDPOINTS, metadata["namespace"], wanted)]


def _subsets(service: Object, pods: Sequence[Object]) -> list[Object]:
    """Addresses by the ports that they are reached at, and for each address whether it is ready."""
    family = members.families(service)[0]
    always = service["spec"].get("publishNotReadyAddresses", False)
    groups: dict[tuple[Port, ...], dict[str, list[Object]]] = {}
    for pod in pods:
        ips = members.addresses(pod, family)
        if not ips or pod_state.is_finished(pod) or (members.is_terminating(pod) and not always):
            continue
        ports = members.ports(service, pod)
        if not ports and service["spec"].get("ports"):
            continue
        ready = always or members.is_serving(pod)
        field = "addresses" if ready else "notReadyAddresses"
        groups.setdefault(ports, {}).setdefault(field, []).append(_address(service, pod, ips[0]))
    found = []
    for ports, addresses in sorted(groups.items()):
        subset: Object = {}
        for field in ("addresses", "notReadyAddresses"):
            if listed := addresses.get(field):
                subset[field] = sorted(
                    listed, key=lambda address: (address["ip"], address["targetRef"]["uid"])
                )
        if ports:
            subset["ports"] = [_port(port) for port in ports]
        found.append(subset)
    return found


def _address(service: Object, pod: Object, ip: str) -> Object:
    address: Object = {"ip": ip}
    if hostname := members.hostname(service, pod):
        address["hostname"] = hostname
    if node := pod_state.node(pod):
        address["nodeName"] = node
    return {**address, "targetRef": members.reference(pod)}


def _port(port: Port) -> Object:
    found = port.to_dict()
    ordered: Object = {"name": port.name} if port.name else {}
    return {**ordered, "port": found.pop("port"), **found}


def _limited(subsets: list[Object]) -> tuple[list[Object], bool]:
    """At most `MOST` addresses, the ready ones first; whether any were left out."""
    left, truncated = MOST, False
    for field in ("addresses", "notReadyAddresses"):
        for subset in subsets:
            listed = subset.get(field) or []
            if len(listed) > left:
                truncated = True
                subset[field] = listed[:left]
            left -= len(subset.get(field) or ())
    kept = [{key: value for key, value in subset.items() if value} for subset in subsets]
    return [s for s in kept if s.get("addresses") or s.get("notReadyAddresses")], truncated


def _same(present: Object, subsets: list[Object], labels: dict[str, Any], *, truncated: bool) -> bool:
    metadata = present["metadata"]
    said = OVER_CAPACITY in (metadata.get("annotations") or {})
    return (
        (present.get("subsets") or []) == subsets and metadata.get("labels") == labels and said is truncated
    )
