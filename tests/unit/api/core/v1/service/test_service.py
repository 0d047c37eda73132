"""Services: defaults, rules, updates, the row."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.SERVICES]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IP = "10.96.1.2"


def make(*ports: Any, **spec: Any) -> dict[str, Any]:
    """A Service with its defaults; of one port if none is given."""
    obj = {
        "metadata": {"name": "web", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "spec": {"ports": [dict(port) for port in ports or ({"port": 80},)], **spec},
    }
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    return obj


def allocated(*ports: Any, **spec: Any) -> dict[str, Any]:
    """As the registry leaves one."""
    families = {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
    return make(*ports, **{"clusterIP": IP, **families, **spec})


def updated(old: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """`old` with another spec, as the strategy prepares it; None takes a field away."""
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    new["spec"] = {field: value for field, value in new["spec"].items() if value is not None}
    STRATEGY.default(new)
    STRATEGY.prepare_for_update(new, old)
    return new


def test_defaults() -> None:
    assert make()["spec"] == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
    }
    assert make()["status"] == {"loadBalancer": {}}
    balanced = make({"port": 80, "targetPort": "http"}, type="LoadBalancer", sessionAffinity="ClientIP")
    assert balanced["spec"] == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": "http"}],
        "type": "LoadBalancer",
        "sessionAffinity": "ClientIP",
        "externalTrafficPolicy": "Cluster",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
        "allocateLoadBalancerNodePorts": True,
        "internalTrafficPolicy": "Cluster",
    }
    assert "internalTrafficPolicy" not in make(type="ExternalName")["spec"]
    assert make(clusterIP="None")["spec"]["clusterIPs"] == ["None"]


TWICE = '{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (make(), []),
        (make(type="Near"),
         ['spec.type: Unsupported value: "Near": supported values: "ClusterIP", "ExternalName", '
          '"LoadBalancer", "NodePort"']),
        (make({"port": 0}),
         ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
          "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive"]),
        (make({"port": 80, "name": "a"}, {"port": 81}), ["spec.ports[1].name: Required value"]),
        (make({"port": 80, "name": "a"}, {"port": 80, "name": "a"}),
         ['spec.ports[1].name: Duplicate value: "a"', f"spec.ports[1]: Duplicate value: {TWICE}"]),
        (make({"port": 80, "protocol": "X"}),
         ['spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']),
        (make({"port": 80, "targetPort": "A"}),
         ['spec.ports[0].targetPort: Invalid value: "A": ' + names.port_name("A")[0],
          'spec.ports[0].targetPort: Invalid value: "A": ' + names.port_name("A")[1]]),
        (make({"port": 80, "nodePort": 30000}),
         ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        (make(type="NodePort", clusterIP="None"),
         ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
        (make({"port": 80, "name": "a", "nodePort": 30000}, {"port": 81, "name": "b", "nodePort": 30000},
              type="NodePort"),
         ["spec.ports[1].nodePort: Duplicate value: 30000"]),
        (make(type="NodePort", loadBalancerSourceRanges=["10.0.0.0/8", "x"], loadBalancerClass="a/b",
              allocateLoadBalancerNodePorts=False, healthCheckNodePort=30001),
         ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
          'spec.LoadBalancerSourceRanges[1]: Invalid value: "x": must be a valid CIDR value, (e.g. '
          "10.9.8.0/24 or 2001:db8::/64)",
          "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
          "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
          "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and "
          "`externalTrafficPolicy` is 'Local'"]),
        (make(type="LoadBalancer", loadBalancerClass="-", trafficDistribution="Near"),
         [*(f'spec.loadBalancerClass: Invalid value: "-": {m}' for m in names.qualified_name("-")),
          'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", '
          '"PreferSameZone", "PreferSameNode"']),
        (make(ipFamilies=["IPv4", "IPv4", "X"], ipFamilyPolicy="Y"),
         ['spec.ipFamilies[1]: Duplicate value: "IPv4"',
          'spec.ipFamilies[2]: Unsupported value: "X": supported values: "IPv4", "IPv6"',
          'spec.ipFamilyPolicy: Unsupported value: "Y": supported values: "PreferDualStack", '
          '"RequireDualStack", "SingleStack"']),
        (make(clusterIP="None", clusterIPs=["None", IP]),
         [f"spec.clusterIPs: Invalid value: [\"None\",\"{IP}\"]: 'None' must be the first and only value"]),
        (make(clusterIP=IP, clusterIPs=[IP, "10.96.0.9"]),
         [f'spec.clusterIPs: Invalid value: ["{IP}","10.96.0.9"]: may specify no more than one IP for each '
          "IP family"]),
        (make(clusterIP=IP, ipFamilies=["IPv6"]),
         [f'spec.clusterIPs[0]: Invalid value: "{IP}": expected an IPv6 value as indicated by '
          "`ipFamilies[0]`"]),
        (make(type="ExternalName"), ["spec.externalName: Required value"]),
        (make(type="ExternalName", externalName="a.example.com."), []),
        (make(type="ExternalName", externalName="a", clusterIP=IP),
         ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"]),
        (make(clusterIP="x"),
         ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          '2001:db8::ffff)']),
        (make(clusterIP=IP, clusterIPs=["10.96.0.9"]),
         ['spec.clusterIPs: Invalid value: ["10.96.0.9"]: first value must match `clusterIP`']),
        (make(selector={"-": "x"}),
         [f'spec.selector: Invalid value: "-": {names.qualified_name("-")[0]}']),
        (make(sessionAffinity="Mine"),
         ['spec.sessionAffinity: Unsupported value: "Mine": supported values: "ClientIP", "None"']),
        (make(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 0}}),
         ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and "
          "less than 86400"]),
        (make(externalIPs=["010.0.0.1", "::ffff:10.0.0.1"]),
         ['spec.externalIPs[0]: Invalid value: "010.0.0.1": must not have leading 0s',
          'spec.externalIPs[1]: Invalid value: "::ffff:10.0.0.1": must not be an IPv4-mapped IPv6 address']),
        (make(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.1/8", "10.0.0.0/08", "x"]),
         ['spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the '
          "prefix length",
          'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or '
          "prefix length",
          'spec.LoadBalancerSourceRanges[2]: Invalid value: "x": must be a valid CIDR value, (e.g. '
          "10.9.8.0/24 or 2001:db8::/64)"]),
        (make(externalIPs=["127.0.0.1"]),
         ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, '
          '::1/128)']),
        (make(externalTrafficPolicy="Local"),
         ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible '
          'services']),
        (make(type="NodePort", externalTrafficPolicy="Near"),
         ['spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"']),
        (make(internalTrafficPolicy="Near"),
         ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"']),
        (make(allocateLoadBalancerNodePorts=True),
         ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"]),
        (make(ipFamilies=["IPv5"], ipFamilyPolicy="Any"),
         ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
          'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", '
          '"RequireDualStack", "SingleStack"']),
    ],
)  # fmt: skip
def test_rules(obj: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


def test_ports_are_needed_but_for_headless_services() -> None:
    for clusterip, expected in (("", ["spec.ports: Required value"]), ("None", [])):
        obj = make(clusterIP=clusterip)
        obj["spec"]["ports"] = []
        assert [str(error) for error in STRATEGY.validate(obj)] == expected


MODE, HINTS = (f"service.kubernetes.io/topology-{name}" for name in ("mode", "aware-hints"))


def test_names_are_labels() -> None:
    assert STRATEGY.validate_name("web") == STRATEGY.validate_name("1web") == []
    assert STRATEGY.validate_name("a.b") == ["must not contain dots"]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({MODE: "Auto"}, []),
        ({MODE: "Auto", HINTS: "Auto"}, []),
        ({MODE: "Auto", HINTS: "x"},
         [f'metadata.annotations[{MODE}]: Invalid value: "Auto": must match annotations[{HINTS}] when both '
          "are specified"]),
    ],
)  # fmt: skip
def test_annotations(annotations: dict[str, str], expected: list[str]) -> None:
    obj = make()
    obj["metadata"]["annotations"] = annotations
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"clusterIP": "None", "loadBalancerIP": "10.0.0.1", "externalIPs": ["10.0.0.1"],
          "sessionAffinity": "ClientIP"},
         ["spec.loadBalancerIP is ignored for headless services",
          "spec.externalIPs is ignored for headless services",
          "spec.SessionAffinity is ignored for headless services"]),
        ({"externalIPs": ["FD00::1"]},
         ['spec.externalIPs[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
          "spec.externalIPs is deprecated and may no longer be implemented in some clusters"]),
        ({"type": "ExternalName", "externalName": "a.b", "externalIPs": ["10.0.0.1"]},
         ['spec.externalIPs is ignored when spec.type is "ExternalName"']),
        ({"externalName": "a.b"}, ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        ({"trafficDistribution": "PreferClose"},
         ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']),
    ],
)  # fmt: skip
def test_warnings(spec: dict[str, Any], expected: list[str]) -> None:
    assert list(STRATEGY.warnings(make(**spec), None)) == expected


INGRESS = "status.loadBalancer.ingress"


@pytest.mark.parametrize(
    ("kind", "ingress", "expected"),
    [
        ("LoadBalancer", {"ip": "10.0.0.1", "hostname": "a.b"}, []),
        ("ClusterIP", {"ip": "10.0.0.1"},
         [f"{INGRESS}: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]),
        ("LoadBalancer", {"ip": "x"},
         [f'{INGRESS}[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)"]),
        ("LoadBalancer", {"ip": "10.0.0.1", "ipMode": "Near"},
         [f'{INGRESS}[0].ipMode: Unsupported value: "Near": supported values: "Proxy", "VIP"']),
        ("LoadBalancer", {"ipMode": "VIP"},
         [f"{INGRESS}[0].ipMode: Forbidden: may not be specified when `ip` is not set"]),
        ("LoadBalancer", {"hostname": "10.0.0.1"},
         [f'{INGRESS}[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']),
    ],
)  # fmt: skip
def test_status(kind: str, ingress: dict[str, Any], expected: list[str]) -> None:
    obj = make(type=kind)
    obj["status"] = {"loadBalancer": {"ingress": [dict(ingress)]}}
    STRATEGY.default(obj)
    assert [str(error) for error in STRATEGY.validate_status_update(obj, make(type=kind))] == expected


def test_an_update_keeps_what_was_chosen() -> None:
    old = allocated({"port": 80, "nodePort": 30001}, type="NodePort")
    new = updated(old, ports=[{"port": 80}, {"port": 81, "name": "b"}], clusterIP=None, clusterIPs=None)
    assert (new["spec"]["clusterIP"], new["spec"]["clusterIPs"]) == (IP, [IP])
    assert [port.get("nodePort") for port in new["spec"]["ports"]] == [30001, None]
    assert new["spec"]["ipFamilies"] == ["IPv4"]


def test_the_address_stays() -> None:
    old = allocated()
    assert STRATEGY.validate_update(updated(old, selector={"a": "b"}), old) == []
    changed = updated(old, clusterIP="10.96.0.9")
    assert [str(error) for error in STRATEGY.validate_update(changed, old)] == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'
    ]
    none = copy.deepcopy(old)
    del none["spec"]["clusterIP"], none["spec"]["clusterIPs"]
    assert [str(error) for error in STRATEGY.validate_update(none, old)] == [
        "spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset"
    ]
    other = updated(old, ipFamilies=["IPv6"])
    assert [str(error) for error in STRATEGY.validate_update(other, old)] == [
        'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
        f'spec.clusterIPs[0]: Invalid value: "{IP}": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ]


def test_the_class_of_a_load_balancer_stays() -> None:
    old = allocated(type="LoadBalancer", loadBalancerClass="a/b")
    changed = updated(old, loadBalancerClass="a/c")
    assert [str(error) for error in STRATEGY.validate_update(changed, old)] == [
        'spec.loadBalancerClass: Invalid value: "a/c": may not change once set'
    ]


def test_what_another_type_has_no_use_for_goes() -> None:
    old = allocated({"port": 80, "nodePort": 30001}, type="NodePort")
    inside = updated(old, type="ClusterIP")["spec"]
    assert "nodePort" not in inside["ports"][0]
    assert "externalTrafficPolicy" not in inside
    named = updated(old, type="ExternalName", externalName="a.b")
    assert set(named["spec"]) == {"ports", "type", "sessionAffinity", "externalName"}
    assert STRATEGY.validate_update(named, old) == []
    balanced = allocated(type="LoadBalancer")
    assert "allocateLoadBalancerNodePorts" not in updated(balanced, type="NodePort")["spec"]


@pytest.mark.parametrize(
    ("obj", "cells"),
    [
        (allocated(selector={"b": "2", "a": "1"}), ["ClusterIP", IP, "<none>", "80/TCP", "5s", "a=1,b=2"]),
        (allocated({"port": 80, "nodePort": 30001}, {"port": 53, "protocol": "UDP"}, type="NodePort"),
         ["NodePort", IP, "<none>", "80:30001/TCP,53/UDP", "5s", "<none>"]),
        (allocated(externalIPs=["1.2.3.4"]), ["ClusterIP", IP, "1.2.3.4", "80/TCP", "5s", "<none>"]),
        (allocated(type="LoadBalancer"), ["LoadBalancer", IP, "<pending>", "80/TCP", "5s", "<none>"]),
        (make(type="ExternalName", externalName="a.b"),
         ["ExternalName", "<none>", "a.b", "80/TCP", "5s", "<none>"]),
        ({**allocated(type="LoadBalancer"),
          "status": {"loadBalancer": {"ingress": [{"hostname": "balancer.example.com"}]}}},
         ["LoadBalancer", IP, "balancer.exam...", "80/TCP", "5s", "<none>"]),
    ],
)  # fmt: skip
def test_row(obj: dict[str, Any], cells: list[str]) -> None:
    assert STRATEGY.row(obj, NOW) == ["web", *cells]


def test_selectable_fields() -> None:
    fields = STRATEGY.selectable_fields({**allocated(), "metadata": {"name": "web", "namespace": "n"}})
    assert (fields["spec.clusterIP"], fields["spec.type"]) == (IP, "ClusterIP")
