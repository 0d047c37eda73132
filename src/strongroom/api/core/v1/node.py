"""Node: a machine that runs Pods."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import node_validation
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource, keep
from strongroom.machinery import duration, quantity
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

ROLE_PREFIX = "node-role.kubernetes.io/"
ROLE_LABEL = "kubernetes.io/role"
_NO_INFO = dict.fromkeys(
    (
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "osImage",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
        "operatingSystem",
        "architecture",
    ),
    "",
)


class NodeStrategy(Strategy):
    """`/api/v1/nodes`."""

    resource = resources.NODES
    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    singular = "node"
    short_names = ("no",)
    subresources = (Subresource("status", "Node", ("get", "patch", "update")),)
    has_status = True
    field_labels = ("metadata.name", "spec.unschedulable")
    own_field_label_error = True
    columns = (
        NAME,
        Column("Status", description="The status of the node"),
        Column("Roles", description="The roles of the node"),
        AGE,
        Column("Version", description="Kubelet version reported by the node."),
        Column("Internal-IP", priority=1, description="Address reachable within the cluster."),
        Column("External-IP", priority=1, description="Address reachable from outside the cluster."),
        Column("OS-Image", priority=1, description="Operating system reported by the node."),
        Column("Kernel-Version", priority=1, description="Kernel version reported by the node."),
        Column("Container-Runtime", priority=1, description="Container runtime reported by the node."),
    )

    def convert(self, obj: Object) -> None:
        """Lets `podCIDR` and the first of `podCIDRs` agree; amounts in whole thousandths."""
        for field in ("capacity", "allocatable"):
            if amounts := (obj.get("status") or {}).get(field):
                obj["status"][field] = {name: quantity.rounded(amount) for name, amount in amounts.items()}
        spec = obj.get("spec") or {}
        first, listed = spec.get("podCIDR"), spec.get("podCIDRs")
        if first and (not listed or listed[0] != first):
            spec["podCIDRs"] = [first]  # the older field is the one that counts
        elif listed and not first:
            spec["podCIDR"] = listed[0]

    def default(self, obj: Object) -> None:
        reported = obj.get("status") or {}
        if reported.get("capacity") and not reported.get("allocatable"):
            reported["allocatable"] = dict(reported["capacity"])
        obj["spec"] = obj.get("spec") or {}
        # Both are written even when nothing is in them.
        reported.setdefault("daemonEndpoints", {"kubeletEndpoint": {"Port": 0}})
        reported["nodeInfo"] = {**_NO_INFO, **(reported.get("nodeInfo") or {})}
        obj["status"] = reported

    def prepare_for_create(self, obj: Object) -> None:
        """A node registers itself with its status."""
        obj["spec"].pop("configSource", None)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        keep(new, old, "status")
        if "configSource" not in (old.get("spec") or {}):
            new["spec"].pop("configSource", None)

    def validate(self, obj: Object) -> list[FieldError]:
        return node_validation.validate(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return node_validation.validate(new) + node_validation.validate_update(new, old)

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return node_validation.validate_update(new, old)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        spec, texts = obj.get("spec") or {}, []
        if spec.get("configSource"):
            texts.append("spec.configSource: the feature is removed")
        if spec.get("externalID"):
            texts.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        return texts

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        unschedulable = bool((obj.get("spec") or {}).get("unschedulable"))
        return {
            "metadata.name": obj["metadata"]["name"],
            "spec.unschedulable": "true" if unschedulable else "false",
        }

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata, status = obj["metadata"], obj.get("status") or {}
        info = status.get("nodeInfo") or {}
        kernel = info.get("kernelVersion") or "<unknown>"
        if info.get("kernelVersion") and info.get("architecture"):
            kernel += f" ({info['architecture']})"
        return [
            metadata["name"],
            _status_cell(obj),
            roles(obj),
            duration.age(metadata.get("creationTimestamp"), now),
            info.get("kubeletVersion", ""),
            _address(status, "InternalIP"),
            _address(status, "ExternalIP"),
            info.get("osImage") or "<unknown>",
            kernel,
            info.get("containerRuntimeVersion") or "<unknown>",
        ]


def _status_cell(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    ready = next((c.get("status") for c in conditions if c.get("type") == "Ready"), None)
    shown = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return shown + ",SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else shown


def roles(obj: Object) -> str:
    """The Roles cell: names from the role labels, sorted, or `<none>`."""
    found = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(ROLE_PREFIX):
            found.add(key.removeprefix(ROLE_PREFIX))
        elif key == ROLE_LABEL:
            found.add(value)
    return ",".join(sorted(found - {""})) or "<none>"


def _address(status: Mapping[str, Any], kind: str) -> str:
    addresses = status.get("addresses") or ()
    return next((str(a.get("address")) for a in addresses if a.get("type") == kind), "<none>")
