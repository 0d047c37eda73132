"""The types of Services, and what each type has: an address of the cluster, ports on the nodes."""

from typing import Any

from strongroom.machinery.gvk import Object

CLUSTER_IP, NODE_PORT, LOAD_BALANCER = "ClusterIP", "NodePort", "LoadBalancer"
EXTERNAL_NAME = "ExternalName"
TYPES = (CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT)
HEADLESS = "None"
CLUSTER, LOCAL = "Cluster", "Local"
SINGLE_STACK, REQUIRE_DUAL_STACK = "SingleStack", "RequireDualStack"
IPV4, IPV6 = "IPv4", "IPv6"

ORDER = (
    "ports",
    "selector",
    "clusterIP",
    "clusterIPs",
    "type",
    "externalIPs",
    "sessionAffinity",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "externalName",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "publishNotReadyAddresses",
    "sessionAffinityConfig",
    "ipFamilies",
    "ipFamilyPolicy",
    "allocateLoadBalancerNodePorts",
    "loadBalancerClass",
    "internalTrafficPolicy",
    "trafficDistribution",
)
"""Fields of the spec in the order in which they are stored."""


def has_cluster_ip(spec: Object) -> bool:
    """Whether its type comes with an address of the cluster (headless ones say that they want none)."""
    return spec.get("type") != EXTERNAL_NAME


def is_headless(spec: Object) -> bool:
    return has_cluster_ip(spec) and bool(spec.get("clusterIP") == HEADLESS)


def has_node_ports(spec: Object) -> bool:
    """Whether its ports are also open on the nodes."""
    if spec.get("type") == LOAD_BALANCER:
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return bool(spec.get("type") == NODE_PORT)


def is_external(spec: Object) -> bool:
    """Whether it is reached from outside of the cluster."""
    kind = spec.get("type")
    return kind in (NODE_PORT, LOAD_BALANCER) or bool(kind == CLUSTER_IP and spec.get("externalIPs"))


def put_in_order(spec: Object) -> None:
    """In place."""
    values = {field: spec[field] for field in ORDER if field in spec}
    spec.clear()
    spec.update(values)


def ports(spec: Object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec.get("ports") or []
    return found
