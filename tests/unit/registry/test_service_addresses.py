"""Addresses and node ports of Services, over HTTP."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.registry import service_addresses
from strongroom.testing import api_server
from strongroom.testing.api_server import Answer, APIServer

ROOT = "/api/v1/namespaces/default/services"
MERGE = "application/merge-patch+json"


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running


async def create(server: APIServer, name: str, **spec: Any) -> Answer:
    body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}, **spec}}
    return await server.request("POST", ROOT, body)


async def patch(server: APIServer, name: str, **spec: Any) -> Answer:
    return await server.request("PATCH", f"{ROOT}/{name}", {"spec": spec}, content_type=MERGE)


async def test_an_address_of_its_own(server: APIServer) -> None:
    answers = await asyncio.gather(*(create(server, f"s{n}") for n in range(20)))
    ips = [answer.json["spec"]["clusterIP"] for answer in answers]
    assert len(set(ips)) == 20
    assert all(ipaddress.ip_address(ip) in service_addresses.SERVICE_RANGE for ip in ips)
    spec = answers[0].json["spec"]
    assert (spec["clusterIPs"], spec["ipFamilies"], spec["ipFamilyPolicy"]) == (
        [ips[0]], ["IPv4"], "SingleStack"
    )  # fmt: skip


async def test_one_that_is_asked_for(server: APIServer) -> None:
    assert (await create(server, "a", clusterIP="10.96.0.10")).json["spec"]["clusterIP"] == "10.96.0.10"
    taken = await create(server, "b", clusterIP="10.96.0.10")
    assert (taken.status, taken.json["message"]) == (
        422,
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP '
        "10.96.0.10: provided IP is already allocated",
    )
    outside = await create(server, "b", clusterIP="10.0.0.1")
    assert outside.json["message"] == (
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP '
        "10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is "
        "10.96.0.0/12"
    )
    await server.request("DELETE", f"{ROOT}/a")
    assert (await create(server, "b", clusterIP="10.96.0.10")).status == 201


async def test_a_dry_run_holds_nothing(server: APIServer) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.10"}}
    assert (await server.request("POST", f"{ROOT}?dryRun=All", body)).status == 201
    assert (await create(server, "b", clusterIP="10.96.0.10")).status == 201


async def test_a_taken_name_holds_nothing(server: APIServer) -> None:
    await create(server, "a")
    assert (await create(server, "a", clusterIP="10.96.0.10")).status == 409
    assert (await create(server, "b", clusterIP="10.96.0.10")).status == 201


async def test_node_ports(server: APIServer) -> None:
    made = (await create(server, "a", type="NodePort")).json["spec"]["ports"][0]
    assert made["nodePort"] in service_addresses.NODE_PORTS
    asked = [{"port": 80, "nodePort": made["nodePort"]}]
    taken = await create(server, "b", type="NodePort", ports=asked)
    assert taken.json["message"] == (
        f'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: {made["nodePort"]}: provided port '
        "is already allocated"
    )
    other_protocol = [{"port": 80, "nodePort": made["nodePort"], "protocol": "UDP"}]
    assert (await create(server, "b", type="NodePort", ports=other_protocol)).status == 201
    outside = await create(server, "c", type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    assert outside.json["message"] == (
        'Service "c" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the '
        "valid range. The range of valid ports is 30000-32767"
    )


async def test_another_type(server: APIServer) -> None:
    ip = (await create(server, "a")).json["spec"]["clusterIP"]
    on_nodes = (await patch(server, "a", type="NodePort")).json["spec"]
    assert (on_nodes["clusterIP"], "nodePort" in on_nodes["ports"][0]) == (ip, True)
    named = (await patch(server, "a", type="ExternalName", externalName="a.b")).json["spec"]
    assert "clusterIP" not in named
    assert (await create(server, "b", clusterIP=ip)).status == 201
    again = (await patch(server, "a", type="ClusterIP", externalName=None)).json["spec"]
    assert again["clusterIP"] not in ("", ip)


async def test_headless(server: APIServer) -> None:
    spec = (await create(server, "a", clusterIP="None")).json["spec"]
    assert (spec["clusterIPs"], spec["ipFamilies"], spec["ipFamilyPolicy"]) == (
        ["None"], ["IPv4"], "SingleStack"
    )  # fmt: skip
    free = (await create(server, "b", clusterIP="None", selector={})).json["spec"]
    assert (free["ipFamilies"], free["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"ipFamilies": ["IPv6"]},
         'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        ({"clusterIP": "10.96.0.77", "clusterIPs": ["10.96.0.77", "fd00::1"]},
         '[spec.ipFamilyPolicy: Invalid value: "SingleStack": must be \'RequireDualStack\' or '
         "'PreferDualStack' when multiple cluster IPs are specified, "
         'spec.clusterIPs[1]: Invalid value: ["10.96.0.77","fd00::1"]: '
         "IPv6 is not configured on this cluster]"),
        ({"clusterIP": "::1"},
         'spec.clusterIPs[0]: Invalid value: ["::1"]: IPv6 is not configured on this cluster'),
        ({"clusterIP": "::1", "ipFamilyPolicy": "RequireDualStack"},
         'spec.clusterIPs[0]: Invalid value: ["::1"]: IPv6 is not configured on this cluster'),
        ({"clusterIP": "::1", "ipFamilies": ["IPv6"]},
         'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        ({"ipFamilies": ["IPv4", "IPv6"]},
         'spec.ipFamilyPolicy: Invalid value: "SingleStack": must be \'RequireDualStack\' or '
         "'PreferDualStack' when multiple IP families are specified"),
        # What is wrong with addresses is told alone.
        ({"clusterIP": "x", "sessionAffinity": "y"},
         'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
         "2001:db8::ffff)"),
        ({"ipFamilyPolicy": "RequireDualStack"},
         'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for '
         'dual-stack services'),
    ],
)  # fmt: skip
async def test_there_is_one_family(server: APIServer, spec: Any, message: str) -> None:
    assert (await create(server, "a", **spec)).json["message"] == f'Service "a" is invalid: {message}'


async def test_endpoints_are_served_with_a_warning(server: APIServer) -> None:
    answer = await server.get("/api/v1/namespaces/default/endpoints")
    assert answer.headers["warning"] == (
        '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    )


async def test_a_service_that_can_not_be_read_keeps_no_other_from_being_made(
    server: APIServer, caplog: pytest.LogCaptureFixture
) -> None:
    made = await create(server, "before")
    keys = [f"/registry/services/specs/default/{name}" for name in ("torn", "other")]
    for key, stored in zip(keys, (b"\xffcanary", b'{"kind":"Service","spec":"canary"}'), strict=True):
        await server.objects.create(key, stored)
    after = await create(server, "after", type="NodePort")
    assert after.status == 201, after.text
    assert after.json["spec"]["clusterIP"] != made.json["spec"]["clusterIP"]
    assert (await create(server, "b", clusterIP=made.json["spec"]["clusterIP"])).status == 422
    assert all(key in caplog.text for key in keys)
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusterIP": "x"},
         'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
         "2001:db8::ffff)"),
        ({"clusterIP": "::1"},
         'spec.clusterIPs[0]: Invalid value: "::1": expected an IPv4 value as indicated by `ipFamilies[0]`'),
        ({"clusterIP": "10.96.0.78"},
         'spec.clusterIPs[0]: Invalid value: ["10.96.0.78"]: may not change once set'),
        ({"clusterIP": "", "clusterIPs": ["10.96.0.78"]},
         'spec.clusterIPs: Invalid value: ["10.96.0.78"]: first value must match `clusterIP`'),
        ({"clusterIP": "x", "type": "ExternalName", "externalName": "a.b"},
         "spec.clusterIPs: Forbidden: may not be set for ExternalName services"),
    ],
)  # fmt: skip
async def test_an_address_that_an_update_may_not_give(server: APIServer, change: Any, message: str) -> None:
    made = (await create(server, "a", clusterIP="10.96.0.77")).json
    made["spec"] |= change
    answer = await server.request("PUT", f"{ROOT}/a", made)
    assert answer.json["message"] == f'Service "a" is invalid: {message}'


async def test_families_of_a_headless_service_may_change(server: APIServer) -> None:
    made = (await create(server, "a", clusterIP="None", selector={})).json
    assert made["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    made["spec"]["ipFamilies"] = ["IPv6", "IPv4"]
    changed = await server.request("PUT", f"{ROOT}/a", made)
    assert changed.json["spec"]["ipFamilies"] == ["IPv6", "IPv4"]


async def test_a_port_keeps_its_node_port_by_its_name(server: APIServer) -> None:
    made = (await create(server, "a", type="NodePort", ports=[{"name": "p", "port": 80}])).json
    number = made["spec"]["ports"][0]["nodePort"]
    made["spec"]["ports"] = [{"name": "p", "port": 81}]
    kept = (await server.request("PUT", f"{ROOT}/a", made)).json["spec"]["ports"][0]
    assert (kept["port"], kept["nodePort"]) == (81, number)
