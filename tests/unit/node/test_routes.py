"""Which routes lead to the Pods of other nodes."""

from typing import Any

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
