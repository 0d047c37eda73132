"""Which routes lead to the Pods of other nodes."""

import ipaddress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.gvk import Object
from strongroom.node import routes


def _node(name: str, cidr: str = "", address: str = "", **status: Any) -> Object:
    addresses = [{"type": "Hostname", "address": name}]
    if address:
        addresses.append({"type": "InternalIP", "address": address})
    spec = {"podCIDR": cidr, "podCIDRs": [cidr]} if cidr else {}
    return {"metadata": {"name": name}, "spec": spec, "status": {"addresses": addresses, **status}}


OWN = _node("n1", "10.64.1.0/24", "192.0.2.1")


def test_each_other_node_is_the_way_to_its_pods() -> None:
    nodes = [OWN, _node("n2", "10.64.2.0/24", "192.0.2.2"), _node("n3", "10.64.3.0/24", "192.0.2.3")]
    assert routes.wanted(nodes, "n1") == {"10.64.2.0/24": "192.0.2.2", "10.64.3.0/24": "192.0.2.3"}


def test_a_node_without_an_address_or_a_subnet_is_the_way_to_nothing() -> None:
    assert routes.wanted([OWN, _node("n2", "10.64.2.0/24"), _node("n3", "", "192.0.2.3")], "n1") == {}


def test_no_node_takes_what_is_for_others() -> None:
    for cidr in ("10.64.1.0/24", "10.64.0.0/16", "192.0.2.0/24", "0.0.0.0/0", "not a subnet"):
        assert routes.wanted([OWN, _node("n2", cidr, "192.0.2.2")], "n1") == {}
    assert routes.wanted([OWN, _node("n2", "10.64.2.0/24", "192.0.2.1")], "n1") == {}
    assert routes.wanted([OWN, _node("n2", "10.64.2.0/24", "not an address")], "n1") == {}


LAN = ipaddress.IPv4Network("192.0.2.0/24")
HONEST = [OWN, *(_node(f"n{n}", f"10.64.{n}.0/24", f"192.0.2.{n}") for n in range(2, 6))]
_ADDRESSES = st.one_of(
    st.sampled_from([f"10.64.{n}.7" for n in range(8)] + [f"192.0.2.{n}" for n in range(8)]),
    st.ip_addresses(v=4).map(str),
    st.text(max_size=5),
)


@given(st.lists(_ADDRESSES, max_size=3), st.booleans())
def test_no_node_takes_away_or_redirects_a_route_of_another_whatever_address_it_names(
    named: list[str], first: bool
) -> None:
    liars = [_node(f"liar{n}", f"10.64.{100 + n}.0/24", address) for n, address in enumerate(named)]
    nodes = [*liars, *HONEST] if first else [*HONEST, *liars]
    alone = routes.wanted(HONEST, "n1", [LAN])
    assert len(alone) == 4
    found = routes.wanted(nodes, "n1", [LAN])
    assert {cidr: via for cidr, via in found.items() if cidr in alone} == alone
    subnets = [ipaddress.IPv4Network(cidr) for cidr in [*found, "10.64.1.0/24"]]
    assert not any(ipaddress.IPv4Address(via) in subnet for via in found.values() for subnet in subnets)


def test_no_subnet_takes_what_is_for_neighbours_of_the_machine() -> None:
    """Not even that of a node that has joined since, and whose address nobody knew."""
    lan = [ipaddress.IPv4Network("10.70.0.0/16")]
    own, taker = _node("n1", "10.64.1.0/24", "10.70.0.1"), _node("n2", "10.70.5.0/24", "10.70.0.2")
    assert routes.wanted([own, taker, _node("n3", "10.64.3.0/24", "10.70.5.3")], "n1", lan) == {}
    assert routes.parse_connected('[{"dst":"10.70.0.0/16","dev":"e","flags":[]},{"dst":"default"}]') == lan


def test_only_what_differs_is_changed() -> None:
    want = {"10.64.2.0/24": "192.0.2.2", "10.64.3.0/24": "192.0.2.3"}
    have = {"10.64.2.0/24": "192.0.2.9", "10.64.3.0/24": "192.0.2.3", "10.64.4.0/24": "192.0.2.4"}
    assert routes.decide(want, have) == [
        ["route", "del", "10.64.4.0/24", "proto", "157"],
        ["route", "replace", "10.64.2.0/24", "via", "192.0.2.2", "proto", "157"],
    ]
    assert routes.decide(want, want) == []


def test_what_ip_prints() -> None:
    printed = '[{"dst":"10.64.2.0/24","gateway":"192.0.2.2","dev":"eth0","flags":[]},{"dst":"10.64.3.7"}]'
    assert routes.parse(printed) == {"10.64.2.0/24": "192.0.2.2", "10.64.3.7/32": ""}
    assert routes.parse("") == {}
