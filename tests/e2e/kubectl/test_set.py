"""`kubectl set`, `scale`, `rollout` and `patch`: changes of one part of an object."""

import json
from typing import Any

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

NAME = "deployment.apps/web"

newest = pytest.mark.parametrize("kubectl", ["kubectl-1.37"], indirect=True)
"""Where the version of kubectl makes no difference."""


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """A namespace with the deployment `web` that makes no Pods."""
    kubectl.ok("create", "deployment", "web", "--image=nginx:1", "--replicas=0")
    return kubectl


def stored(kubectl: Kubectl, what: str = NAME) -> Any:
    return json.loads(kubectl.ok("get", what, "-ojson"))


def container(kubectl: Kubectl) -> Any:
    return stored(kubectl)["spec"]["template"]["spec"]["containers"][0]


def test_image_env_resources_and_account(web: Kubectl) -> None:
    assert web.ok("set", "image", "deploy/web", "nginx=nginx:2") == f"{NAME} image updated\n"
    assert web.ok("set", "env", "deploy/web", "A=1", "B=2") == f"{NAME} env updated\n"
    assert web.ok("set", "env", "deploy/web", "B-") == f"{NAME} env updated\n"
    limits = ("--limits=cpu=200m,memory=0.5Gi", "--requests=cpu=0.1")
    assert web.ok("set", "resources", "deploy", "web", *limits) == f"{NAME} resource requirements updated\n"
    assert web.ok("set", "serviceaccount", "deployment", "web", "robot") == (
        f"{NAME} serviceaccount updated\n"
    )
    found = container(web)
    assert (found["image"], found["env"]) == ("nginx:2", [{"name": "A", "value": "1"}])
    assert found["resources"] == {
        "limits": {"cpu": "200m", "memory": "512Mi"},
        "requests": {"cpu": "100m"},
    }
    spec = stored(web)["spec"]["template"]["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("robot", "robot")


def test_env_from_a_secret(web: Kubectl) -> None:
    web.ok("create", "secret", "generic", "db", "--from-literal=user=admin", "--from-literal=pass=hunter2")
    web.ok("set", "env", "deployment/web", "--from=secret/db", "--prefix=DB_")
    references = [
        {"name": f"DB_{key.upper()}", "valueFrom": {"secretKeyRef": {"key": key, "name": "db"}}}
        for key in ("pass", "user")
    ]
    assert sorted(container(web)["env"], key=str) == sorted(references, key=str)
    listed = web.ok("set", "env", "deployment/web", "--list")
    assert "# DB_USER from secret db, key user" in listed
    assert "hunter2" not in listed
    assert "DB_PASS=hunter2" in web.ok("set", "env", "deployment/web", "--list", "--resolve")


@newest
def test_env_of_a_pod_is_refused(web: Kubectl) -> None:
    web.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", nodeName="nowhere")))
    shown = web.fails("set", "env", "pod/p", "A=1")
    assert shown.startswith(
        'error: failed to patch env update to pod template: Pod "p" is invalid: spec: Forbidden: pod updates '
        "may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
    )
    assert web.ok("set", "image", "pod/p", "main=nginx:2") == "pod/p image updated\n"


def test_subject_and_selector(kubectl: Kubectl) -> None:
    kubectl.ok("create", "rolebinding", "b", "--clusterrole=view", "--user=u")
    more = ("--group=g", "--serviceaccount=n:s")
    assert kubectl.ok("set", "subject", "rolebinding", "b", *more) == (
        "rolebinding.rbac.authorization.k8s.io/b subjects updated\n"
    )
    subjects = stored(kubectl, "rolebinding/b")["subjects"]
    assert [(each["kind"], each["name"]) for each in subjects] == [
        ("User", "u"),
        ("Group", "g"),
        ("ServiceAccount", "s"),
    ]
    kubectl.ok("create", "service", "clusterip", "s", "--tcp=80")
    assert kubectl.ok("set", "selector", "service", "s", "app=z") == "service/s selector updated\n"
    assert stored(kubectl, "service/s")["spec"]["selector"] == {"app": "z"}


def test_scale(web: Kubectl) -> None:
    web.ok("rollout", "pause", "deployment/web")
    web.ok("create", "deployment", "two", "--image=nginx:1", "--replicas=0")
    assert web.ok("scale", "deployment", "web", "two", "--replicas=0") == (
        f"{NAME} scaled\ndeployment.apps/two scaled\n"
    )
    assert web.fails("scale", "deployment", "web", "--replicas=1", "--current-replicas=3") == (
        "error: Expected replicas to be 3, was 0\n"
    )
    assert "the server could not find the requested resource" in web.fails(
        "scale", "serviceaccount", "default", "--replicas=1"
    )
    assert web.ok("patch", "deploy", "two", "--subresource=scale", "--type=merge", "-p", '{"spec":{}}') == (
        "scale.autoscaling/two patched (no change)\n"
    )


def test_rollout(web: Kubectl) -> None:
    assert web.ok("rollout", "status", "deployment/web", "--timeout=20s").endswith(
        'deployment "web" successfully rolled out\n'
    )
    assert web.ok("rollout", "restart", "deployment/web") == f"{NAME} restarted\n"
    annotations = stored(web)["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations
    expect.until(
        lambda: (
            web.ok("rollout", "history", "deployment/web").split()[:6]
            == [NAME, "REVISION", "CHANGE-CAUSE", "1", "<none>", "2"]
        ),
        what="the second revision",
    )
    assert web.ok("rollout", "undo", "deployment/web") == f"{NAME} rolled back\n"


@pytest.mark.parametrize(
    ("how", "patch"),
    [
        ("strategic", {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "b:1"}]}}}}),
        (
            "json",
            [
                {
                    "op": "add",
                    "path": "/spec/template/spec/containers/0",
                    "value": {"name": "side", "image": "b:1"},
                }
            ],
        ),
    ],
)
@newest
def test_patches_that_add_to_a_list(web: Kubectl, how: str, patch: object) -> None:
    arguments = ("patch", "deployment", "web", f"--type={how}", "-p", json.dumps(patch))
    assert web.ok(*arguments) == f"{NAME} patched\n"
    containers = stored(web)["spec"]["template"]["spec"]["containers"]
    assert sorted(each["name"] for each in containers) == ["nginx", "side"]


