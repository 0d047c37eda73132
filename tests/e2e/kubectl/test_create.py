"""`kubectl create` with each of its generators that makes a kind we serve, and with those that do not."""

import json
from typing import Any

import pytest

from strongroom.testing.kubectl import Kubectl

GENERATORS = {
    "secret/s": ("secret", "generic", "s", "--from-literal=k=v"),
    "configmap/c": ("configmap", "c", "--from-literal=a=1"),
    "serviceaccount/robot": ("serviceaccount", "robot"),
    "role.rbac.authorization.k8s.io/r": ("role", "r", "--verb=get", "--resource=secrets,pods/log"),
    "rolebinding.rbac.authorization.k8s.io/b": ("rolebinding", "b", "--clusterrole=view", "--user=u"),
    "deployment.apps/d": ("deployment", "d", "--image=nginx:1", "--replicas=0", "--", "sleep", "5"),
    "service/cluster": ("service", "clusterip", "cluster", "--tcp=80:8080"),
    "service/headless": ("service", "clusterip", "headless", "--clusterip=None"),
    "service/nodes": ("service", "nodeport", "nodes", "--tcp=80"),
    "service/outside": ("service", "externalname", "outside", "--external-name=a.example"),
    "service/balanced": ("service", "loadbalancer", "balanced", "--tcp=80"),
    "job.batch/j": ("job", "j", "--image=nginx:1", "--", "true"),
    "cronjob.batch/c": ("cronjob", "c", "--image=nginx:1", "--schedule=0 0 1 1 *"),
    "resourcequota/q": ("quota", "q", "--hard=secrets=9,pods=9"),
}
NOT_SERVED = {
    "ingress": ("ingress", "i", "--rule=a.example/b=c:80"),
    "poddisruptionbudgets": ("pdb", "p", "--min-available=1", "--selector=a=b"),
}


def stored(kubectl: Kubectl, what: str) -> Any:
    return json.loads(kubectl.ok("get", what, "-ojson"))


def test_generators(kubectl: Kubectl) -> None:
    for name, arguments in GENERATORS.items():
        assert kubectl.ok("create", *arguments) == f"{name} created\n"
    names = kubectl.ok(
        "get", ",".join(dict.fromkeys(name.partition("/")[0] for name in GENERATORS)), "-oname"
    )
    assert set(GENERATORS) <= set(names.splitlines())


@pytest.mark.parametrize("how", ["client", "server"])
def test_a_dry_run_stores_nothing(latest: Kubectl, how: str) -> None:
    tried = [name for name in GENERATORS if name.startswith(("secret", "deployment", "service/c", "role."))]
    for name in tried:
        command, *rest = GENERATORS[name]
        created = latest.ok("create", command, f"--dry-run={how}", *rest)
        assert created == f"{name} created ({'server ' * (how == 'server')}dry run)\n"
    assert latest.ok("get", *tried, "--ignore-not-found", "-oname") == ""


def test_cluster_wide_kinds(kubectl: Kubectl) -> None:
    name = kubectl.namespace
    kind = "clusterrole.rbac.authorization.k8s.io"
    classes = ("--value=1000", "--description=important", "--preemption-policy=Never")
    made = kubectl.ok("create", "priorityclass", name, *classes)
    assert made == f"priorityclass.scheduling.k8s.io/{name} created\n"
    shown = kubectl.ok("get", "pc", name, "--no-headers")
    assert shown.split()[:3] == [name, "1000", "false"]
    assert "PreemptionPolicy:  Never" in kubectl.ok("describe", "priorityclass", name)
    kubectl.ok("delete", "priorityclass", name)
    rules = ("--verb=get", "--resource=nodes,secrets")
    assert kubectl.ok("create", "clusterrole", name, *rules) == f"{kind}/{name} created\n"
    more = ("--verb=get", "--non-resource-url=/logs/*")
    assert kubectl.ok("create", "clusterrole", f"{name}-urls", *more) == f"{kind}/{name}-urls created\n"
    aggregated = "--aggregation-rule=example.com/to=all"
    kubectl.ok("create", "clusterrole", f"{name}-all", aggregated)
    bound = (f"--clusterrole={name}", "--group=g", "--serviceaccount=n:s")
    assert kubectl.ok("create", "clusterrolebinding", name, *bound) == (
        f"clusterrolebinding.rbac.authorization.k8s.io/{name} created\n"
    )
    rules_of = [stored(kubectl, f"clusterrole/{each}")["rules"] for each in (name, f"{name}-urls")]
    assert rules_of == [
        [{"apiGroups": [""], "resources": ["nodes", "secrets"], "verbs": ["get"]}],
        [{"nonResourceURLs": ["/logs/*"], "verbs": ["get"]}],
    ]
    assert stored(kubectl, f"clusterrole/{name}-all")["aggregationRule"] == {
        "clusterRoleSelectors": [{"matchLabels": {"example.com/to": "all"}}]
    }
    kubectl.ok("delete", "clusterrolebinding", name)
    kubectl.ok("delete", "clusterrole", name, f"{name}-urls", f"{name}-all")
    assert kubectl.ok("create", "namespace", f"{name}-n") == f"namespace/{name}-n created\n"
    kubectl.ok("delete", "namespace", f"{name}-n", "--wait=false")


def test_tokens(kubectl: Kubectl) -> None:
    kubectl.ok("create", "serviceaccount", "robot")
    kubectl.ok("create", "secret", "generic", "bound")
    plain = kubectl.ok("create", "token", "robot", "--duration=20m")
    assert plain.count(".") == 2
    to_secret = ("--bound-object-kind=Secret", "--bound-object-name=bound")
    token = kubectl.ok("create", "token", "robot", "--audience=https://kubernetes.default.svc", *to_secret)
    assert token.count(".") == 2
    answer = json.loads(kubectl.ok("create", "token", "robot", "-ojson"))
    assert (answer["kind"], answer["apiVersion"]) == ("TokenRequest", "authentication.k8s.io/v1")
    assert answer["status"]["token"] and answer["status"]["expirationTimestamp"]
    assert kubectl.fails("create", "token", "nobody") == (
        'error: failed to create token: serviceaccounts "nobody" not found\n'
    )
    assert kubectl.fails("create", "token", "robot", "--duration=1m") == (
        'error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: '
        "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes\n"
    )


@pytest.mark.parametrize("kind", list(NOT_SERVED))
def test_a_kind_that_is_not_served_is_unknown(latest: Kubectl, kind: str) -> None:
    shown = latest.fails("create", *NOT_SERVED[kind])
    assert shown.startswith(
        f"error: failed to create {kind}: the server could not find the requested resource"
    )


def test_run_and_expose(kubectl: Kubectl) -> None:
    run = ("run", "p", "--image=nginx:1", "--labels=app=web", "--env=A=b", "--port=80")
    manifest = json.loads(kubectl.ok(*run, "--dry-run=server", "-ojson"))
    container = manifest["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    kubectl.ok("create", "deployment", "web", "--image=nginx:1", "--replicas=0", "--port=80")
    assert kubectl.ok("expose", "deployment", "web", "--target-port=8080") == "service/web exposed\n"
    assert stored(kubectl, "service/web")["spec"]["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 8080}
    ]
