"""TaintNodesByCondition: a new Node gets no Pods before it is known to be ready.

Source: Kubernetes documentation, "Admission Control in Kubernetes". The node lifecycle controller takes the
taint off as soon as the Node says that it is ready.
"""

from typing import Final

from strongroom.api import resources
from strongroom.machinery.gvk import Resource
from strongroom.server.admission.durations import ADMIT, Who
from strongroom.server.admission.plugin import CREATE, Attributes

_TAINT: Final = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNodes:
    """Puts the taint on."""

    who = Who("TaintNodesByCondition", ADMIT)

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == resources.NODES and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "creations have an object"
        spec = attributes.obj["spec"]
        taints = spec.get("taints") or []
        if not any(
            taint.get("key") == _TAINT["key"] and taint.get("effect") == _TAINT["effect"] for taint in taints
        ):
            spec["taints"] = [*taints, dict(_TAINT)]
