"""`kubectl rollout`, `scale` and `create deployment` with Pods that run."""

import json
from typing import Any

import pytest

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl


def rolled_out(kubectl: Kubectl) -> None:
    told = kubectl.ok("rollout", "status", "deployment/web", "--timeout=60s", timeout=70)
    assert told.endswith('deployment "web" successfully rolled out\n')


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """A Deployment `web` of two Pods that run, revision 1."""
    made = kubectl.ok(
        "create", "deployment", "web", "--image=nginx:1.17.1", "--replicas=2", "--dry-run=client", "-ojson"
    )
    deployment = json.loads(made)
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    deployment["metadata"]["annotations"] = {"kubernetes.io/change-cause": "the first"}
    assert kubectl.ok("apply", "-f", "-", stdin=json.dumps(deployment)) == "deployment.apps/web created\n"
    rolled_out(kubectl)
    return kubectl


def stored(kubectl: Kubectl, *what: str) -> Any:
    return json.loads(kubectl.ok("get", *what, "-ojson"))


def image(kubectl: Kubectl) -> str:
    containers = stored(kubectl, "deployment", "web")["spec"]["template"]["spec"]["containers"]
    return str(containers[0]["image"])


def pods(kubectl: Kubectl) -> list[Any]:
    alive = [pod for pod in stored(kubectl, "pods")["items"] if "deletionTimestamp" not in pod["metadata"]]
    return sorted(alive, key=lambda pod: str(pod["metadata"]["name"]))


def test_what_kubectl_makes_runs(kubectl: Kubectl) -> None:
    assert kubectl.ok("create", "deployment", "web", "--image=nginx") == "deployment.apps/web created\n"
    rolled_out(kubectl)
    (replica_set,) = stored(kubectl, "rs")["items"]
    name = replica_set["metadata"]["name"]
    expect.check(
        kubectl.ok("get", "deploy,rs"),
        f"""\
NAME  READY  UP-TO-DATE  AVAILABLE  AGE
deployment.apps/web  1/1  1  1  <age>

NAME  DESIRED  CURRENT  READY  AGE
replicaset.apps/{name}  1  1  1  <age>
""",
    )
    (pod,) = pods(kubectl)
    assert pod["metadata"]["name"].startswith(f"{name}-")
    assert f"Controlled By:  ReplicaSet/{name}" in kubectl.ok("describe", "pod", pod["metadata"]["name"])
    assert "Controlled By:  Deployment/web" in kubectl.ok("describe", "rs", name)
    described = kubectl.ok("describe", "deployment", "web")
    assert f"NewReplicaSet:   {name} (1/1 replicas created)" in described
    assert f"Scaled up replica set {name} from 0 to 1" in described
    assert kubectl.ok("delete", "deployment", "web").startswith('deployment.apps "web" deleted')
    expect.until(lambda: not pods(kubectl) and not stored(kubectl, "rs")["items"], what="all gone")


def test_history_and_undo(web: Kubectl) -> None:
    web.ok("set", "image", "deployment/web", "nginx=nginx:latest")
    web.ok("annotate", "deployment/web", "kubernetes.io/change-cause=the second", "--overwrite")
    rolled_out(web)

    def history() -> list[list[str]]:
        shown = web.ok("rollout", "history", "deployment/web").splitlines()
        assert shown[:2] == ["deployment.apps/web ", "REVISION  CHANGE-CAUSE"]
        return [line.split(maxsplit=1) for line in shown[2:] if line]

    expect.until(lambda: history() == [["1", "the first"], ["2", "the second"]], what="two revisions")
    second = web.ok("rollout", "history", "deployment/web", "--revision=2")
    assert "Image:\tnginx:latest" in second.replace("      ", "\t")
    assert web.ok("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    rolled_out(web)
    assert image(web) == "nginx:1.17.1"
    expect.until(lambda: [row[0] for row in history()] == ["2", "3"], what="the first as the third")
    assert web.ok("rollout", "undo", "deployment/web", "--to-revision=2").endswith("rolled back\n")
    rolled_out(web)
    assert image(web) == "nginx:latest"
    skipped = web.ok("rollout", "undo", "deployment/web", "--to-revision=4")
    assert skipped == ("deployment.apps/web skipped rollback (current template already matches revision 4)\n")
    assert "unable to find specified revision 9 in history" in web.fails(
        "rollout", "undo", "deployment/web", "--to-revision=9"
    )


def test_restart(web: Kubectl) -> None:
    before = {pod["metadata"]["uid"] for pod in pods(web)}
    assert web.ok("rollout", "restart", "deployment/web") == "deployment.apps/web restarted\n"
    rolled_out(web)
    expect.until(lambda: len(pods(web)) == 2, what="two Pods")
    assert not before & {pod["metadata"]["uid"] for pod in pods(web)}
    annotations = pods(web)[0]["metadata"]["annotations"]
    assert list(annotations) == ["kubectl.kubernetes.io/restartedAt"]


def test_pause_and_resume(web: Kubectl) -> None:
    assert web.ok("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    web.ok("set", "image", "deployment/web", "nginx=nginx:latest")
    web.ok("scale", "deployment/web", "--replicas=3")
    expect.until(lambda: len(pods(web)) == 3, what="a third Pod of the old version")
    assert {pod["spec"]["containers"][0]["image"] for pod in pods(web)} == {"nginx:1.17.1"}
    conditions = {each["type"]: each for each in stored(web, "deployment", "web")["status"]["conditions"]}
    assert conditions["Progressing"]["reason"] == "DeploymentPaused"
    refused = web.fails("rollout", "restart", "deployment/web")
    assert "can't restart paused deployment (run rollout resume first)" in refused
    assert web.ok("rollout", "resume", "deployment/web") == "deployment.apps/web resumed\n"
    rolled_out(web)
    assert image(web) == "nginx:latest"
    expect.until(
        lambda: [pod["spec"]["containers"][0]["image"] for pod in pods(web)] == ["nginx:latest"] * 3,
        what="three Pods of the new version",
    )


def test_a_rollout_that_is_stuck_is_told(latest: Kubectl) -> None:
    made = latest.ok(
        "create", "deployment", "web", "--image=nowhere.example/absent:1", "--dry-run=client", "-ojson"
    )
    deployment = json.loads(made)
    deployment["spec"]["progressDeadlineSeconds"] = 2
    latest.ok("apply", "-f", "-", stdin=json.dumps(deployment))
    told = latest("rollout", "status", "deployment/web", "--timeout=30s")
    assert told.code == 1
    assert told.stderr == 'error: deployment "web" exceeded its progress deadline\n'
    described = latest.ok("describe", "deployment", "web")
    assert "Progressing    False   ProgressDeadlineExceeded" in described
    assert "Available      False   MinimumReplicasUnavailable" in described


def test_the_workload_keeps_its_number(web: Kubectl) -> None:
    gone = pods(web)[0]["metadata"]["name"]
    web.ok("delete", "pod", gone)
    expect.until(
        lambda: gone not in [pod["metadata"]["name"] for pod in pods(web)] and len(pods(web)) == 2,
        what="another Pod in its stead",
    )
    rolled_out(web)
