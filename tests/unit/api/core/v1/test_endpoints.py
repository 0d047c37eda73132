"""Endpoints."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.ENDPOINTS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(*subsets: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:00Z"},
        "subsets": list(subsets),
    }


def subset(*ips: str, ports: Any = ({"port": 80, "protocol": "TCP"},)) -> dict[str, Any]:
    return {"addresses": [{"ip": ip} for ip in ips], "ports": list(ports)}


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([subset("10.0.0.1")], []),
        ([subset()], ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
        ([subset("x")],
         ['subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          '2001:db8::ffff)',
          'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address']),
        ([subset("10.0.0.01")],
         ['subsets[0].addresses[0].ip: Invalid value: "10.0.0.01": must not have leading 0s']),
        ([subset("10.0.0.1", ports=[{"port": 1, "protocol": "TCP", "appProtocol": "-"}])],
         [f'subsets[0].ports[0].appProtocol: Invalid value: "-": {names.qualified_name("-")[0]}']),
        ([subset("127.0.0.1")],
         ['subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range '
          '(127.0.0.0/8, ::1/128)']),
        ([{"notReadyAddresses": [{"ip": "10.0.0.1", "hostname": "-", "nodeName": "-"}]}],
         [f'subsets[0].notReadyAddresses[0].hostname: Invalid value: "-": {names.dns1123_label("-")[0]}',
          'subsets[0].notReadyAddresses[0].nodeName: Invalid value: "-": '
          + names.dns1123_subdomain("-")[0]]),
        ([subset("10.0.0.1", ports=[{"port": 0, "protocol": "X"}, {"name": "b", "port": 1}])],
         ["subsets[0].ports[0].name: Required value",
          "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
          'subsets[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
          "subsets[0].ports[1].protocol: Required value"]),
    ],
)  # fmt: skip
def test_rules(subsets: list[Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(make(*subsets))] == expected


def test_subsets_that_older_rules_let_in_may_stay() -> None:
    assert STRATEGY.validate_update(make(subset("x")), make(subset("x"))) == []
    assert STRATEGY.validate_update(make(subset("x")), make(subset("y"))) != []


def test_protocol_is_tcp_if_none_is_given() -> None:
    obj = make(subset("10.0.0.1", ports=[{"port": 80}]))
    STRATEGY.default(obj)
    assert obj["subsets"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("subsets", "cell"),
    [
        ([], "<none>"),
        ([subset("10.0.0.1")], "10.0.0.1:80"),
        ([subset("10.0.0.1", "fd00::1")], "10.0.0.1:80,[fd00::1]:80"),
        ([subset("10.0.0.1", ports=[])], "10.0.0.1"),
        ([subset("10.0.0.1", "10.0.0.2"), subset("10.0.0.3", "10.0.0.4", "10.0.0.5")],
         "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."),
    ],
)  # fmt: skip
def test_row(subsets: list[Any], cell: str) -> None:
    assert STRATEGY.row(make(*subsets), NOW) == ["a", cell, "5s"]
