"""The network of pods: a bridge and a subnet of our own, and the addresses of the host.

Two nodes on one machine must not share a bridge. So its name comes from the data directory, and the subnet is
the first free one in an order that also comes from there.
"""

import hashlib
import ipaddress
import json
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_POOL = ipaddress.IPv4Network("10.64.0.0/11")
"""Apart from 10.96.0.0/12, which the cluster IPs of Services come from."""
_PREFIX = 24
_ROUTES = Path("/proc/net/route")

Network = ipaddress.IPv4Network


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """A bridge and the addresses behind it. The gateway is the subnet's first address."""

    name: str
    bridge: str
    subnet: Network

    @property
    def gateway(self) -> str:
        return str(next(self.subnet.hosts()))


def candidates(seed: str) -> Iterator[Network]:
    """Every subnet of the pool once, from one that the seed chooses."""
    count = 1 << (_PREFIX - _POOL.prefixlen)
    first = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    size = 1 << (32 - _PREFIX)
    for index in range(count):
        address = int(_POOL.network_address) + ((first + index) % count) * size
        yield Network((address, _PREFIX))


def choose(seed: str, taken: Iterable[Network]) -> PodNetwork:
    """The network for one data directory, clear of the networks that the host reaches already."""
    used = [network for network in taken if network.prefixlen > 0]
    subnet = next(
        (subnet for subnet in candidates(seed) if not any(subnet.overlaps(other) for other in used)), None
    )
    if subnet is None:
        raise OSError(f"no free subnet for pods in {_POOL}")
    return _named(seed, subnet)


def _named(seed: str, subnet: Network) -> PodNetwork:
    digest = hashlib.sha256(seed.encode()).hexdigest()
    # The kernel allows 15 bytes.
    return PodNetwork(f"strongroom-{digest[:8]}", f"sr-{digest[:10]}", subnet)


def parse_routes(table: str, *, without: str = "") -> list[Network]:
    """The destinations in the text of `/proc/net/route`, except those through the interface `without`."""
    networks = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[0] == without:
            continue
        # The kernel prints what lies in memory in network order as a number of this machine.
        address, mask = socket.ntohl(int(fields[1], 16)), int(fields[7], 16)
        networks.append(Network((address, mask.bit_count()), strict=False))
    return networks


def host_routes(*, without: str = "") -> list[Network]:
    """The networks that this host has routes to."""
    try:
        return parse_routes(_ROUTES.read_text(), without=without)
    except OSError:
        return []


def load_or_choose(path: Path, seed: str) -> PodNetwork:
    """The network of the first start; a new one if there is none or its subnet is in use elsewhere."""
    bridge = choose(seed, ()).bridge
    taken = host_routes(without=bridge)
    try:
        subnet = Network(json.loads(path.read_text())["subnet"])
    except (OSError, ValueError, KeyError, TypeError):
        subnet = None
    chosen = choose(seed, taken)
    if (
        subnet is not None
        and subnet.subnet_of(_POOL)
        and not any(subnet.overlaps(n) for n in taken if n.prefixlen > 0)
    ):
        chosen = PodNetwork(chosen.name, chosen.bridge, subnet)
    _keep(path, chosen)
    return chosen


def _keep(path: Path, network: PodNetwork) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bridge": network.bridge, "subnet": str(network.subnet)}) + "\n")


def of_node(path: Path, seed: str, subnet: Network) -> PodNetwork:
    """The network with the subnet that the cluster gave to this node; later starts find it in `path`."""
    made = _named(seed, subnet)
    _keep(path, made)
    return made


def conflist(
    network: PodNetwork, *, address_dir: Path, port_mapping: bool, masquerade: bool
) -> dict[str, object]:
    """The CNI configuration: bridge, addresses kept in `address_dir`, host ports where they are possible."""
    plugins: list[dict[str, object]] = [
        {
            "type": "bridge",
            "bridge": network.bridge,
            "isGateway": True,
            "ipMasq": masquerade,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": str(network.subnet)}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(address_dir),
            },
        }
    ]
    if port_mapping:
        plugins.append({"type": "portmap", "capabilities": {"portMappings": True}})
    return {"cniVersion": "0.4.0", "name": network.name, "plugins": plugins}


def host_address(probes: Sequence[str] = ("192.0.2.1", "10.255.255.255")) -> str:
    """The address this host would use towards others; 127.0.0.1 when it has no route at all.

    Connecting a UDP socket sends nothing: the kernel only chooses the source address.
    """
    for probe in probes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                udp.connect((probe, 9))
            except OSError:
                continue
            return str(udp.getsockname()[0])
    return "127.0.0.1"
