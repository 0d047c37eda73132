"""Endpoints and EndpointSlices."""

import json

from strongroom.testing.kubectl import Kubectl

WARNING = "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n"


def test_endpoints(kubectl: Kubectl) -> None:
    manifest = {
        "kind": "Endpoints",
        "apiVersion": "v1",
        "metadata": {"name": "a"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}], "ports": [{"port": 80}]}],
    }
    made = kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    assert (made.stdout, made.stderr) == ("endpoints/a created\n", WARNING)
    header, row = kubectl.ok("get", "ep").splitlines()
    assert (header.split(), row.split()[:2]) == (
        ["NAME", "ENDPOINTS", "AGE"],
        ["a", "10.0.0.1:80,10.0.0.2:80"],
    )
    assert "Addresses:          10.0.0.1,10.0.0.2" in kubectl.ok("describe", "ep", "a")


def test_endpoint_slices(kubectl: Kubectl) -> None:
    manifest = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "a-1", "labels": {"kubernetes.io/service-name": "a"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 80}],
    }
    assert kubectl.ok("create", "-f", "-", stdin=json.dumps(manifest)) == (
        "endpointslice.discovery.k8s.io/a-1 created\n"
    )
    header, row = kubectl.ok("get", "endpointslices").splitlines()
    assert header.split() == ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"]
    assert row.split()[:4] == ["a-1", "IPv4", "80", "10.0.0.1"]
    assert kubectl.fails("patch", "endpointslice", "a-1", "-p", '{"addressType":"FQDN"}').startswith(
        'The EndpointSlice "a-1" is invalid: '
    )
