"""A node and its subnet: it says which one would suit it, and takes the one that it is given."""

import asyncio
import ipaddress
import logging
from typing import Final

from strongroom.api import node_joining, resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError

_FIRST: Final = 0.02
_SLOWEST: Final = 2.0
_PATIENCE: Final = 10.0
"""Seconds until the wait is told of."""
_log = logging.getLogger(__name__)


async def pod_cidr(client: Client, node_name: str, wish: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """The subnet of this node's Pods, once the cluster has given it one. The Node is made if need be."""
    wished = {node_joining.POD_NETWORK_ANNOTATION: str(wish)}
    pause, waited, told = _FIRST, 0.0, False
    while True:
        try:
            node = await _node(client, node_name, wished)
            if (found := _given(node)) is not None:
                return found
            why = "the cluster has given it none"
        except (StatusError, ConnectionFailed) as error:
            why = str(error)
        if waited > _PATIENCE and not told:
            _log.warning("node %s waits for a subnet for its Pods: %s", node_name, why)
            told = True
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(pause * 1.5, _SLOWEST)


async def _node(client: Client, name: str, wished: dict[str, str]) -> Object:
    """Raises StatusError, ConnectionFailed."""
    try:
        node = await client.get(resources.NODES, name)
    except StatusError as error:
        if error.code != 404:
            raise
        metadata = {"name": name, "annotations": wished}
        return await client.create(
            resources.NODES, {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {}}
        )
    held = node["metadata"].get("annotations") or {}
    if _given(node) is None and node_joining.POD_NETWORK_ANNOTATION not in held:
        return await client.patch(resources.NODES, name, {"metadata": {"annotations": wished}})
    return node


def _given(node: Object) -> ipaddress.IPv4Network | None:
    spec = node.get("spec") or {}
    for text in spec.get("podCIDRs") or [spec.get("podCIDR") or ""]:
        try:
            return ipaddress.IPv4Network(text)
        except ValueError:
            continue
    return None
