"""The columns of every kind, plain and wide, and rows of those whose cells have rules of their own."""

import json
from typing import Any

import pytest

from strongroom.testing import api as plain_api
from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

COLUMNS = {
    "secrets": ("NAME TYPE DATA AGE", ""),
    "configmaps": ("NAME DATA AGE", ""),
    "serviceaccounts": ("NAME AGE", ""),
    "namespaces": ("NAME STATUS AGE", ""),
    "nodes": (
        "NAME STATUS ROLES AGE VERSION",
        "INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME",
    ),
    "pods": ("NAME READY STATUS RESTARTS AGE", "IP NODE NOMINATED NODE READINESS GATES"),
    "deployments": ("NAME READY UP-TO-DATE AVAILABLE AGE", "CONTAINERS IMAGES SELECTOR"),
    "replicasets": ("NAME DESIRED CURRENT READY AGE", "CONTAINERS IMAGES SELECTOR"),
    "jobs": ("NAME STATUS COMPLETIONS DURATION AGE", "CONTAINERS IMAGES SELECTOR"),
    "cronjobs": (
        "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE",
        "CONTAINERS IMAGES SELECTOR",
    ),
    "services": ("NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", "SELECTOR"),
    "endpoints": ("NAME ENDPOINTS AGE", ""),
    "endpointslices": ("NAME ADDRESSTYPE PORTS ENDPOINTS AGE", ""),
    "resourcequotas": ("NAME REQUEST LIMIT AGE", ""),
    "leases": ("NAME HOLDER AGE", ""),
    "priorityclasses": ("NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY", ""),
    "roles": ("NAME CREATED AT", ""),
    "clusterroles": ("NAME CREATED AT", ""),
    "rolebindings": ("NAME ROLE AGE", "USERS GROUPS SERVICEACCOUNTS"),
    "clusterrolebindings": ("NAME ROLE AGE", "USERS GROUPS SERVICEACCOUNTS"),
}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
SELECTOR = {"selector": {"matchLabels": {"app": "web"}}, "replicas": 0}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "one", "image": "a:1"}, {"name": "two", "image": "b:2"}]},
}


def one_of_each(namespace: str) -> list[dict[str, Any]]:
    """An object of every kind that a namespace does not have from the start."""
    account = {"kind": "ServiceAccount", "name": "robot", "namespace": namespace}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "x"}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"}
    core = {"apiVersion": "v1", "metadata": {"name": "x"}}
    apps = {"apiVersion": "apps/v1", "metadata": {"name": "x"}}
    batch = {"apiVersion": "batch/v1", "metadata": {"name": "x"}}
    jobs = {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}
    slices = {"apiVersion": "discovery.k8s.io/v1", "metadata": {"name": "x"}}
    return [
        {**core, "kind": "Secret"},
        {**core, "kind": "Pod", "spec": {**TEMPLATE["spec"], "nodeName": "nowhere"}},
        {**core, "kind": "Service", "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}}},
        {**core, "kind": "Endpoints", "metadata": {"name": "y"}, "subsets": []},  # x are those of the Service
        {**core, "kind": "ResourceQuota", "spec": {"hard": {"secrets": "5"}}},
        {**apps, "kind": "Deployment", "spec": {**SELECTOR, "paused": True, "template": TEMPLATE}},
        {**apps, "kind": "ReplicaSet", "spec": {**SELECTOR, "template": TEMPLATE}},
        {**batch, "kind": "Job", "spec": {"suspend": True, **jobs}},
        {**batch, "kind": "CronJob", "spec": {"schedule": "@yearly", "jobTemplate": {"spec": jobs}}},
        {**slices, "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": []},
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}},
        {**rbac, "kind": "Role", "rules": []},
        {**rbac, "kind": "RoleBinding", "roleRef": role, "subjects": [account]},
    ]


