"""The wall clock of server and node is set back by an hour, then forward by most of one, while Pods run."""

import base64
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl
from strongroom.testing.shifted_clock import Shift

Make = Callable[..., Cluster]
LIFE = 3600
"""Seconds that a token is good for; the node renews it after four fifths of them."""


@pytest.fixture
def shift(tmp_path: Path) -> Shift:
    return Shift(tmp_path / "shift")


@pytest.fixture
def cluster(make: Make, registry_config: Path, shift: Shift) -> Cluster:
    made = make(registry_config=registry_config, wrapper=shift.wrapper)
    made.start()
    return made


class Pods:
    """`p` has a Secret, a token and a probe; `crash` ends as often as it is started."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.kubectl: Kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
        token = {"serviceAccountToken": {"path": "token", "expirationSeconds": LIFE}}
        sources: dict[str, dict[str, object]] = {
            "/t": {"projected": {"sources": [token]}},
            "/s": {"secret": {"secretName": "a"}},
        }
        pod = manifests.pod("p", command=["sleep", "infinity"], volumes=sources)
        probe = {"exec": {"command": ["sh", "-c", "echo >>/tmp/asked"]}, "periodSeconds": 1}
        pod["spec"]["containers"][0] |= {"readinessProbe": probe, "livenessProbe": probe}
        crash = manifests.pod("crash", command=["false"])
        for each in (manifests.secret("a", {"k": "old"}), pod, crash):
            self.kubectl.ok("create", "-f", "-", stdin=manifests.text(each))
        self.kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")

    def read(self, script: str) -> str:
        return self.kubectl.ok("exec", "p", "--", "sh", "-c", script).strip()

    def container(self, name: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.kubectl.ok("get", "pod", name, "-ojson"))["status"]
        return {**shown["containerStatuses"][0], "conditions": shown["conditions"]}

    def token(self) -> str:
        return self.read("cat /t/token")

    def go_on(self, before: dict[str, Any], value: str) -> None:
        """The container and its readiness are what they were; probes are asked, a change arrives."""
        asked = int(self.read("wc -l </tmp/asked"))
        self.kubectl.ok("patch", "secret", "a", "-p", json.dumps({"stringData": {"k": value}}))
        expect.until(lambda: self.read("cat /s/k") == value, what="the changed Secret")
        expect.until(lambda: int(self.read("wc -l </tmp/asked")) > asked + 1, what="probes")
        assert self.container("p") == before
        node = self.kubectl.ok("get", "node", "n1", "--no-headers")
        assert node.split()[1] == "Ready"

    def is_known(self, token: str) -> bool:
        access = dataclasses.replace(Access.read(self.cluster.kubeconfig), token=token)
        with API(access) as api:
            review = {"kind": "SelfSubjectReview"}
            status = api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review).status
        return status == 201


def issued(token: str) -> int:
    payload = token.split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iat"])


def test_a_clock_that_jumps_stops_no_pod_and_leaves_no_token_stale(cluster: Cluster, shift: Shift) -> None:
    pods = Pods(cluster)
    before, first = pods.container("p"), pods.token()
    expect.until(lambda: "CrashLoopBackOff" in str(pods.container("crash")["state"]), what="a back-off")
    crashed = pods.container("crash")["restartCount"]

    shift.set(-3600)
    pods.go_on(before, "an hour earlier")
    # The token of the Pod begins in an hour: there is a new one, which is good now.
    expect.until(lambda: pods.token() != first, timeout=20, what="a token of now")
    second = pods.token()
    assert -3700 < issued(second) - issued(first) < -3500
    assert pods.is_known(second)
    # The back-off of ten seconds was not made one of an hour.
    expect.until(lambda: pods.container("crash")["restartCount"] > crashed, timeout=30, what="a restart")

    # As after a sleep: four fifths of the token's life are over at once.
    shift.set(-3600 + LIFE * 9 // 10)
    pods.go_on(before, "most of an hour later")
    expect.until(lambda: pods.token() != second, timeout=20, what="a token that was renewed")
    assert issued(pods.token()) - issued(second) > LIFE * 0.8
    assert pods.is_known(pods.token())
    assert cluster.stop() == 0
    assert "Traceback" not in cluster.output.read_text()
