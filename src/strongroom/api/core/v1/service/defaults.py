"""A Service's defaults, and what an update keeps that its author left out (`SetDefaults_Service`)."""

from strongroom.api.core.v1 import ports
from strongroom.api.core.v1.service import kinds
from strongroom.machinery.gvk import Object

AFFINITY_NONE, AFFINITY_CLIENT_IP = "None", "ClientIP"
AFFINITY_SECONDS = 10800
_FAMILY_FIELDS = ("ipFamilies", "ipFamilyPolicy")


def apply(spec: Object) -> None:
    """Fills in what is missing, in place. Addresses and node ports are the registry's to choose."""
    spec["type"] = spec.get("type") or kinds.CLUSTER_IP
    affinity = spec["sessionAffinity"] = spec.get("sessionAffinity") or AFFINITY_NONE
    if affinity == AFFINITY_NONE:
        spec.pop("sessionAffinityConfig", None)
    elif affinity == AFFINITY_CLIENT_IP:
        config = spec.get("sessionAffinityConfig") or {}
        if (config.get("clientIP") or {}).get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}
    listed = kinds.ports(spec)
    ports.default_protocol(listed)
    for port in listed:
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if kinds.is_external(spec):
        spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or kinds.CLUSTER
    if kinds.has_cluster_ip(spec):
        spec.setdefault("internalTrafficPolicy", kinds.CLUSTER)
    if spec["type"] == kinds.LOAD_BALANCER:
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def apply_to_status(status: Object) -> None:
    """Fills in what is missing, in place."""
    for ingress in (status.get("loadBalancer") or {}).get("ingress") or ():
        if ingress.get("ip") and ingress.get("ipMode") is None:
            ingress["ipMode"] = "VIP"


def normalize(new: Object, old: Object | None) -> None:
    """Lets `clusterIP` and `clusterIPs[0]` agree where an author gave but one of them, in place."""
    ip, ips = new.get("clusterIP", ""), new.get("clusterIPs") or []
    before, before_ips = (old or {}).get("clusterIP", ""), (old or {}).get("clusterIPs") or []
    if old is None:
        if ip and not ips:
            new["clusterIPs"] = [ip]
    elif not ip and before and ips == before_ips:
        new.pop("clusterIPs", None)  # the author clears it
    elif ip and ip != before and ips == before_ips:
        new["clusterIPs"] = [ip]  # the author changes the one field only


def keep_allocated(new: Object, old: Object) -> None:
    """Gives an update what had been chosen for the Service, where its author left it out, in place."""
    if kinds.has_cluster_ip(new) and kinds.has_cluster_ip(old):
        for field in ("clusterIP", "clusterIPs", *_FAMILY_FIELDS):
            if not new.get(field):
                _keep(new, old, field)
    if kinds.has_node_ports(new) and kinds.has_node_ports(old):
        chosen = {port.get("name"): port.get("nodePort") for port in kinds.ports(old)}
        taken = {port.get("nodePort") for port in kinds.ports(new)}
        for port in kinds.ports(new):
            number = chosen.get(port.get("name"))
            if not port.get("nodePort") and number and number not in taken:
                port["nodePort"] = number
                taken.add(number)


def _keep(new: Object, old: Object, *fields: str) -> None:
    for field in fields:
        if field in old:
            new[field] = old[field]


def drop_by_type(new: Object, old: Object) -> None:
    """Takes away, in place, what a changed type has no use for, unless the author has touched it."""
    if kinds.has_cluster_ip(old) and not kinds.has_cluster_ip(new):
        for fields in (("clusterIP", "clusterIPs"), *((field,) for field in _FAMILY_FIELDS)):
            if all(new.get(field) == old.get(field) for field in fields):
                for field in fields:
                    new.pop(field, None)
        if new.get("internalTrafficPolicy") == old.get("internalTrafficPolicy"):
            new.pop("internalTrafficPolicy", None)
    if kinds.has_node_ports(old) and not kinds.has_node_ports(new):
        before = {port.get("nodePort") for port in kinds.ports(old)}
        if all(port.get("nodePort") in before for port in kinds.ports(new) if port.get("nodePort")):
            for port in kinds.ports(new):
                port.pop("nodePort", None)
    balanced = [spec.get("type") == kinds.LOAD_BALANCER for spec in (old, new)]
    if balanced == [True, False]:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if new.get(field) == old.get(field):
                new.pop(field, None)
    if (
        kinds.is_external(old)
        and not kinds.is_external(new)
        and new.get("externalTrafficPolicy") == old.get("externalTrafficPolicy")
    ):
        new.pop("externalTrafficPolicy", None)
