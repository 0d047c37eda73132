"""`kubectl describe` of every kind, in whole. What it says comes from the API's objects and their events."""

import json
from typing import Any

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

NOW = "<word> <word> <word> <word> <word> +0000"
"""Fri, 02 Jan 2026 03:04:05 +0000."""


def described(kubectl: Kubectl, *what: str) -> str:
    return kubectl.ok("describe", *what).rstrip("\n") + "\n"


def head(kubectl: Kubectl, name: str, labels: str = "<none>") -> str:
    return f"Name:  {name}\nNamespace:  {kubectl.namespace}\nLabels:  {labels}\nAnnotations:  <none>\n"


def test_config_map(kubectl: Kubectl) -> None:
    kubectl.ok("create", "configmap", "c", "--from-literal=a=two\nlines")
    expect.check(
        described(kubectl, "configmap", "c"),
        f"""\
{head(kubectl, "c")}
Data
====
a:
----
two
lines


BinaryData
====

Events:  <none>
""",
    )


def test_secrets_show_sizes_and_no_values(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=password=hunter2")
    kubectl.ok("label", "secret", "a", "app=web", "tier=front")
    kubectl.ok("annotate", "secret", "a", "note=mine")
    kubectl.ok("create", "secret", "generic", "b")
    expect.check(
        described(kubectl, "secrets"),
        f"""\
Name:         a
Namespace:    {kubectl.namespace}
Labels:       app=web
              tier=front
Annotations:  note: mine

Type:  Opaque

Data
====
password:  7 bytes


{head(kubectl, "b")}
Type:  Opaque

Data
====
""",
    )


def test_service_account(kubectl: Kubectl) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot"},
        "imagePullSecrets": [{"name": "regcred"}],
    }
    kubectl.ok("create", "secret", "generic", "regcred")
    kubectl.ok("create", "-f", "-", stdin=manifests.text(account))
    shown = described(kubectl, "sa", "robot")
    # Newer versions leave out what no account has had since 1.24.
    lines = [line for line in shown.splitlines() if not line.startswith(("Mountable secrets:", "Tokens:"))]
    expect.check(
        "\n".join(lines),
        f"""\
{head(kubectl, "robot")}Image pull secrets:  regcred
Events:  <none>
""",
    )


def test_roles_and_bindings(kubectl: Kubectl) -> None:
    kubectl.ok("create", "role", "r", "--verb=get,list", "--resource=secrets", "--resource-name=db")
    kubectl.ok("create", "rolebinding", "b", "--role=r", "--user=u", "--group=g", "--serviceaccount=n:s")
    expect.check(
        described(kubectl, "role", "r"),
        """\
Name:         r
Labels:       <none>
Annotations:  <none>
PolicyRule:
  Resources  Non-Resource URLs  Resource Names  Verbs
  ---------  -----------------  --------------  -----
  secrets    []                 [db]            [get list]
""",
    )
    subjects = """\
Subjects:
  Kind            Name  Namespace
  ----            ----  ---------
  User            u
  Group           g
  ServiceAccount  s     n
"""
    expect.check(
        described(kubectl, "rolebinding", "b"),
        f"""\
Name:         b
Labels:       <none>
Annotations:  <none>
Role:
  Kind:  Role
  Name:  r
{subjects}""",
    )
    expect.check(
        described(kubectl, "clusterrolebinding", "cluster-admin"),
        """\
Name:         cluster-admin
Labels:       kubernetes.io/bootstrapping=rbac-defaults
Annotations:  rbac.authorization.kubernetes.io/autoupdate: true
Role:
  Kind:  ClusterRole
  Name:  cluster-admin
Subjects:
  Kind   Name            Namespace
  ----   ----            ---------
  Group  system:masters
""",
    )
    expect.check(
        described(kubectl, "clusterrole", "cluster-admin"),
        """\
Name:         cluster-admin
Labels:       kubernetes.io/bootstrapping=rbac-defaults
Annotations:  rbac.authorization.kubernetes.io/autoupdate: true
PolicyRule:
  Resources  Non-Resource URLs  Resource Names  Verbs
  ---------  -----------------  --------------  -----
  *.*        []                 []              [*]
             [*]                []              [*]
""",
    )