@pytest.fixture
def full(kubectl: Kubectl) -> Kubectl:
    """A namespace with an object of every kind."""
    kubectl.ok("create", "-f", "-", stdin=manifests.text(*one_of_each(kubectl.namespace)))
    kubectl.ok("wait", "--for=create", "node/n1", "--timeout=20s")
    return kubectl


def tables(text: str) -> list[list[str]]:
    """The lines of each table that was printed."""
    return [part.splitlines() for part in text.strip("\n").split("\n\n")]


def test_columns_of_every_kind(full: Kubectl) -> None:
    plain = tables(full.ok("get", ",".join(COLUMNS)))  # in the order in which they are named
    wide = tables(full.ok("get", ",".join(COLUMNS), "-owide"))
    assert [lines[0].split() for lines in plain] == [columns.split() for columns, _ in COLUMNS.values()]
    assert [lines[0].split() for lines in wide] == [
        [*columns.split(), *more.split()] for columns, more in COLUMNS.values()
    ]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("pods", "x  0/2  Pending  0  <age>  <none>  nowhere  <none>  <none>"),
        ("deployments", "x  0/0  0  0  <age>  one,two  a:1,b:2  app=web"),
        ("replicasets", "x  0  0  0  <age>  one,two  a:1,b:2  app=web"),
        ("jobs", "x  <word>  0/1  <age>  one,two  a:1,b:2  <any>"),
        ("cronjobs", "x  @yearly  <none>  False  0  <none>  <age>  one,two  a:1,b:2  <none>"),
        ("services", "x  ClusterIP  <word>  <none>  80/TCP  <age>  app=web"),
        ("endpoints", "y  <none>  <age>"),
        ("endpointslices", "x  IPv4  <unset>  <unset>  <age>"),
        ("roles", "x  <time>"),
        ("secrets", "x  Opaque  0  <age>"),
    ],
)
def test_rows(latest: Kubectl, kind: str, row: str) -> None:
    objects = [each for each in one_of_each(latest.namespace) if f"{each['kind'].lower()}s".startswith(kind)]
    latest.ok("create", "-f", "-", stdin=manifests.text(*objects))
    expect.check(latest.ok("get", kind, row[0], "-owide", "--no-headers"), row)


def test_a_table_as_it_comes(api: plain_api.API, latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    table = json.loads(
        api.request("GET", f"/api/v1/namespaces/{latest.namespace}/secrets", headers=TABLE).body
    )
    assert [
        (each["name"], each["type"], each["format"], each["priority"]) for each in table["columnDefinitions"]
    ] == [
        ("Name", "string", "name", 0),
        ("Type", "string", "", 0),
        ("Data", "string", "", 0),
        ("Age", "string", "", 0),
    ]
    [row] = table["rows"]
    assert row["cells"][:3] == ["a", "Opaque", 1]
    assert row["object"]["kind"] == "PartialObjectMetadata"


def test_events(latest: Kubectl) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": "e"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Secret",
            "namespace": latest.namespace,
            "name": "s",
        },
        "type": "Normal",
        "reason": "Rotated",
        "message": "has a new value \n",
        "source": {"component": "rotator", "host": "h"},
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "lastTimestamp": "2026-01-02T03:04:05Z",
        "count": 3,
    }
    latest.ok("create", "-f", "-", stdin=manifests.text(event))
    expect.check(
        latest.ok("get", "events", "-owide"),
        """\
LAST SEEN  TYPE  REASON  OBJECT  SUBOBJECT  SOURCE  MESSAGE  FIRST SEEN  COUNT  NAME
<age>  Normal  Rotated  secret/s  rotator, h  has a new value  <age>  3  e
""",
    )
    expect.check(
        latest.ok("events"),
        "LAST SEEN  TYPE  REASON  OBJECT  MESSAGE\n"
        "<age> (x3 over <age>)  Normal  Rotated  Secret/s  has a new value\n",
    )
    assert latest.ok("events", "--types=Warning") == ""
    assert latest.ok("events", "--for=secret/s", "--no-headers").split()[-1] == "value"