@newest
def test_a_merge_patch_replaces_a_list(web: Kubectl) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "b:1"}]}}}}
    web.ok("patch", "deployment", "web", "--type=merge", "-p", json.dumps(patch))
    assert [each["name"] for each in stored(web)["spec"]["template"]["spec"]["containers"]] == ["side"]


def test_patches_of_a_subresource_in_a_dry_run_and_with_a_mistake(kubectl: Kubectl) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", nodeName="nowhere")))
    status = ("--subresource=status", "--type=merge", "-p", '{"status":{"message":"m"},"spec":{"x":1}}')
    assert kubectl.ok("patch", "pod", "p", *status[:3], '{"status":{"message":"m"}}') == "pod/p patched\n"
    assert stored(kubectl, "pod/p")["status"]["message"] == "m"
    shown = kubectl.fails("patch", "secret", "p", *status)
    assert shown == "Error from server (NotFound): the server could not find the requested resource\n"
    dry = kubectl.ok("patch", "pod", "p", "--dry-run=server", "-p", '{"metadata":{"labels":{"a":"b"}}}')
    assert dry == "pod/p patched\n"  # it does not say that it was one
    assert "labels" not in stored(kubectl, "pod/p")["metadata"]
    unknown = ("patch", "pod", "p", "--type=merge", "-p", '{"spec":{"turnip":1}}')
    result = kubectl(*unknown)
    assert result.stderr == 'Warning: unknown field "spec.turnip"\n'
    assert result.stdout == "pod/p patched (no change)\n"