def test_quota_and_namespace(kubectl: Kubectl) -> None:
    kubectl.ok("create", "quota", "q", "--hard=secrets=5")
    kubectl.ok("create", "secret", "generic", "a")
    kubectl.ok("wait", "--for=jsonpath={.status.used.secrets}=1", "quota/q", "--timeout=20s")
    expect.check(
        described(kubectl, "quota", "q"),
        f"""\
Name:       q
Namespace:  {kubectl.namespace}
Resource    Used  Hard
--------    ----  ----
secrets     1     5
""",
    )
    expect.check(
        described(kubectl, "namespace", kubectl.namespace),
        f"""\
Name:         {kubectl.namespace}
Labels:       kubernetes.io/metadata.name={kubectl.namespace}
Annotations:  <none>
Status:       Active

Resource Quotas
  Name:      q
  Resource   Used  Hard
  --------   ---   ---
  secrets    1     5
""",
    )


@pytest.mark.parametrize(
    ("create", "lines"),
    [
        (("clusterip", "s", "--tcp=80:8080"), ["Type:  ClusterIP", "Port:  80-8080  80/TCP"]),
        (("clusterip", "s", "--clusterip=None"), ["Type:  ClusterIP", "IP:  None"]),
        (
            ("nodeport", "s", "--tcp=80"),
            ["Type:  NodePort", "NodePort:  80  <number>/TCP", "External Traffic Policy:  Cluster"],
        ),
        (("externalname", "s", "--external-name=a.example"), ["External Name:  a.example"]),
    ],
)
def test_services(latest: Kubectl, create: tuple[str, ...], lines: list[str]) -> None:
    latest.ok("create", "service", *create)
    shown = described(latest, "service", "s").splitlines()
    expect.check("\n".join(shown[:4]), head(latest, "s", "app=s"))
    for line in [*lines, "Session Affinity:  None", "Events:  <none>"]:
        assert any(expect.matches(each, line) for each in shown), (line, shown)


def test_service(kubectl: Kubectl) -> None:
    kubectl.ok("create", "service", "clusterip", "web", "--tcp=80:8080")
    address = kubectl.ok("get", "service", "web", "-ojsonpath={.spec.clusterIP}")
    shown = described(kubectl, "service", "web").splitlines()
    assert [line for line in shown if line.startswith("Endpoints:")]
    expect.check(
        "\n".join(line for line in shown if not line.startswith("Endpoints:")),
        f"""\
{head(kubectl, "web", "app=web")}Selector:                 app=web
Type:                     ClusterIP
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       {address}
IPs:                      {address}
Port:                     80-8080  80/TCP
TargetPort:               8080/TCP
Session Affinity:         None
Internal Traffic Policy:  Cluster
Events:                   <none>
""",
    )


def test_lease_and_other_kinds_without_words_of_their_own(latest: Kubectl) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l"},
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 10},
    }
    latest.ok("create", "-f", "-", stdin=manifests.text(lease))
    expect.check(
        described(latest, "lease", "l"),
        f"""\
{head(latest, "l")}API Version:  coordination.k8s.io/v1
Kind:         Lease
Metadata:
  Creation Timestamp:  <time>
  Resource Version:    <number>
  UID:                 <uid>
Spec:
  Holder Identity:         me
  Lease Duration Seconds:  10
Events:                    <none>
""",
    )


def test_node(kubectl: Kubectl) -> None:
    kubectl.ok("wait", "--for=create", "node/n1", "--timeout=20s")
    kubectl.ok("wait", "--for=condition=Ready", "node/n1", "--timeout=20s")
    shown = described(kubectl, "node", "n1")
    head, _, rest = shown.partition("Conditions:\n")
    assert [line.split(":")[0] for line in head.splitlines() if line[0] != " "] == [
        "Name",
        "Roles",
        "Labels",
        "Annotations",
        "CreationTimestamp",
        "Taints",
        "Unschedulable",
        "Lease",
    ]
    assert "HolderIdentity:  n1" in head
    conditions, _, rest = rest.partition("Addresses:\n")
    assert [line.split()[:2] for line in conditions.splitlines()[2:]] == [
        ["MemoryPressure", "False"],
        ["DiskPressure", "False"],
        ["PIDPressure", "False"],
        ["Ready", "True"],
    ]
    sections = [line.split(":")[0] for line in rest.splitlines() if line[0] != " "]
    assert sections == [
        "Capacity",
        "Allocatable",
        "System Info",
        "PodCIDR",
        "PodCIDRs",
        "Non-terminated Pods",
        "Allocated resources",
        "Events",
    ]


