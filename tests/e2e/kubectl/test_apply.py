"""`kubectl apply` as most people use it: dry runs, force, what is taken out, and the way to server-side."""

import copy
import json
from typing import Any

import pytest
import yaml

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "java-demo", "labels": {"project": "www", "app": "java-demo"}},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "java-demo"}},
        "template": {
            "metadata": {"labels": {"app": "java-demo"}},
            "spec": {
                "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
                "containers": [
                    {
                        "name": "java-demo",
                        "image": "hub.example/java-demo:v1",
                        "ports": [{"containerPort": 8080, "name": "web"}],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    }
                ],
            },
        },
    },
}
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s"},
    "data": {"k": "dg=="},
}
NAME = "deployment.apps/java-demo"


def apply(kubectl: Kubectl, *objects: dict[str, Any], flags: tuple[str, ...] = ()) -> str:
    return kubectl.ok("apply", "-f", "-", *flags, stdin=manifests.text(*objects))


def stored(kubectl: Kubectl, what: str = NAME) -> Any:
    return json.loads(kubectl.ok("get", what, "-ojson", "--show-managed-fields"))


def managers(kubectl: Kubectl) -> set[tuple[str, str]]:
    """Who owns fields of the deployment, apart from its controller."""
    entries = stored(kubectl)["metadata"]["managedFields"]
    return {(each["manager"], each["operation"]) for each in entries if each["manager"].startswith("kubectl")}


