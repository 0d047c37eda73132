"""Services: their addresses, and what kubectl shows of them."""

import ipaddress
import json
from typing import Any

from strongroom.testing.kubectl import Kubectl


def spec(kubectl: Kubectl, name: str) -> Any:
    return json.loads(kubectl.ok("get", "service", name, "-ojson"))["spec"]


def test_each_type(kubectl: Kubectl) -> None:
    kubectl.ok("create", "service", "clusterip", "inside", "--tcp=80:8080")
    kubectl.ok("create", "service", "clusterip", "headless", "--clusterip=None")
    kubectl.ok("create", "service", "nodeport", "onnodes", "--tcp=80")
    kubectl.ok("create", "service", "externalname", "outside", "--external-name=a.example.com")
    inside, on_nodes = spec(kubectl, "inside"), spec(kubectl, "onnodes")
    assert ipaddress.ip_address(inside["clusterIP"]) in ipaddress.ip_network("10.96.0.0/12")
    header, *rows = kubectl.ok("get", "svc", "-owide").splitlines()
    assert header.split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"]
    cells = [[*row.split()[:5], row.split()[6]] for row in rows]
    port = on_nodes["ports"][0]["nodePort"]
    assert cells == [
        ["headless", "ClusterIP", "None", "<none>", "<none>", "app=headless"],
        ["inside", "ClusterIP", inside["clusterIP"], "<none>", "80/TCP", "app=inside"],
        ["onnodes", "NodePort", on_nodes["clusterIP"], "<none>", f"80:{port}/TCP", "app=onnodes"],
        ["outside", "ExternalName", "<none>", "a.example.com", "<none>", "app=outside"],
    ]
    assert "service/inside" in kubectl.ok("get", "all")
    described = kubectl.ok("describe", "svc", "onnodes")
    assert f"NodePort:                 80  {port}/TCP" in described


def test_an_address_stays(kubectl: Kubectl) -> None:
    kubectl.ok("create", "service", "clusterip", "a", "--tcp=80")
    assert kubectl.fails("patch", "svc", "a", "-p", '{"spec":{"clusterIP":"10.96.0.9"}}') == (
        'The Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once '
        "set\n"
    )
    before = spec(kubectl, "a")["clusterIP"]
    kubectl.ok("patch", "svc", "a", "-p", '{"spec":{"type":"NodePort"}}')
    assert spec(kubectl, "a")["clusterIP"] == before
    assert kubectl.ok("expose", "svc", "a", "--name=b") == "service/b exposed\n"


def test_apply_twice(kubectl: Kubectl) -> None:
    manifest = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "a"},
        "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]},
    }
    text = json.dumps(manifest)
    assert kubectl.ok("apply", "-f", "-", stdin=text) == "service/a created\n"
    assert kubectl.ok("apply", "-f", "-", stdin=text) == "service/a unchanged\n"
    changed = text.replace('"port": 80', '"port": 81')
    assert kubectl.ok("apply", "-f", "-", stdin=changed) == "service/a configured\n"
    assert [port["port"] for port in spec(kubectl, "a")["ports"]] == [81]
