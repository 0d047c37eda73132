"""What the state of a node says of itself, and the taints that follow from it.

Source: Kubernetes documentation, "Nodes" (node heartbeats, node controller), "Taints and Tolerations"
(taint based evictions, taint nodes by condition).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.client import requests
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object, Resource

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"
_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OWN = (*((key, effect) for key in (NOT_READY, UNREACHABLE) for effect in (NO_SCHEDULE, NO_EXECUTE)),
        *((key, NO_SCHEDULE) for key in (UNSCHEDULABLE, *_PRESSURES.values())))  # fmt: skip
"""The taints that are put on and taken off here, and no others."""
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def conditions(node: Object) -> dict[str, Mapping[str, Any]]:
    """By type."""
    found = (node.get("status") or {}).get("conditions") or ()
    return {condition["type"]: condition for condition in found}


def silence(node: Object, now: datetime) -> list[Action]:
    """For a node that has not been heard of for too long: nobody knows how it is."""
    known = conditions(node)
    time = duration.timestamp(now)
    unknown: list[Object] = []
    for kind in _REPORTED:
        condition = known.get(kind)
        if condition is not None and condition.get("status") == "Unknown":
            continue
        said = {"type": kind, "status": "Unknown", "lastTransitionTime": time}
        if condition is None:
            created = node["metadata"].get("creationTimestamp") or time
            said |= {"reason": "NodeStatusNeverUpdated", "message": "Kubelet never posted node status."}
            said["lastHeartbeatTime"] = created
        else:
            said |= {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        unknown.append(said)
    if not unknown:
        return []
    return [say(resources.NODES, node, *unknown)]


def wanted(node: Object) -> list[tuple[str, str]]:
    """The taints that the node's state asks for, by key and effect."""
    known = conditions(node)
    found: list[tuple[str, str]] = []
    ready = known.get("Ready")
    if ready is not None and ready.get("status") != "True":
        key = UNREACHABLE if ready.get("status") == "Unknown" else NOT_READY
        found += [(key, NO_SCHEDULE), (key, NO_EXECUTE)]
    for kind, key in _PRESSURES.items():
        if known.get(kind, {}).get("status") == "True":
            found.append((key, NO_SCHEDULE))
    if (node.get("spec") or {}).get("unschedulable"):
        found.append((UNSCHEDULABLE, NO_SCHEDULE))
    return found


def taint(node: Object, now: datetime) -> list[Action]:
    """What gives the node the taints of its state; those of others stay."""
    present: Sequence[Object] = (node.get("spec") or {}).get("taints") or ()
    asked = wanted(node)
    kept = [t for t in present if _identity(t) not in _OWN or _identity(t) in asked]
    missing = [each for each in asked if each not in [_identity(t) for t in present]]
    if len(kept) == len(present) and not missing:
        return []
    time = duration.timestamp(now)
    added = [{"key": key, "effect": effect, "timeAdded": time} for key, effect in missing]
    metadata = node["metadata"]
    conditional = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    patch = {"metadata": conditional, "spec": {"taints": [*kept, *added] or None}}
    return [actions.Patch(resources.NODES, "", metadata["name"], patch)]


def not_ready(pod: Object, now: datetime) -> list[Action]:
    """For a Pod of a node that nobody hears of: it counts as not ready."""
    if conditions(pod).get("Ready", {}).get("status") != "True":
        return []
    said = {"type": "Ready", "status": "False", "lastTransitionTime": duration.timestamp(now)}
    return [say(resources.PODS, pod, said)]


def say(resource: Resource, obj: Object, *said: Object) -> actions.Patch:
    """Puts conditions into the status of an object."""
    metadata = obj["metadata"]
    patch = {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": list(said)}}
    return actions.Patch(
        resource,
        metadata.get("namespace", ""),
        metadata["name"],
        patch,
        "status",
        requests.STRATEGIC_MERGE,
    )


def _identity(found: Mapping[str, Any]) -> tuple[str, str]:
    return found["key"], found.get("effect", "")