def container(kubectl: Kubectl) -> Any:
    return stored(kubectl)["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(("how", "said"), [("client", "dry run"), ("server", "server dry run")])
def test_dry_runs_tell_what_would_be_done_and_do_nothing(kubectl: Kubectl, how: str, said: str) -> None:
    flags = (f"--dry-run={how}",)
    assert apply(kubectl, DEPLOYMENT, SECRET, flags=flags) == (
        f"{NAME} created ({said})\nsecret/s created ({said})\n"
    )
    assert kubectl.ok("get", "deployments,secrets", "-oname") == ""
    apply(kubectl, SECRET)
    before = stored(kubectl, "secret/s")
    changed = {**SECRET, "data": {"k": "bmV3"}}
    assert apply(kubectl, changed, flags=flags) == f"secret/s configured ({said})\n"
    assert stored(kubectl, "secret/s") == before


def test_server_dry_run_finds_what_the_client_cannot(latest: Kubectl) -> None:
    wrong = {**SECRET, "type": "kubernetes.io/tls"}
    assert apply(latest, wrong, flags=("--dry-run=client",)) == "secret/s created (dry run)\n"
    shown = latest.fails("apply", "--dry-run=server", "-f", "-", stdin=manifests.text(wrong))
    assert "* data[tls.crt]: Required value\n* data[tls.key]: Required value\n" in shown


def test_what_is_taken_out_goes_and_what_others_set_stays(kubectl: Kubectl) -> None:
    assert apply(kubectl, DEPLOYMENT) == f"{NAME} created\n"
    assert apply(kubectl, DEPLOYMENT) == f"{NAME} unchanged\n"
    kubectl.ok("set", "env", NAME, "C=3")
    less = copy.deepcopy(DEPLOYMENT)
    del less["metadata"]["labels"]["project"]
    spec = less["spec"]["template"]["spec"]
    del spec["containers"][0]["env"][0]
    del spec["imagePullSecrets"][0]
    spec["containers"][0]["image"] = "hub.example/java-demo:v2"
    assert apply(kubectl, less) == f"{NAME} configured\n"
    assert stored(kubectl)["metadata"]["labels"] == {"app": "java-demo"}
    assert stored(kubectl)["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "two"}]
    assert container(kubectl)["image"] == "hub.example/java-demo:v2"
    assert container(kubectl)["env"] == [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]


def test_force_replaces_what_may_not_change(latest: Kubectl) -> None:
    apply(latest, SECRET)
    before = stored(latest, "secret/s")["metadata"]["uid"]
    other = {**SECRET, "type": "example.com/other"}
    assert latest.fails("apply", "-f", "-", stdin=manifests.text(other)) == (
        'The Secret "s" is invalid: type: Invalid value: "example.com/other": field is immutable\n'
    )
    assert apply(latest, other, flags=("--force",)) == "secret/s configured\n"
    after = stored(latest, "secret/s")
    assert (after["type"], after["metadata"]["uid"] == before) == ("example.com/other", False)


def test_from_client_side_to_server_side(kubectl: Kubectl) -> None:
    apply(kubectl, DEPLOYMENT)
    assert managers(kubectl) == {("kubectl-client-side-apply", "Update")}
    less = copy.deepcopy(DEPLOYMENT)
    del less["spec"]["template"]["spec"]["containers"][0]["env"][0]
    assert apply(kubectl, less, flags=("--server-side",)) == f"{NAME} serverside-applied\n"
    assert container(kubectl)["env"] == [{"name": "B", "value": "2"}]
    assert ("kubectl", "Apply") in managers(kubectl)
    assert ("kubectl-client-side-apply", "Update") not in managers(kubectl)
    kubectl.ok("set", "image", NAME, "java-demo=hub.example/java-demo:v3")
    shown = kubectl.fails("apply", "--server-side", "-f", "-", stdin=manifests.text(less))
    assert shown.startswith(
        'error: Apply failed with 1 conflict: conflict with "kubectl-set" using apps/v1: '
        '.spec.template.spec.containers[name="java-demo"].image\n'
    )
    forced = ("--server-side", "--force-conflicts")
    assert apply(kubectl, less, flags=forced) == f"{NAME} serverside-applied\n"
    assert container(kubectl)["image"] == "hub.example/java-demo:v1"


def test_last_applied(latest: Kubectl) -> None:
    latest.ok("create", "-f", "-", stdin=manifests.text(SECRET))
    text = manifests.text(SECRET)
    shown = latest.fails("apply", "set-last-applied", "-f", "-", stdin=text)
    assert "no last-applied-configuration annotation found" in shown
    latest.ok("apply", "set-last-applied", "--create-annotation", "-f", "-", stdin=text)
    # The namespace that apply adds is not in that annotation yet.
    assert apply(latest, SECRET) == "secret/s configured\n"
    assert apply(latest, SECRET) == "secret/s unchanged\n"
    view = json.loads(latest.ok("apply", "view-last-applied", "secret/s", "-ojson"))
    assert view["data"] == SECRET["data"]


def test_prune_by_label(kubectl: Kubectl) -> None:
    labelled = [
        {**each, "metadata": {**each["metadata"], "labels": {"set": "1", "app": "java-demo"}}}
        for each in (DEPLOYMENT, SECRET)
    ]
    kinds = ("--prune-allowlist=core/v1/Secret", "--prune-allowlist=apps/v1/Deployment")
    flags = ("--prune", "-l", "set=1", *kinds)
    assert apply(kubectl, *labelled, flags=flags) == f"{NAME} created\nsecret/s created\n"
    assert apply(kubectl, labelled[1], flags=flags).splitlines() == ["secret/s unchanged", f"{NAME} pruned"]


def test_a_file_with_mistakes(kubectl: Kubectl) -> None:
    wrong = {**SECRET, "metadata": {"name": "t", "lables": {}}}
    both = yaml.safe_dump_all([SECRET, wrong])
    applied = kubectl("apply", "-f", "-", stdin=both)
    assert (applied.code, applied.stdout) == (1, "secret/s created\n")
    assert 'strict decoding error: unknown field "metadata.lables"' in applied.stderr
    warned = kubectl("apply", "--validate=warn", "-f", "-", stdin=manifests.text(wrong))
    assert warned.stdout == "secret/t created\n"
    assert 'Warning: unknown field "metadata.lables"' in warned.stderr
    wrong["metadata"] = {"name": "u", "lables": {}}
    ignored = kubectl("apply", "--validate=ignore", "-f", "-", stdin=manifests.text(wrong))
    assert (ignored.stdout, ignored.stderr) == ("secret/u created\n", "")


def test_a_list_with_a_mistake_is_refused_by_kubectl_itself(latest: Kubectl) -> None:
    wrong = {**SECRET, "metadata": {"name": "t", "lables": {}}}
    shown = latest.fails("apply", "-f", "-", stdin=manifests.text(SECRET, wrong))
    assert (
        'unknown field "lables" in io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta; if you choose to ignore '
        "these errors, turn validation off with --validate=false"
    ) in shown
    assert latest.ok("get", "secrets", "-oname") == ""


def test_diff(kubectl: Kubectl) -> None:
    apply(kubectl, DEPLOYMENT, SECRET)
    same = kubectl("diff", "-f", "-", stdin=manifests.text(DEPLOYMENT, SECRET))
    assert (same.code, same.stdout, same.stderr) == (0, "", "")
    other = copy.deepcopy(DEPLOYMENT)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "hub.example/java-demo:v2"
    new = {**SECRET, "data": {"k": "bmV3"}}
    shown = kubectl("diff", "-f", "-", stdin=manifests.text(other, new))
    changed = [
        line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:2] not in ("++", "--")
    ]
    assert shown.code == 1
    assert changed == [
        "-  generation: 1",
        "+  generation: 2",
        "-        image: hub.example/java-demo:v1",
        "+        image: hub.example/java-demo:v2",
        "-  k: '*** (before)'",
        "+  k: '*** (after)'",
    ]


def test_apply_sets_whose_parent_is_a_secret(kubectl: Kubectl) -> None:
    def apply_set(*objects: dict[str, Any]) -> list[str]:
        flags = ("-n", kubectl.namespace, "--server-side", "--prune", "--applyset=mine")
        env = {"KUBECTL_APPLYSET": "true"}
        done = kubectl("apply", "-f", "-", *flags, stdin=yaml.safe_dump_all(objects), env=env)
        assert done.code == 0, str(done)
        return done.stdout.splitlines()

    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    assert apply_set(SECRET, config) == ["secret/s serverside-applied", "configmap/c serverside-applied"]
    assert apply_set(SECRET) == ["secret/s serverside-applied", "configmap/c pruned"]
    parent = stored(kubectl, "secret/mine")["metadata"]
    assert parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "Secret"
    part_of = stored(kubectl, "secret/s")["metadata"]["labels"]["applyset.kubernetes.io/part-of"]
    assert parent["labels"]["applyset.kubernetes.io/id"] == part_of