def pod() -> dict[str, Any]:
    reference = {"secretKeyRef": {"name": "db", "key": "user"}}
    made = manifests.pod(
        "p",
        env=[{"name": "USER", "valueFrom": reference}, {"name": "A", "value": "b"}],
        env_from=[{"prefix": "New", "secretRef": {"name": "db"}}],
        volumes={"/s": {"secret": {"secretName": "db", "optional": False}}},
        automountServiceAccountToken=False,
        nodeName="n1",
    )
    container = made["spec"]["containers"][0]
    container["ports"] = [{"containerPort": 80}]
    container["resources"] = {"requests": {"cpu": "0.1"}, "limits": {"memory": "0.5Gi"}}
    container["volumeMounts"][0]["readOnly"] = True
    made["metadata"]["labels"] = {"app": "web"}
    return made


def test_pod(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "db", "--from-literal=user=admin")
    kubectl.ok("create", "-f", "-", stdin=manifests.text(pod()))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    status = json.loads(kubectl.ok("get", "pod", "p", "-ojson"))["status"]
    before, _, events = described(kubectl, "pod", "p").partition("Events:\n")
    expect.check(
        before,
        f"""\
Name:             p
Namespace:        {kubectl.namespace}
Priority:         0
Service Account:  default
Node:             n1/{status["hostIP"]}
Start Time:       {NOW}
Labels:           app=web
Annotations:      <none>
Status:           Running
IP:               {status["podIP"]}
IPs:
  IP:  {status["podIP"]}
Containers:
  main:
    Container ID:   {status["containerStatuses"][0]["containerID"]}
    Image:          nginx:latest
    Image ID:       docker.io/library/nginx@sha256:<word>
    Port:           80/TCP
    Host Port:      0/TCP
    State:          Running
      Started:      {NOW}
    Ready:          True
    Restart Count:  0
    Limits:
      memory:  512Mi
    Requests:
      cpu:     100m
      memory:  512Mi
    Environment Variables from:
      db  Secret with prefix 'New'  Optional: false
    Environment:
      USER:  <set to the key 'user' in secret 'db'>  Optional: false
      A:     b
    Mounts:
      /s from v0 (ro)
Conditions:
  Type                        Status
  PodReadyToStartContainers   True
  Initialized                 True
  Ready                       True
  ContainersReady             True
  PodScheduled                True
Volumes:
  v0:
    Type:        Secret (a volume populated by a Secret)
    SecretName:  db
    Optional:    false
QoS Class:       Burstable
Node-Selectors:  <none>
Tolerations:     node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                 node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
""",
    )
    assert [line.split()[1] for line in events.splitlines()[2:]][-3:] == ["Pulled", "Created", "Started"]


def test_deployment_and_its_replica_set(kubectl: Kubectl) -> None:
    kubectl.ok("create", "deployment", "web", "--image=nginx:1", "--replicas=0", "--port=80")
    kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    name = kubectl.ok("get", "rs", "-ojsonpath={.items[0].metadata.name}")
    suffix = name.removeprefix("web-")
    shown = described(kubectl, "deployment", "web")
    assert shown.startswith("Name:                   web\n")
    expect.check(
        shown.partition("Pod Template:")[0],
        f"""\
Name:                   web
Namespace:              {kubectl.namespace}
CreationTimestamp:      {NOW}
Labels:                 app=web
Annotations:            deployment.kubernetes.io/revision: 1
Selector:               app=web
Replicas:               0 desired | 0 updated | 0 total | 0 available | 0 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  25% max unavailable, 25% max surge
""",
    )
    assert expect.matches(
        shown[shown.index("Conditions:") :].partition("Events:")[0],
        f"""\
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      True    MinimumReplicasAvailable
  Progressing    True    NewReplicaSetAvailable
OldReplicaSets:  <none>
NewReplicaSet:   {name} (0/0 replicas created)
""",
    ), shown
    expect.check(
        described(kubectl, "rs", name),
        f"""\
Name:           {name}
Namespace:      {kubectl.namespace}
Selector:       app=web,pod-template-hash={suffix}
Labels:         app=web
                pod-template-hash={suffix}
Annotations:    deployment.kubernetes.io/desired-replicas: 0
                deployment.kubernetes.io/max-replicas: 0
                deployment.kubernetes.io/revision: 1
Controlled By:  Deployment/web
Replicas:       0 current / 0 desired
Pods Status:    0 Running / 0 Waiting / 0 Succeeded / 0 Failed
Pod Template:
  Labels:  app=web
           pod-template-hash={suffix}
  Containers:
   nginx:
    Image:         nginx:1
    Port:          80/TCP
    Host Port:     0/TCP
    Environment:   <none>
    Mounts:        <none>
  Volumes:         <none>
  Node-Selectors:  <none>
  Tolerations:     <none>
Events:            <none>
""",
    )
