"""Gives each node the subnet that its Pods have their addresses from, `spec.podCIDR`; none gets another's.

Source: Kubernetes documentation, kube-controller-manager (`--allocate-node-cidrs`, `--cluster-cidr`).
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.api import node_joining, resources
from strongroom.client import event_recorder
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.actions import Action
from strongroom.controllers.controller import Controller
from strongroom.machinery.gvk import Object

NAME: Final = "node-ipam"
EVENTS: Final = "cidrAllocator"
"""As a source of events."""
CLUSTER_CIDR: Final = ipaddress.IPv4Network("10.64.0.0/11")
"""`--cluster-cidr`. Apart from 10.96.0.0/12, which the cluster IPs of Services come from."""
MASK_SIZE: Final = 24
"""`--node-cidr-mask-size`: 254 addresses for each node, which has 110 Pods at most."""

Network = ipaddress.IPv4Network


def networks(node: Object) -> Iterator[Network]:
    """The subnets that a node has."""
    spec = node.get("spec") or {}
    for text in spec.get("podCIDRs") or [spec.get("podCIDR")]:
        if (found := _network(text)) is not None:
            yield found


def address(node: Object) -> Iterator[Network]:
    """The address that a node says it has, as the network of that one. The first alone: it might name some of
    each subnet, and there were none left for others."""
    for each in (node.get("status") or {}).get("addresses") or ():
        if each.get("type") == "InternalIP":
            if (found := _network(each.get("address"))) is not None:
                yield found
            return


def choose(node: Object, taken: Iterable[Network]) -> Network | None:
    """A subnet for a node: the one it wishes, if nothing in it is taken, else the first; None: all are."""
    used = list(taken)
    wish = _network((node["metadata"].get("annotations") or {}).get(node_joining.POD_NETWORK_ANNOTATION))
    possible = wish is not None and wish.prefixlen == MASK_SIZE and wish.subnet_of(CLUSTER_CIDR)
    if wish is not None and possible and not any(wish.overlaps(other) for other in used):
        return wish
    whole = {network for network in used if network.prefixlen == MASK_SIZE}
    odd = [network for network in used if network.prefixlen != MASK_SIZE]
    for candidate in CLUSTER_CIDR.subnets(new_prefix=MASK_SIZE):
        if candidate not in whole and not any(candidate.overlaps(other) for other in odd):
            return candidate
    return None


def assign(node: Object, network: Network) -> list[Action]:
    metadata = node["metadata"]
    text = str(network)
    patch = {"metadata": {"uid": metadata["uid"]}, "spec": {"podCIDR": text, "podCIDRs": [text]}}
    return [actions.Patch(resources.NODES, "", metadata["name"], patch)]


def _network(text: object) -> Network | None:
    try:
        return Network(text) if isinstance(text, str) else None
    except ValueError:
        return None


class NodeIPAM:
    """Keys are names of nodes. One worker, so no two get the same."""

    def __init__(self, client: Client, nodes: Informer, recorder: EventRecorder, clock: Clock) -> None:
        self._client = client
        self._nodes = nodes
        self._recorder = recorder
        self._given: dict[str, tuple[str, Network]] = {}
        """By the node's uid: its name and what it was given, while the informer may not know it yet."""
        self._loop = Controller(NAME, self._reconcile, (nodes,), clock)
        nodes.subscribe(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    def _changed(self, kind: str, node: Object) -> None:
        if kind == DELETED:
            self._given.pop(node["metadata"]["uid"], None)
            # What it had is free: for those for whom there was none.
            for other in self._nodes.values():
                self._add(other)
        else:
            self._add(node)

    def _add(self, node: Object) -> None:
        if not any(networks(node)):
            self._loop.queue.add(node["metadata"]["name"])

    async def _reconcile(self, name: str) -> None:
        node = self._nodes.get(None, name)
        if node is None or any(networks(node)):
            return
        uid = node["metadata"]["uid"]
        others = list(self._nodes.values())
        taken = [found for other in others for found in networks(other)]
        # Whoever has the subnet that a node's address is in gets what others send to that node.
        taken += [found for other in others for found in address(other)]
        taken += [given for holder, (_, given) in self._given.items() if holder != uid]
        chosen = choose(node, taken)
        if chosen is None:
            self._recorder.event(
                {**node, "metadata": {"name": name, "uid": name}},
                event_recorder.NORMAL,
                "CIDRNotAvailable",
                f"Node {name} status is now: CIDRNotAvailable",
            )
            return
        self._given[uid] = (name, chosen)
        await actions.perform(self._client, assign(node, chosen))
