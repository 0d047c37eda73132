"""Scene 11: a Deployment whose image is in a registry with a password, from its Secret to its undoing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import expect
from strongroom.testing.cluster import Cluster
from strongroom.testing.kubectl import Kubectl
from strongroom.testing.registry import Registry

KUBECTL = Path(sys.executable).parent / "kubectl"
# Of the tutorial but for the initial delays, which are 60 seconds there.
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: java-demo
  namespace: test
spec:
  replicas: 2
  selector:
    matchLabels:
      project: www
      app: java-demo
  template:
    metadata:
      labels:
        project: www
        app: java-demo
    spec:
      imagePullSecrets:
      - name: docker-regsitry-auth
      containers:
      - image: hub.cropy.cn/demo/java-demo:v1
        name: java-demo
        imagePullPolicy: Always
        ports:
        - containerPort: 8080
          name: web
          protocol: TCP
        resources:
          requests:
            cpu: 0.5
            memory: 0.5Gi
          limits:
            cpu: 1
            memory: 2Gi
        livenessProbe:
          httpGet:
            path: /
            port: 8080
          initialDelaySeconds: 1
          timeoutSeconds: 20
        readinessProbe:
          httpGet:
            path: /
            port: 8080
          initialDelaySeconds: 1
          timeoutSeconds: 20
"""


@pytest.fixture(scope="module")
def test(cluster: Cluster, private_registry: Registry) -> Iterator[Kubectl]:
    """kubectl in the namespace `test`, with the Secret and the Deployment of the scene."""
    kubectl = cluster.kubectl(KUBECTL)
    assert kubectl.ok("create", "namespace", "test") == "namespace/test created\n"
    try:
        kubectl.ok(
            "create",
            "secret",
            "docker-registry",
            "docker-regsitry-auth",
            "--docker-server=hub.cropy.cn",
            "--docker-username=admin",
            "--docker-password=Harbor12345",
            "--namespace=test",
        )
        created = kubectl.ok("apply", "-f", "-", stdin=DEPLOYMENT)
        assert created == "deployment.apps/java-demo created\n"
        yield kubectl.in_namespace("test")
    finally:
        kubectl.ok("delete", "namespace", "test", timeout=90)


def pods(kubectl: Kubectl) -> list[list[str]]:
    """NAME READY STATUS RESTARTS AGE of those that are not about to end.

    Such a Pod is not known by its STATUS: that reads `Terminating` only until its containers have ended.
    """
    shown = kubectl.ok("get", "pods", "--no-headers", "--selector=app=java-demo")
    rows = [line.split() for line in shown.splitlines()]
    now = json.loads(kubectl.ok("get", "pods", "--selector=app=java-demo", "-ojson"))["items"]
    staying = {pod["metadata"]["name"] for pod in now if "deletionTimestamp" not in pod["metadata"]}
    return [row for row in rows if row[0] in staying]


def deployment(kubectl: Kubectl) -> Any:
    return json.loads(kubectl.ok("get", "deployment", "java-demo", "-ojson"))


def rolled_out(kubectl: Kubectl) -> None:
    told = kubectl.ok("rollout", "status", "deployment/java-demo", "--timeout=90s", timeout=100)
    assert told.splitlines()[-1] == 'deployment "java-demo" successfully rolled out'


def test_both_pods_run(test: Kubectl) -> None:
    rolled_out(test)
    assert [row[1:4] for row in pods(test)] == [["1/1", "Running", "0"]] * 2
    expect.check(
        test.ok("get", "deployment", "java-demo"),
        "NAME  READY  UP-TO-DATE  AVAILABLE  AGE\njava-demo  2/2  2  2  <age>\n",
    )
    described = test.ok("describe", "deployment", "java-demo")
    for text in (
        "Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable",
        "Progressing    True    NewReplicaSetAvailable",
        "Available      True    MinimumReplicasAvailable",
        "http-get http://:8080/ delay=1s timeout=20s period=10s",
        "OldReplicaSets:  <none>",
        "deployment-controller  Scaled up replica set java-demo-",
    ):
        assert text in described, described
    pod = pods(test)[0][0]
    assert test.ok("exec", pod, "--", "wget", "-qO-", "http://127.0.0.1:8080/") == "v1\n"


def test_scale_to_four_and_back(test: Kubectl) -> None:
    rolled_out(test)
    for size in (4, 2):
        scaled = test.ok("scale", "deployment", "java-demo", f"--replicas={size}")
        assert scaled == "deployment.apps/java-demo scaled\n"
        rolled_out(test)
        expect.until(lambda size=size: len(pods(test)) == size, what=f"{size} Pods")  # type: ignore[misc]
        assert [row[1] for row in pods(test)] == ["1/1"] * size


def test_an_image_that_cannot_be_pulled_changes_nothing_and_is_undone(test: Kubectl) -> None:
    rolled_out(test)
    before = {row[0] for row in pods(test)}
    test.ok("set", "image", "deployment/java-demo", "java-demo=hub.cropy.cn/demo/java-demo:absent")

    def waiting() -> bool:
        new = [row for row in pods(test) if row[0] not in before]
        return [row[1:3] for row in new] == [["0/1", "ImagePullBackOff"]]

    expect.until(waiting, timeout=80, what="the new Pod in ImagePullBackOff")
    old = [row for row in pods(test) if row[0] in before]
    assert [row[1:3] for row in old] == [["1/1", "Running"]] * 2
    told = test("rollout", "status", "deployment/java-demo", "--timeout=1s")
    assert told.code == 1
    assert (
        'Waiting for deployment "java-demo" rollout to finish: 1 out of 2 new replicas have been updated...'
        in told.stdout
    )
    status = deployment(test)["status"]
    assert (status["updatedReplicas"], status["unavailableReplicas"], status["availableReplicas"]) == (
        1,
        1,
        2,
    )
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions == {"Available": "True", "Progressing": "True"}
    undone = test.ok("rollout", "undo", "deployment/java-demo")
    assert undone == "deployment.apps/java-demo rolled back\n"
    rolled_out(test)
    expect.until(lambda: {row[0] for row in pods(test)} == before, what="the Pods from before")


def test_a_new_version_is_rolled_out(test: Kubectl) -> None:
    rolled_out(test)
    test.ok("set", "image", "deployment/java-demo", "java-demo=hub.cropy.cn/demo/java-demo:v2")
    rolled_out(test)
    expect.until(lambda: len(pods(test)) == 2, what="two Pods")
    for row in pods(test):
        assert test.ok("exec", row[0], "--", "wget", "-qO-", "http://127.0.0.1:8080/") == "v2\n"
