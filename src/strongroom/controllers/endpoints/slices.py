"""The EndpointSlices of a Service: decides what is to be made, changed and removed.

A slice's name tells which part of the Service it holds, so making one twice makes one.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from strongroom.api import resources
from strongroom.controllers import actions, pod_state
from strongroom.controllers.actions import Action
from strongroom.controllers.endpoints import members
from strongroom.controllers.endpoints.members import Port
from strongroom.machinery.gvk import Object

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
MOST = 100
"""Endpoints of one slice."""
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_BASE_MAX = 57

Zone = Callable[[str], str]
"""The zone of a node, "" when it has none."""


def is_ours(piece: Object) -> bool:
    return bool((piece["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER)


def service_of(piece: Object) -> str:
    """The name of the Service that the slice belongs to, or ""."""
    return str((piece["metadata"].get("labels") or {}).get(SERVICE_NAME) or "")


def decide(service: Object, pods: Sequence[Object], present: Iterable[Object], zone: Zone) -> list[Action]:
    """`pods`: those that the Service chooses; `present`: the slices that are ours and the Service's."""
    namespace = service["metadata"]["namespace"]
    wanted = {piece["metadata"]["name"]: piece for piece in _wanted(service, pods, zone)}
    found: list[Action] = []
    removed: list[Action] = []
    for piece in present:
        metadata = piece["metadata"]
        made = wanted.pop(metadata["name"], None)
        if made is None or _ours_no_more(piece, service):
            removed.append(
                actions.Delete(resources.ENDPOINT_SLICES, namespace, metadata["name"], metadata["uid"])
            )
        elif (changed := _changed(piece, made)) is not None:
            found.append(actions.Update(resources.ENDPOINT_SLICES, namespace, changed))
    found += [actions.Create(resources.ENDPOINT_SLICES, namespace, piece) for piece in wanted.values()]
    return found + removed


def _ours_no_more(piece: Object, service: Object) -> bool:
    """It belongs to a Service of that name that was there before."""
    owners = piece["metadata"].get("ownerReferences") or ()
    return any(o["kind"] == "Service" and o["uid"] != service["metadata"]["uid"] for o in owners)


def _wanted(service: Object, pods: Sequence[Object], zone: Zone) -> Iterable[Object]:
    """All slices of the Service as they should be; one without endpoints when there are none."""
    trigger = members.triggered(service, pods)
    for family in members.families(service):
        groups: dict[tuple[Port, ...], list[Object]] = {}
        for pod in pods:
            if pod_state.is_finished(pod) or not (ips := members.addresses(pod, family)):
                continue
            endpoint = _endpoint(service, pod, ips, zone)
            groups.setdefault(members.ports(service, pod), []).append(endpoint)
        if not groups:
            yield _slice(service, family, (), [], 0, trigger)
        for ports, endpoints in groups.items():
            endpoints.sort(key=lambda endpoint: endpoint["addresses"])
            for start in range(0, len(endpoints), MOST):
                yield _slice(service, family, ports, endpoints[start : start + MOST], start, trigger)


def _endpoint(service: Object, pod: Object, ips: list[str], zone: Zone) -> Object:
    serving, terminating = members.is_serving(pod), members.is_terminating(pod)
    always = service["spec"].get("publishNotReadyAddresses", False)
    conditions = {
        "ready": always or (serving and not terminating),
        "serving": serving,
        "terminating": terminating,
    }
    endpoint: Object = {"addresses": ips, "conditions": conditions}
    if hostname := members.hostname(service, pod):
        endpoint["hostname"] = hostname
    endpoint["targetRef"] = members.reference(pod)
    if node := pod_state.node(pod):
        endpoint["nodeName"] = node
        if place := zone(node):
            endpoint["zone"] = place
    return endpoint


def _slice(
    service: Object, family: str, ports: tuple[Port, ...], endpoints: list[Object], start: int, trigger: str
) -> Object:
    metadata = service["metadata"]
    labels = {**_own_labels(metadata.get("labels")), SERVICE_NAME: metadata["name"], MANAGED_BY: MANAGER}
    if members.is_headless(service):
        labels[members.HEADLESS] = ""
    owner = {
        "apiVersion": "v1",
        "kind": "Service",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "kind": resources.ENDPOINT_SLICES.kind,
        "apiVersion": resources.ENDPOINT_SLICES.api_version,
        "metadata": {
            "name": _name(metadata, family, ports, start),
            "generateName": f"{metadata['name']}-",
            "labels": labels,
            "annotations": {members.TRIGGER: trigger},
            "ownerReferences": [owner],
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": [{"name": port.name, **port.to_dict()} for port in ports],
    }


def _own_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (labels or {}).items() if key != members.HEADLESS}


def _name(metadata: Object, family: str, ports: tuple[Port, ...], start: int) -> str:
    digest = hashlib.sha256(repr((metadata["uid"], family, ports, start)).encode()).digest()
    ending = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:5])
    return f"{metadata['name'][:_BASE_MAX]}-{ending}"


def _changed(piece: Object, wanted: Object) -> Object | None:
    """The slice with what is wanted of it; None when it is so already, whenever that came about."""
    if _compared(piece) == _compared(wanted):
        return None
    metadata = piece["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **wanted["metadata"]["annotations"]}
    kept = {
        **metadata,
        "labels": wanted["metadata"]["labels"],
        "annotations": annotations,
        "ownerReferences": wanted["metadata"]["ownerReferences"],
    }
    return {**wanted, "metadata": kept}


def _compared(piece: Object) -> Any:
    return piece["metadata"].get("labels"), piece.get("endpoints") or [], piece.get("ports") or []
