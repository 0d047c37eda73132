"""Which node a Pod gets, why it gets none, and when it has to leave it; Services follow the Pods."""

import json
from typing import Any

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

NOT_HELPFUL = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, "node(s) didn't match Pod's node affinity/selector"),
        (
            {
                "affinity": {
                    "podAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"app": "nobody"}},
                            }
                        ]
                    }
                }
            },
            "node(s) didn't match pod affinity rules",
        ),
    ],
)
def test_a_pod_that_gets_no_node_says_why(latest: Kubectl, spec: dict[str, Any], reason: str) -> None:
    latest.ok("wait", "--for=create", "node/n1", "--timeout=30s")
    latest.ok("wait", "--for=condition=Ready", "node/n1", "--timeout=30s")
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", **spec)))
    latest.ok("wait", "pod/p", "--for=condition=PodScheduled=False", "--timeout=30s")
    text = f"0/1 nodes are available: 1 {reason}. {NOT_HELPFUL}"
    message = '{.status.conditions[?(@.type=="PodScheduled")].message}'
    assert latest.ok("get", "pod", "p", "-o", f"jsonpath={message}") == text
    latest.ok("wait", "--for=create", "events", "--field-selector=reason=FailedScheduling", "--timeout=30s")
    assert text in latest.ok("describe", "pod", "p")


def test_a_taint_drives_pods_away_and_keeps_others_off(latest: Kubectl) -> None:
    tolerant = manifests.pod("tolerant", tolerations=[{"key": "test", "operator": "Exists"}])
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("plain"), tolerant))
    latest.ok("wait", "--for=condition=Ready", "pod/plain", "pod/tolerant", "--timeout=60s")
    key = f"test-{latest.namespace}"
    latest.ok("patch", "pod", "tolerant", "--type=json", "-p", json.dumps(_tolerates(key)))
    latest.ok("taint", "node", "n1", f"{key}=1:NoExecute")
    try:
        latest.ok("wait", "--for=delete", "pod/plain", "--timeout=60s")
        assert latest.ok("get", "pod", "tolerant", "-o", "jsonpath={.metadata.deletionTimestamp}") == ""
        latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("late")))
        latest.ok("wait", "pod/late", "--for=condition=PodScheduled=False", "--timeout=30s")
        assert "1 node(s) had untolerated taint(s)" in latest.ok("get", "pod", "late", "-o", "yaml")
    finally:
        latest.ok("taint", "node", "n1", f"{key}-")
    latest.ok("wait", "--for=condition=Ready", "pod/late", "--timeout=60s")


def _tolerates(key: str) -> list[object]:
    toleration = {"key": key, "operator": "Exists", "effect": "NoExecute"}
    return [{"op": "add", "path": "/spec/tolerations/-", "value": toleration}]


def test_a_service_follows_its_ready_pods(latest: Kubectl) -> None:
    pod = manifests.pod("web")
    pod["metadata"]["labels"] = {"app": "web"}
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    latest.ok("create", "service", "clusterip", "web", "--tcp=80:8080")
    latest.ok("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    ip = latest.ok("get", "pod", "web", "-o", "jsonpath={.status.podIP}")
    latest.ok(
        "wait", "endpoints/web", f"--for=jsonpath={{.subsets[0].addresses[0].ip}}={ip}", "--timeout=30s"
    )
    assert f"{ip}:8080" in latest.ok("describe", "service", "web")
    header, row = latest.ok("get", "endpointslices", "-l", "kubernetes.io/service-name=web").splitlines()
    assert header.split() == ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"]
    assert row.split()[1:4] == ["IPv4", "8080", ip]
    latest.ok("delete", "pod", "web", "--grace-period=1")
    latest.ok("delete", "service", "web")
    latest.ok("wait", "--for=delete", "endpoints/web", "--timeout=30s")
    latest.ok("wait", "--for=delete", "endpointslices", "--all", "--timeout=30s")
