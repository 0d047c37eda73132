"""The pods' network: a bridge and a subnet for each data directory, clear of what the host reaches."""

import itertools
import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.node.containerd import network

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
sr-own\t0000400A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_routes_of_the_host() -> None:
    assert network.parse_routes(ROUTES) == [
        IPv4Network("0.0.0.0/0"),
        IPv4Network("192.0.2.0/24"),
        IPv4Network("10.64.0.0/24"),
    ]


def test_routes_without_those_of_our_own_bridge() -> None:
    assert IPv4Network("10.64.0.0/24") not in network.parse_routes(ROUTES, without="sr-own")


@given(st.text(max_size=50))
def test_a_data_directory_always_gets_the_same_network(seed: str) -> None:
    chosen = network.choose(seed, ())
    assert chosen == network.choose(seed, ())
    assert len(chosen.bridge) <= 15
    assert chosen.subnet.subnet_of(IPv4Network("10.64.0.0/11"))
    assert chosen.gateway == str(chosen.subnet.network_address + 1)


def test_different_data_directories_differ() -> None:
    chosen = [network.choose(f"/data/{number}", ()) for number in range(20)]
    assert len({one.bridge for one in chosen}) == len({one.subnet for one in chosen}) == 20


def test_a_taken_subnet_is_passed_over() -> None:
    first, second, third = itertools.islice(network.candidates("s"), 3)
    assert network.choose("s", [first, IPv4Network("0.0.0.0/0")]).subnet == second
    assert network.choose("s", [first, second]).subnet == third


def test_a_wide_route_blocks_all_that_it_covers() -> None:
    wide = IPv4Network("10.64.0.0/12")
    assert not network.choose("s", [wide]).subnet.overlaps(wide)


@given(st.text(max_size=50))
def test_pods_have_no_address_of_a_service(seed: str) -> None:
    assert not network.choose(seed, ()).subnet.overlaps(IPv4Network("10.96.0.0/12"))


def test_no_free_subnet_is_an_error() -> None:
    with pytest.raises(OSError, match="no free subnet for pods"):
        network.choose("s", [IPv4Network("10.0.0.0/8")])


def test_the_subnet_of_the_first_start_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "host_routes", lambda without: [])
    file = tmp_path / "network.json"
    first = network.load_or_choose(file, "seed")
    kept = {**json.loads(file.read_text()), "subnet": "10.79.1.0/24"}
    file.write_text(json.dumps(kept))
    second = network.load_or_choose(file, "seed")
    assert (second.bridge, str(second.subnet)) == (first.bridge, "10.79.1.0/24")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"subnet": "x"}', '{"subnet": "10.79.1.0/24"}', '{"subnet": "10.96.1.0/24"}']
)
def test_a_lost_or_colliding_subnet_is_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(network, "host_routes", lambda without: [IPv4Network("10.79.0.0/16")])
    file = tmp_path / "network.json"
    file.write_text(text)
    chosen = network.load_or_choose(file, "seed")
    assert str(chosen.subnet) not in text
    assert json.loads(file.read_text())["subnet"] == str(chosen.subnet)


def test_configuration_list() -> None:
    pods = network.PodNetwork("strongroom-x", "sr-x", IPv4Network("10.70.1.0/24"))
    full = network.conflist(pods, address_dir=Path("/r/a"), port_mapping=True, masquerade=True)
    assert full == {
        "cniVersion": "0.4.0",
        "name": "strongroom-x",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "sr-x",
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": "10.70.1.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": "/r/a",
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    bare = network.conflist(pods, address_dir=Path("/r/a"), port_mapping=False, masquerade=False)
    plugins = bare["plugins"]
    assert isinstance(plugins, list)
    assert [plugin["type"] for plugin in plugins] == ["bridge"]


def test_host_without_any_route_is_reached_at_localhost() -> None:
    assert network.host_address(probes=()) == "127.0.0.1"
