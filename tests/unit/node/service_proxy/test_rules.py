"""Rules from Services and EndpointSlices."""

from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.service_proxy import rules
from strongroom.node.service_proxy.rules import Place, ServicePort


def service(ip: str, *ports: dict[str, Any], name: str = "s", namespace: str = "ns") -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "spec": {"clusterIP": ip, "ports": list(ports)}}


def endpoint_slice(*endpoints: object, ports: object = None, kind: str = "IPv4", **labels: str) -> Object:
    labels = labels or {"kubernetes.io/service-name": "s"}
    return {
        "metadata": {"name": "s-x", "namespace": "ns", "labels": labels},
        "addressType": kind,
        "endpoints": list(endpoints),
        "ports": [{"port": 8080}] if ports is None else ports,
    }


def at(address: str, **conditions: bool) -> Object:
    return {"addresses": [address], "conditions": conditions}


HTTP = {"port": 80}


def test_ready_endpoints_of_all_slices() -> None:
    slices = [
        endpoint_slice(at("10.0.0.2", ready=True), at("10.0.0.3", ready=False), at("10.0.0.1")),
        endpoint_slice(at("10.0.0.4")),
        endpoint_slice(at("fd00::1"), kind="IPv6"),
        endpoint_slice(at("10.0.0.5"), other="label"),
    ]
    backends = (("10.0.0.1", 8080), ("10.0.0.2", 8080), ("10.0.0.4", 8080))
    assert rules.service_ports([service("10.96.0.9", HTTP)], slices) == [
        ServicePort("10.96.0.9", "tcp", 80, backends)
    ]


def test_ports_are_found_by_name_and_protocol() -> None:
    ports = [{"name": "a", "port": 1, "protocol": "TCP"}, {"name": "a", "port": 2, "protocol": "UDP"}]
    found = rules.service_ports(
        [service("10.96.0.9", {"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 54})],
        [endpoint_slice(at("10.0.0.1"), ports=ports)],
    )
    assert found == [
        ServicePort("10.96.0.9", "tcp", 54, ()),
        ServicePort("10.96.0.9", "udp", 53, (("10.0.0.1", 2),)),
    ]


@pytest.mark.parametrize("address", ["", "None", "fd00::1", "10.96.0.1; flush ruleset", "x"])
def test_what_is_no_ipv4_address_makes_no_rule(address: str) -> None:
    assert rules.service_ports([service(address, HTTP)], []) == []
    slices = [endpoint_slice(at(address))]
    assert rules.service_ports([service("10.96.0.9", HTTP)], slices)[0].backends == ()


def test_the_api_is_where_the_node_reaches_it() -> None:
    api = service("10.96.0.1", {"name": "https", "port": 443}, name="kubernetes", namespace="default")
    port = ServicePort("10.96.0.1", "tcp", 443, (("10.64.1.1", 9),))
    assert rules.service_ports([api], [], api=("10.64.1.1", 9)) == [port]
    other = service("10.96.0.2", HTTP, name="kubernetes")
    assert rules.service_ports([other], [], api=("10.64.1.1", 9))[0].backends == ()


def test_the_table_is_replaced_whole() -> None:
    ports = [
        ServicePort("10.96.0.1", "tcp", 443, (("10.64.1.1", 9),)),
        ServicePort("10.96.0.2", "udp", 53, (("10.64.1.2", 53), ("10.64.1.3", 53))),
        ServicePort("10.96.0.3", "tcp", 80, ()),
    ]
    text = rules.ruleset(ports, Place("t", "br0", "10.64.1.0/24", ("10.64.1.1", 9)))
    assert text.startswith("add table ip t\ndelete table ip t\ntable ip t {\n")
    assert "    ip daddr 10.96.0.1 tcp dport 443 dnat to 10.64.1.1:9\n" in text
    two = "numgen random mod 2 map { 0 : 10.64.1.2 . 53, 1 : 10.64.1.3 . 53 }"
    assert f"    ip daddr 10.96.0.2 udp dport 53 dnat to {two}\n" in text
    assert "    ip daddr 10.96.0.3 tcp dport 80 reject with tcp reset\n" in text
    assert '    iifname "br0" jump services\n' in text
    assert "    ip saddr 10.64.1.0/24 ip daddr 10.64.1.0/24 ct status dnat masquerade\n" in text
    assert '    ip daddr 10.64.1.1 tcp dport 9 iifname != { "lo", "br0" } drop\n' in text


def test_rules_hold_for_all_where_the_bridge_is_not_known() -> None:
    text = rules.ruleset([], Place("t"))
    assert "iifname" not in text
    assert "masquerade" not in text
    assert text.count("jump services") == 2
