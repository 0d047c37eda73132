"""Subnets of nodes: each gets one, what it wishes if that is free, and none gets another's."""

import ipaddress

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, node_ipam
from strongroom.controllers.node_ipam import CLUSTER_CIDR
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

FIRST = ipaddress.IPv4Network("10.64.0.0/24")
OTHER = ipaddress.IPv4Network("10.70.3.0/24")


def _node(name: str = "n1", wish: str = "", cidr: str = "") -> Object:
    annotations = {"strongroom.dev/pod-network": wish} if wish else {}
    spec = {"podCIDR": cidr, "podCIDRs": [cidr]} if cidr else {}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "annotations": annotations}, "spec": spec}


def test_the_first_free_one() -> None:
    assert node_ipam.choose(_node(), []) == FIRST
    assert node_ipam.choose(_node(), [FIRST]) == ipaddress.IPv4Network("10.64.1.0/24")


def test_what_a_node_wishes_if_it_is_free() -> None:
    wishing = _node(wish=str(OTHER))
    assert node_ipam.choose(wishing, [FIRST]) == OTHER
    assert node_ipam.choose(wishing, [FIRST, OTHER]) == ipaddress.IPv4Network("10.64.1.0/24")


@pytest.mark.parametrize(
    "wish", ["192.168.0.0/24", "10.64.0.0/16", "10.64.0.1/24", "nonsense", "::/64", "0.0.0.0/0"]
)
def test_a_wish_that_can_not_be_is_none(wish: str) -> None:
    assert node_ipam.choose(_node(wish=wish), []) == FIRST


def test_no_node_is_given_a_subnet_that_another_s_address_is_in() -> None:
    neighbour = _node("n2")
    named = [f"10.70.3.{n}" for n in range(5, 8)]
    neighbour["status"] = {"addresses": [{"type": "InternalIP", "address": each} for each in named]}
    (taken,) = node_ipam.address(neighbour)
    assert str(taken) == "10.70.3.5/32", "one address of a node counts, however many it names"
    assert node_ipam.choose(_node(wish=str(OTHER)), [taken]) == FIRST


def test_subnets_of_other_sizes_are_kept_clear_of() -> None:
    wide = ipaddress.IPv4Network("10.64.0.0/12")
    assert node_ipam.choose(_node(wish=str(OTHER)), [wide]) == ipaddress.IPv4Network("10.80.0.0/24")


def test_when_all_are_taken_there_is_none() -> None:
    assert node_ipam.choose(_node(), [CLUSTER_CIDR]) is None


def test_it_is_given_for_good_to_that_very_node() -> None:
    (patch,) = node_ipam.assign(_node(), FIRST)
    assert isinstance(patch, actions.Patch)
    assert patch.patch == {
        "metadata": {"uid": "uid-n1"},
        "spec": {"podCIDR": "10.64.0.0/24", "podCIDRs": ["10.64.0.0/24"]},
    }


class Recorder:
    def __init__(self) -> None:
        self.told: list[str] = []

    def event(self, obj: Object, kind: str, reason: str, message: str) -> None:
        self.told.append(message)


async def test_many_nodes_at_once_get_different_ones() -> None:
    async with controllers.World() as world:
        nodes = world.informer(resources.NODES)
        world.spawn(node_ipam.NodeIPAM(world.client, nodes, Recorder(), world.clock))  # type: ignore[arg-type]
        await world.settle()
        for number in range(20):
            world.api.put(resources.NODES, _node(f"n{number}", wish=str(OTHER)))
        for _ in range(20):
            await world.settle()
        found = [(world.api.get(resources.NODES, f"n{number}") or {})["spec"] for number in range(20)]
        assert len({spec["podCIDR"] for spec in found}) == 20
        assert str(OTHER) in {spec["podCIDR"] for spec in found}
        assert len(world.api.writes) == 20


async def test_a_node_that_has_one_keeps_it() -> None:
    async with controllers.World() as world:
        world.api.put(resources.NODES, _node(cidr="172.16.0.0/24"))
        nodes = world.informer(resources.NODES)
        world.spawn(node_ipam.NodeIPAM(world.client, nodes, Recorder(), world.clock))  # type: ignore[arg-type]
        await world.settle()
        assert not world.api.writes
