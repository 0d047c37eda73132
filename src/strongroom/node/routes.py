"""Routes to the Pods of other nodes: each node's `podCIDR` by way of that node's address.

For nodes on one network: a route can only lead to a neighbour. What is not there: tunnels for nodes whose
networks lie behind routers that know nothing of Pods, IPv6, network policies.
"""

import asyncio
import ipaddress
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from strongroom.aio.backoff import Backoff
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node.containerd import tools

PROTOCOL: Final = "157"
"""Marks the routes that are ours (`ip route show proto 157`)."""
_GATHER: Final = 0.02
_SECONDS: Final = 20.0
_log = logging.getLogger(__name__)

Routes = Mapping[str, str]
"""Subnet -> the neighbour that it is behind."""
Network = ipaddress.IPv4Network


def wanted(nodes: Sequence[Object], own_name: str, connected: Iterable[Network] = ()) -> dict[str, str]:
    """The routes that a node is to have; `connected`: the networks that this machine is on.

    Subnets are given by the cluster, and no node can change its own. Addresses are what each node says of
    itself: one that names an address in the subnet of a node is not believed, so it takes no other's route
    away, and no route leads to its own Pods. None overlaps this node's Pods or what the machine reaches
    without a router, its neighbours among them.
    """
    subnets = [network for node in nodes for network in _networks(node)]
    near: list[Network] = list(connected)
    ways: list[tuple[Network, ipaddress.IPv4Address]] = []
    own_address = None
    for node in nodes:
        address = _address(node)
        if node["metadata"]["name"] == own_name:
            near += _networks(node)
            own_address = address
        elif address is not None and not any(address in subnet for subnet in subnets):
            ways += [(network, address) for network in _networks(node)]
    return {
        str(network): str(address)
        for network, address in sorted(ways)
        if address != own_address
        and (own_address is None or own_address not in network)
        and not any(network.overlaps(each) for each in near)
    }


def decide(want: Routes, have: Routes) -> list[list[str]]:
    """The arguments of `ip` that make of the routes that are there those that are to be."""
    gone = [["route", "del", cidr, "proto", PROTOCOL] for cidr in sorted(have) if cidr not in want]
    new = [
        ["route", "replace", cidr, "via", via, "proto", PROTOCOL]
        for cidr, via in sorted(want.items())
        if have.get(cidr) != via
    ]
    return gone + new


def parse(listed: str) -> dict[str, str]:
    """What `ip -json route show proto 157` says."""
    found: list[dict[str, Any]] = json.loads(listed or "[]")
    return {str(Network(each["dst"])): each.get("gateway", "") for each in found if "dst" in each}


def parse_connected(listed: str) -> list[Network]:
    """What `ip -json route show scope link` says: the networks that need no router."""
    found: list[dict[str, Any]] = json.loads(listed or "[]")
    return [Network(each["dst"]) for each in found if each.get("dst", "default") != "default"]


def _networks(node: Object) -> Iterable[Network]:
    spec = node.get("spec") or {}
    for text in spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else []):
        try:
            yield Network(text)
        except ValueError:
            continue


def _address(node: Object) -> ipaddress.IPv4Address | None:
    for each in (node.get("status") or {}).get("addresses") or ():
        if each.get("type") == "InternalIP":
            try:
                return ipaddress.IPv4Address(each.get("address"))
            except ValueError:
                return None
    return None


class RouteKeeper:
    """`run` until cancelled; the routes stay, as the Pods do. `client` may read Nodes."""

    def __init__(self, client: Client, node_name: str) -> None:
        self._nodes = Informer(client, resources.NODES)
        self._name = node_name
        self._changed = asyncio.Event()
        self._told: set[str] = set()

    async def run(self) -> None:
        program = tools.find("ip")
        if program is None:
            _log.warning("Pods on other nodes can't be reached: ip is missing (Debian: iproute2)")
            return
        self._nodes.subscribe(lambda _, __: self._changed.set())
        async with TaskGroup("routes") as group:
            group.spawn("nodes", self._nodes.run())
            await self._nodes.has_synced.wait()
            await self._follow(program)

    async def _follow(self, program: Path) -> None:
        backoff = Backoff(0.5, 60.0)
        known: Routes | None = None
        while True:
            self._changed.clear()
            nodes = list(self._nodes.values())
            asked = wanted(nodes, self._name)
            if asked != known:
                try:
                    near = await _ip(program, "-4", "-json", "route", "show", "scope", "link")
                    want = wanted(nodes, self._name, parse_connected(near))
                    have = parse(await _ip(program, "-json", "route", "show", "proto", PROTOCOL))
                except (OSError, ValueError) as error:
                    _log.warning("routes to Pods of other nodes: %s", error)
                    await asyncio.sleep(backoff.next())
                    continue
                if await self._apply(program, decide(want, have)):
                    known = asked
                    backoff.reset()
                else:
                    # A neighbour may not be there yet.
                    await asyncio.sleep(backoff.next())
                    continue
            await self._changed.wait()
            await asyncio.sleep(_GATHER)

    async def _apply(self, program: Path, commands: Iterable[list[str]]) -> bool:
        """Whether all of it could be done."""
        done = True
        for command in commands:
            try:
                await _ip(program, *command)
            except OSError as error:
                done = False
                text = f"{' '.join(command[2:5])}: {error}"
                if text not in self._told:
                    _log.warning("no route to the Pods of another node: %s", text)
                self._told.add(text)
        return done


async def _ip(program: Path, *arguments: str) -> str:
    """What it prints. Raises OSError with the first line of what is wrong."""
    try:
        return await _run(program, *arguments)
    except RuntimeError as error:  # uvloop's, when the child died before it read anything
        raise OSError(f"ip: {error}") from error


async def _run(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            printed, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        first = (said.decode(errors="replace").strip().splitlines() or ["no reason given"])[0]
        raise OSError(f"ip: {first}")
    return printed.decode(errors="replace")
