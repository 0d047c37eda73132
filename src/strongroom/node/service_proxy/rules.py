"""From Services and EndpointSlices to nftables rules. Pure; only addresses and numbers reach the text.

What connects to a cluster IP is sent to one of the ready endpoints, chosen at random for each connection.
A Service without any refuses at once. Not here: node ports, load balancers, session affinity, IPv6.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from strongroom.machinery.gvk import Object

SERVICE_NAME: Final = "kubernetes.io/service-name"
API: Final = ("default", "kubernetes")
"""Namespace and name of the Service that stands for the API."""
_PROTOCOLS: Final = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}

Backend = tuple[str, int]
"""Address and port."""


class ServicePort(NamedTuple):
    """A port of a cluster IP, and where connections to it go."""

    cluster_ip: str
    protocol: str
    port: int
    backends: tuple[Backend, ...]


class Place(NamedTuple):
    """Where the rules hold. `bridge` and `subnet`: of this node's pods; "": not known, so for all."""

    table: str
    bridge: str = ""
    subnet: str = ""
    guarded: Backend | None = None
    """An address and TCP port that only this machine and its pods may reach."""


def service_ports(
    services: Iterable[Object], slices: Iterable[Object], *, api: Backend | None = None
) -> list[ServicePort]:
    """All ports of cluster IPs, in order. `api`: where the API is reached, instead of its endpoints."""
    by_service: Mapping[tuple[str, str], list[Object]] = _by_service(slices)
    found = []
    for service in services:
        owner = (service["metadata"]["namespace"], service["metadata"]["name"])
        address = _ipv4((service.get("spec") or {}).get("clusterIP") or "")
        if not address:
            continue
        for port in service["spec"].get("ports") or ():
            protocol = _PROTOCOLS.get(port.get("protocol") or "TCP")
            if protocol is None:
                continue
            if owner == API and api is not None:
                backends = [api]
            else:
                backends = list(_backends(by_service[owner], port))
            found.append(ServicePort(address, protocol, int(port["port"]), tuple(sorted(set(backends)))))
    return sorted(found)


def _by_service(slices: Iterable[Object]) -> defaultdict[tuple[str, str], list[Object]]:
    found: defaultdict[tuple[str, str], list[Object]] = defaultdict(list)
    for each in slices:
        labels = each["metadata"].get("labels") or {}
        if each.get("addressType") == "IPv4" and (name := labels.get(SERVICE_NAME)):
            found[each["metadata"]["namespace"], name].append(each)
    return found


def _backends(slices: Sequence[Object], port: Object) -> Iterator[Backend]:
    """The ready endpoints of a Service's port: ports of the same name and protocol."""
    wanted = (port.get("name") or "", port.get("protocol") or "TCP")
    for each in slices:
        numbers = [
            int(other["port"])
            for other in each.get("ports") or ()
            if other.get("port") and (other.get("name") or "", other.get("protocol") or "TCP") == wanted
        ]
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            # All addresses of an endpoint are the same endpoint.
            address = _ipv4(next(iter(endpoint.get("addresses") or ()), ""))
            for number in numbers if address else ():
                yield address, number


def _ipv4(text: str) -> str:
    """The address, or "" for what is none."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return ""


def ruleset(ports: Sequence[ServicePort], place: Place) -> str:
    """What `nft -f -` makes of a table of our own, whole, at once, in place of the one before."""
    head = [f"add table ip {place.table}", f"delete table ip {place.table}", f"table ip {place.table} {{"]
    from_pods = f'iifname "{place.bridge}" ' if place.bridge else ""
    chains = {
        "services": [_translation(port) for port in ports if port.backends],
        "without-endpoints": [_refusal(port) for port in ports if not port.backends],
        "prerouting": ["type nat hook prerouting priority -101;", f"{from_pods}jump services"],
        "output": ["type nat hook output priority -101;", "jump services"],
        "forward": ["type filter hook forward priority -1;", f"{from_pods}jump without-endpoints"],
        "filter-output": ["type filter hook output priority -1;", "jump without-endpoints"],
        "postrouting": ["type nat hook postrouting priority 99;", *_return_path(place)],
        "input": ["type filter hook input priority -1;", *_guard(place)],
    }
    body = []
    for name, lines in chains.items():
        body += [f"  chain {name} {{", *(f"    {line}" for line in lines), "  }"]
    return "\n".join([*head, *body, "}", ""])


def _match(port: ServicePort) -> str:
    return f"ip daddr {port.cluster_ip} {port.protocol} dport {port.port}"


def _translation(port: ServicePort) -> str:
    if len(port.backends) == 1:
        address, number = port.backends[0]
        return f"{_match(port)} dnat to {address}:{number}"
    chosen = ", ".join(
        f"{index} : {address} . {number}" for index, (address, number) in enumerate(port.backends)
    )
    return f"{_match(port)} dnat to numgen random mod {len(port.backends)} map {{ {chosen} }}"


def _refusal(port: ServicePort) -> str:
    how = "reject with tcp reset" if port.protocol == "tcp" else "reject"
    return f"{_match(port)} {how}"


def _return_path(place: Place) -> list[str]:
    """A pod would answer its neighbour on the bridge directly, and not as the cluster IP that was asked."""
    if not place.subnet:
        return []
    return [f"ip saddr {place.subnet} ip daddr {place.subnet} ct status dnat masquerade"]


def _guard(place: Place) -> list[str]:
    """Other machines may route packets here for an address that is meant for pods."""
    if place.guarded is None or not place.bridge:
        return []
    address, port = place.guarded
    return [f'ip daddr {address} tcp dport {port} iifname != {{ "lo", "{place.bridge}" }} drop']
