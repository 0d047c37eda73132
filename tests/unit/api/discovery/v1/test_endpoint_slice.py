"""EndpointSlices."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.ENDPOINT_SLICES]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(*addresses: str, kind: str = "IPv4", ports: Any = (), **endpoint: Any) -> dict[str, Any]:
    """A slice with one endpoint."""
    obj = {
        "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "addressType": kind,
        "endpoints": [{"addresses": list(addresses), **endpoint}],
        "ports": [dict(port) for port in ports],
    }
    STRATEGY.default(obj)
    return obj


def test_defaults() -> None:
    assert make("10.0.0.1", ports=[{"port": 80}, {"name": "b", "protocol": "UDP"}])["ports"] == [
        {"port": 80, "name": "", "protocol": "TCP"},
        {"name": "b", "protocol": "UDP"},
    ]
    empty: dict[str, Any] = {"metadata": {"name": "a"}, "addressType": "IPv4"}
    STRATEGY.default(empty)
    assert (empty["endpoints"], empty["ports"]) == (None, None)
    assert STRATEGY.validate(empty) == []


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (make("10.0.0.1"), []),
        (make("fd00::1", kind="IPv6"), []),
        (make("a.example.com.", kind="FQDN"), []),
        (make("10.0.0.1", kind=""), ["addressType: Required value"]),
        (make("10.0.0.1", kind="IP"),
         ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"']),
        (make(), ["endpoints[0].addresses: Required value: must contain at least 1 address"]),
        (make(*["10.0.0.1"] * 101),
         ["endpoints[0].addresses: Too many: 101: must have at most 100 items"]),
        (make("fd00::1"),
         ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address']),
        (make("10.0.0.1", "FD00::1", kind="IPv6"),
         ['endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address',
          'endpoints[0].addresses[1]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")']),
        (make("x", "10.0.0.01", "::ffff:10.0.0.1"),
         ['endpoints[0].addresses[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)",
          'endpoints[0].addresses[1]: Invalid value: "10.0.0.01": must not have leading 0s',
          'endpoints[0].addresses[2]: Invalid value: "::ffff:10.0.0.1": must not be an IPv4-mapped IPv6 '
          "address"]),
        (make("", "-", f"{'a' * 64}.b", kind="FQDN"),
         ["endpoints[0].addresses[0]: Required value",
          f'endpoints[0].addresses[1]: Invalid value: "-": {names.dns1123_subdomain("-")[0]}',
          f'endpoints[0].addresses[2]: Invalid value: "{"a" * 64}": must be no more than 63 characters']),
        (make("10.0.0.1", kind="IP", ports=[{"name": "-"}], nodeName=""),
         ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"',
          f'ports[0].name: Invalid value: "-": {names.dns1123_label("-")[0]}',
          f'endpoints[0].nodeName: Invalid value: "": {names.dns1123_subdomain("")[0]}']),
        (make("127.0.0.1"),
         ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range '
          '(127.0.0.0/8, ::1/128)']),
        (make("host", kind="FQDN"),
         ['endpoints[0].addresses[0]: Invalid value: "host": should be a domain with at least two segments '
          'separated by dots']),
        (make("10.0.0.1", hostname="-"),
         [f'endpoints[0].hostname: Invalid value: "-": {names.dns1123_label("-")[0]}']),
        (make("10.0.0.1", nodeName="-"),
         [f'endpoints[0].nodeName: Invalid value: "-": {names.dns1123_subdomain("-")[0]}']),
        (make("10.0.0.1", hints={"forZones": [{"name": "z"}, {"name": "z"}]}),
         ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"']),
        (make("10.0.0.1", hints={"forNodes": [{"name": str(n)} for n in range(9)]}),
         ["endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items"]),
        (make("10.0.0.1", deprecatedTopology={str(n): "x" for n in range(17)}),
         ["endpoints[0].deprecatedTopology: Too many: 17: must have at most 16 items"]),
        (make("10.0.0.1", ports=[{}, {}]), ['ports[1].name: Duplicate value: ""']),
        (make("10.0.0.1", ports=[{"protocol": ""}]),
         ['ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"']),
        (make("10.0.0.1", ports=[{"protocol": "X"}]),
         ['ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']),
        (make("10.0.0.1", ports=[{"appProtocol": "-"}]),
         [f'ports[0].appProtocol: Invalid value: "-": {names.qualified_name("-")[0]}']),
    ],
)  # fmt: skip
def test_rules(obj: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


def test_not_too_much_of_anything() -> None:
    crowd = {**make("10.0.0.1"), "endpoints": [{"addresses": ["10.0.0.1"]}] * 1001}
    assert [str(error) for error in STRATEGY.validate(crowd)] == [
        "endpoints: Too many: 1001: must have at most 1000 items"
    ]
    open_to_all = make("10.0.0.1", ports=[{"name": f"p{n}"} for n in range(20001)])
    assert [str(error) for error in STRATEGY.validate(open_to_all)] == [
        "ports: Too many: 20001: must have at most 20000 items"
    ]


def test_the_type_of_addresses_stays() -> None:
    assert [str(error) for error in STRATEGY.validate_update(make("fd00::1", kind="IPv6"), make())] == [
        'addressType: Invalid value: "IPv6": field is immutable'
    ]
    assert STRATEGY.validate_update(make("10.0.0.2"), make("10.0.0.1")) == []


def test_endpoints_that_older_rules_let_in_may_stay() -> None:
    assert STRATEGY.validate_update(make("x"), make("x")) == []
    assert STRATEGY.validate_update(make("x"), make("y")) != []


def test_topology_of_old_is_not_written() -> None:
    new = make("10.0.0.1", deprecatedTopology={"a": "b"})
    STRATEGY.prepare_for_create(new)
    assert new["endpoints"] == [{"addresses": ["10.0.0.1"], "conditions": {}}]
    kept, old = (make("10.0.0.1", deprecatedTopology={"a": "b"}) for _ in range(2))
    STRATEGY.prepare_for_update(kept, old)
    assert kept == old


def test_names_as_endpoints_are_warned_of() -> None:
    assert list(STRATEGY.warnings(make("a.b", kind="FQDN"), None)) == [
        "spec.addressType: FQDN endpoints are deprecated"
    ]
    assert not STRATEGY.warnings(make("10.0.0.1"), None)


def test_generation() -> None:
    labelled = make("10.0.0.1")
    labelled["metadata"]["labels"] = {"a": "b"}
    assert STRATEGY.is_new_generation(labelled, make("10.0.0.1"))
    assert STRATEGY.is_new_generation(make("10.0.0.2"), make("10.0.0.1"))
    assert not STRATEGY.is_new_generation(make("10.0.0.1"), make("10.0.0.1"))


def test_row() -> None:
    some = make("10.0.0.1", "10.0.0.2", ports=[{"port": 80}, {"name": "b"}, {}])
    assert STRATEGY.row(some, NOW) == ["a", "IPv4", "80,b,", "10.0.0.1,10.0.0.2", "5s"]
    many = make("1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4")
    assert STRATEGY.row(many, NOW)[2:4] == ["<unset>", "1.0.0.1,1.0.0.2,1.0.0.3 + 1 more..."]
