"""What is taken from a Service's author and not acted on, or soon no more (`GetWarningsForService`)."""

from collections.abc import Sequence
from typing import Final

from strongroom.api.core.v1.service import defaults, kinds
from strongroom.machinery import addresses
from strongroom.machinery.gvk import Object

TOPOLOGY_HINTS: Final = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE: Final = "service.kubernetes.io/topology-mode"


def of(service: Object) -> Sequence[str]:
    """Texts for `Warning` headers."""
    spec, texts = service["spec"], []
    if TOPOLOGY_HINTS in (service["metadata"].get("annotations") or {}):
        texts.append(f"annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead")
    external, kind = spec.get("externalIPs") or (), spec["type"]
    headless = kind == kinds.CLUSTER_IP and spec.get("clusterIP") == kinds.HEADLESS
    if spec.get("clusterIP") not in (None, "", kinds.HEADLESS):
        texts += _non_canonical("spec.clusterIPs", spec.get("clusterIPs") or ())
    if headless:
        if spec.get("loadBalancerIP"):
            texts.append("spec.loadBalancerIP is ignored for headless services")
        if external:
            texts.append("spec.externalIPs is ignored for headless services")
        if spec["sessionAffinity"] != defaults.AFFINITY_NONE:
            texts.append("spec.SessionAffinity is ignored for headless services")
    texts += _non_canonical("spec.externalIPs", external)
    if external and not headless and kind != kinds.EXTERNAL_NAME:
        texts.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if external and kind == kinds.EXTERNAL_NAME:
        texts.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.get("externalName") and kind != kinds.EXTERNAL_NAME:
        texts.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        texts.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return texts


def _non_canonical(path: str, listed: Sequence[str]) -> list[str]:
    return [text for index, ip in enumerate(listed) for text in addresses.warnings(f"{path}[{index}]", ip)]
