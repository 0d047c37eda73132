"""What a node does for cluster IPs, put together: the relay where one is needed, and the rules."""

import ipaddress
import logging

from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.node.containerd import tools
from strongroom.node.containerd.network import PodNetwork
from strongroom.node.service_proxy import nft
from strongroom.node.service_proxy.proxy import ServiceProxy
from strongroom.node.service_proxy.relay import Relay
from strongroom.node.service_proxy.rules import Backend, Place

_TABLE = "strongroom"
_log = logging.getLogger(__name__)


async def serve(
    client: Client, services: Informer, network: PodNetwork | None, *, api: Backend, node_ip: str
) -> None:
    """Run until cancelled; where it can't be done, one line in the log says why.

    `network`: of this node's pods, None if another program made it. `api`: where the API listens, as seen
    from this machine; if that is loopback alone, pods reach it through their gateway, and only they do.
    """
    program = tools.find("nft")
    if program is None:
        _log.warning("cluster IPs of Services can't be reached: nft is missing (Debian: nftables)")
        return
    backend, relay = _direct(api, node_ip), None
    if backend is None and network is not None:
        relay = Relay(network.gateway, api)
        await relay.start()
        backend = (network.gateway, relay.port)
    elif backend is None:
        _log.warning("pods can't reach the API: it listens on %s alone; see --listen", api[0])
    name = network.name if network else _TABLE
    place = Place(
        name,
        network.bridge if network else "",
        str(network.subnet) if network else "",
        backend if relay else None,
    )
    proxy = ServiceProxy(client, services, place, lambda text: nft.apply(program, text), api=backend)
    try:
        await proxy.run()
    finally:
        if relay is not None:
            await relay.aclose()


def _direct(api: Backend, node_ip: str) -> Backend | None:
    """Where pods reach the API without help; None: nowhere."""
    host, port = api
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.version != 4 or address.is_loopback:
        return None
    return (node_ip, port) if address.is_unspecified else (host, port)
