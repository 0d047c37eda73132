"""Leases."""

import json

from strongroom.testing.kubectl import Kubectl


def test_create_and_show(kubectl: Kubectl) -> None:
    manifest = {
        "kind": "Lease",
        "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"name": "a"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 10,
            "renewTime": "2026-01-02T03:04:05.000001Z",
        },
    }
    kubectl.ok("create", "-f", "-", stdin=json.dumps(manifest))
    header, row = kubectl.ok("get", "lease").splitlines()
    assert (header.split(), row.split()[:2]) == (["NAME", "HOLDER", "AGE"], ["a", "me"])
    assert json.loads(kubectl.ok("get", "lease", "a", "-ojson"))["spec"] == manifest["spec"]
    assert kubectl.fails("patch", "lease", "a", "-p", '{"spec":{"leaseDurationSeconds":0}}') == (
        'The Lease "a" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0\n'
    )
