"""Objects that are nearly right: one of every kind, with a few of its parts replaced by something else, sent
by every verb that takes a body. Whatever comes, the answer is no error of the server, and what was stored can
be read.

STRONGROOM_FUZZ_EXAMPLES sets how many objects are made up for each kind.
"""

import asyncio
import copy
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strongroom.testing import answers, api_server
from strongroom.testing.api_server import APIServer

EXAMPLES = int(os.environ.get("STRONGROOM_FUZZ_EXAMPLES", "8"))
CORE, APPS, RBAC = "/api/v1", "/apis/apps/v1", "/apis/rbac.authorization.k8s.io/v1"
DEFAULT = "/namespaces/default"

META = {
    "name": "there",
    "labels": {"app": "a", "example.com/x": "y"},
    "annotations": {"example.com/note": "text"},
    "finalizers": ["example.com/keep"],
    "ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u", "controller": True}
    ],
}
PROBE = {
    "httpGet": {"path": "/", "port": "web", "scheme": "HTTP", "httpHeaders": [{"name": "X", "value": "y"}]}
}
POD_SPEC: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            "image": "i:1",
            "command": ["sh"],
            "args": ["-c", "true"],
            "ports": [{"name": "web", "containerPort": 80, "hostPort": 8080, "protocol": "TCP"}],
            "env": [
                {"name": "A", "value": "b"},
                {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
                {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
                {"name": "E", "valueFrom": {"fileKeyRef": {"volumeName": "e", "path": "f", "key": "K"}}},
            ],
            "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}],
            "resources": {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "100m"}},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a", "readOnly": True}],
            "livenessProbe": {**PROBE, "periodSeconds": 3, "timeoutSeconds": 1},
            "readinessProbe": {"exec": {"command": ["true"]}, "failureThreshold": 2},
            "startupProbe": {"tcpSocket": {"port": 80}},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
            "securityContext": {
                "runAsUser": 1,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
                "windowsOptions": {"runAsUserName": "u"},
            },
            "restartPolicy": "Never",
            "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
            "imagePullPolicy": "Always",
        }
    ],
    "initContainers": [{"name": "first", "image": "i", "restartPolicy": "Always"}],
    "volumes": [
        {"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p", "mode": 256}]}},
        {"name": "c", "configMap": {"name": "c", "defaultMode": 420}},
        {"name": "e", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "h", "hostPath": {"path": "/x", "type": "Directory"}},
        {
            "name": "d",
            "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]},
        },
        {
            "name": "p",
            "projected": {
                "sources": [
                    {"secret": {"name": "s"}},
                    {"serviceAccountToken": {"path": "t", "expirationSeconds": 600, "audience": "a"}},
                ]
            },
        },
    ],
    "imagePullSecrets": [{"name": "r"}],
    "nodeSelector": {"disk": "ssd"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
                ]
            }
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 5,
                    "podAffinityTerm": {"topologyKey": "z", "labelSelector": {"matchLabels": {"a": "b"}}},
                }
            ]
        },
    },
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
    ],
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["h"]}],
    "dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]},
    "securityContext": {"fsGroup": 5, "sysctls": [{"name": "a.b", "value": "1"}], "runAsNonRoot": True},
    "terminationGracePeriodSeconds": 5,
    "restartPolicy": "Always",
    "activeDeadlineSeconds": 50,
    "readinessGates": [{"conditionType": "example.com/x"}],
}
WORKLOAD = {
    "replicas": 2,
    "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": {**POD_SPEC, "activeDeadlineSeconds": None}},
    "minReadySeconds": 1,
}
REGARDING = {"kind": "Secret", "namespace": "default", "name": "a", "uid": "u", "fieldPath": "data"}
TIME = "2026-01-02T03:04:05.000000Z"
SUBJECTS = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}]
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]},
]

OBJECTS: dict[str, dict[str, Any]] = {
    f"{CORE}/namespaces": {"spec": {"finalizers": ["kubernetes"]}},
    f"{CORE}{DEFAULT}/secrets": {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30="},
        "stringData": {"k": "v"},
        "immutable": False,
    },
    f"{CORE}{DEFAULT}/configmaps": {"data": {"k": "v"}, "binaryData": {"b": "AA=="}, "immutable": False},
    f"{CORE}{DEFAULT}/serviceaccounts": {
        "secrets": [{"name": "s"}],
        "imagePullSecrets": [{"name": "s"}],
        "automountServiceAccountToken": False,
    },
    f"{CORE}/nodes": {
        "spec": {
            "taints": [{"key": "k", "effect": "NoSchedule"}],
            "unschedulable": True,
            "podCIDRs": ["10.0.0.0/24"],
        },
        "status": {
            "capacity": {"cpu": "2"},
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T03:04:05Z"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    },
    f"{CORE}{DEFAULT}/pods": {
        "spec": POD_SPEC,
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
    },
    f"{CORE}{DEFAULT}/events": {
        "involvedObject": REGARDING,
        "source": {"component": "c"},
        "count": 2,
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "eventTime": TIME,
        "series": {"count": 2, "lastObservedTime": TIME},
        "reportingComponent": "example.com/c",
        "reportingInstance": "i",
        "action": "a",
        "reason": "r",
    },
    f"{CORE}{DEFAULT}/services": {
        "spec": {
            "ports": [{"name": "p", "port": 80, "targetPort": "web", "nodePort": 30080, "protocol": "TCP"}],
            "selector": {"a": "b"},
            "type": "NodePort",
            "clusterIP": "",
            "externalIPs": ["10.0.0.1"],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
        }
    },
    f"{CORE}{DEFAULT}/endpoints": {
        "subsets": [
            {"addresses": [{"ip": "10.0.0.1", "targetRef": REGARDING}], "ports": [{"name": "p", "port": 80}]}
        ]
    },
    f"{CORE}{DEFAULT}/resourcequotas": {
        "spec": {
            "hard": {"pods": "1", "requests.cpu": "1"},
            "scopeSelector": {"matchExpressions": [{"scopeName": "NotBestEffort", "operator": "Exists"}]},
        }
    },
    "/apis/events.k8s.io/v1/namespaces/default/events": {
        "eventTime": TIME,
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        "action": "Do",
        "reason": "Done",
        "regarding": REGARDING,
        "type": "Normal",
        "series": {"count": 2, "lastObservedTime": TIME},
    },
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "targetRef": REGARDING}],
        "ports": [{"name": "p", "port": 80, "protocol": "TCP"}],
    },
    "/apis/coordination.k8s.io/v1/namespaces/default/leases": {
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 5, "renewTime": TIME, "leaseTransitions": 1}
    },
    f"{APPS}{DEFAULT}/deployments": {
        "spec": {
            **WORKLOAD,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 60,
        }
    },
    f"{APPS}{DEFAULT}/replicasets": {"spec": WORKLOAD},
    f"{RBAC}{DEFAULT}/roles": {"rules": RULES},
    f"{RBAC}{DEFAULT}/rolebindings": {"roleRef": ROLE_REF, "subjects": SUBJECTS},
    f"{RBAC}/clusterroles": {
        "rules": [*RULES, {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
    },
    f"{RBAC}/clusterrolebindings": {"roleRef": ROLE_REF, "subjects": SUBJECTS},
}
REVIEWS: dict[str, dict[str, Any]] = {
    "/apis/authentication.k8s.io/v1/tokenreviews": {"spec": {"token": "t", "audiences": ["a"]}},
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": {},
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
        "spec": {"user": "u", "groups": ["g"], "extra": {"k": ["v"]}, "resourceAttributes": {"verb": "get"}}
    },
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {
        "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}
    },
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": {"spec": {"namespace": "default"}},
    f"/apis/authorization.k8s.io/v1{DEFAULT}/localsubjectaccessreviews": {
        "spec": {
            "user": "u",
            "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"},
        }
    },
    f"{CORE}{DEFAULT}/serviceaccounts/default/token": {
        "spec": {
            "audiences": ["a"],
            "expirationSeconds": 600,
            "boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "there"},
        }
    },
    f"{CORE}{DEFAULT}/pods/there/binding": {"target": {"kind": "Node", "name": "n"}},
    f"{CORE}{DEFAULT}/pods/there/eviction": {"deleteOptions": {"gracePeriodSeconds": 1}},
}
"""What is asked and not stored."""

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, -1, 1, 65536, 2**31, 2**63, -(2**63) - 1, 10**30, 1.5, -0.0, 1e300)),
    st.sampled_from(
        ("", " ", "a", "A_b", "../..", "0", "-1", "1e999999", "5x", "\0", "é\u2028😀", "%s{0}", "x" * 300)
    ),
    st.sampled_from(
        ("2026-01-02T03:04:05Z", "999999999999999999Ei", "1n", ".5", "10.0.0.0/8", "::1", "e30=")
    ),
    st.sampled_from(([], {}, [None], [[]], [{}], {"": None}, {"a": {}}, [1, "1"], {"a": [{"name": "b"}]})),
)
NUMBERS = itertools.count()
_REMOVE, _TWICE, _RENAME = "remove", "twice", "rename"
CHANGES = st.one_of(
    st.tuples(st.just("put"), JUNK), st.tuples(st.sampled_from((_REMOVE, _TWICE, _RENAME)), st.none())
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All places in a document, by their keys and indices."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def mutated(draw: Callable[[Any], Any], document: dict[str, Any]) -> dict[str, Any]:
    """The document with up to three changes."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(made))))
        change, junk = draw(CHANGES)
        parent: Any = made
        for step in way:
            parent = parent[step]
        if change == "put":
            parent[last] = copy.deepcopy(junk)
        elif change == _REMOVE:
            del parent[last]
        elif change == _TWICE and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        elif isinstance(parent, dict):
            parent[f"{last}X"] = parent.pop(last)
        if not made:
            break
    return made


def body_of(document: Any, media: str) -> bytes:
    if media.endswith("yaml"):
        return yaml.safe_dump(document, allow_unicode=True).encode()
    return json.dumps(document).encode()


@pytest.fixture
def runner() -> Iterator[tuple[asyncio.Runner, APIServer]]:
    with asyncio.Runner() as runner:
        context = api_server.running()
        server = runner.run(context.__aenter__())
        account = {"metadata": {"name": "default"}}
        runner.run(server.request("POST", f"{CORE}{DEFAULT}/serviceaccounts", account))
        yield runner, server
        runner.run(context.__aexit__(None, None, None))


MADE_UP = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


async def _send(
    server: APIServer, method: str, path: str, document: Any, media: str = "application/json"
) -> int:
    answer = await server.request(method, path, body_of(document, media), content_type=media)
    told = f"{method} {path} {media}: {answer.status} {answer.text[:300]}"
    assert not answers.is_server_error(answer.status, answer.response.body), told
    if answer.status >= 400:
        assert answer.json["kind"] == "Status" and answer.json["message"], told
    return answer.status


async def _try_all(server: APIServer, path: str, base: dict[str, Any], change: dict[str, Any]) -> None:
    """The changed object by every verb, under a name that is new each time where the change leaves it."""
    name = f"n{next(NUMBERS)}"
    for media in ("application/json", "application/yaml"):
        named = f"{name}-{media[-4:]}"
        await _send(server, "POST", path, _named(change, named), media)
        await _readable(server, f"{path}/{named}")
    if await _send(server, "POST", path, _named(base, name)) != 201:
        return  # what was made before stands in the way, such as a quota or a node port that is taken
    change = _named(change, name)
    patches = [
        ("PUT", "application/json", change),
        ("PATCH", "application/merge-patch+json", change),
        ("PATCH", "application/strategic-merge-patch+json", change),
        ("PATCH", "application/apply-patch+yaml?fieldManager=m&force=1", change),
        ("PATCH", "application/json-patch+json", [{"op": "replace", "path": "", "value": change}]),
    ]
    for method, media, body in patches:
        media, _, query = media.partition("?")
        for part in ("", "/status", "/scale"):
            if await _send(server, method, f"{path}/{name}{part}?{query}", body, media) == 200:
                await _readable(server, f"{path}/{name}")
    answer = await server.request("DELETE", f"{path}/{name}")
    assert answer.status < 500, answer.text


def _named(document: dict[str, Any], name: str) -> dict[str, Any]:
    """With a name of its own, unless the change was to the name."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") != META["name"]:
        return document
    return {**document, "metadata": {**metadata, "name": name}}


async def _readable(server: APIServer, path: str) -> None:
    """What was stored, if it was."""
    for accept in ("application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/yaml"):
        answer = await server.get(path, headers={"accept": accept})
        assert answer.status in (200, 404), answer.text[:300]


@pytest.mark.parametrize("path", list(OBJECTS))
def test_nearly_right_objects(runner: tuple[asyncio.Runner, APIServer], path: str) -> None:
    loop, server = runner
    base = {"metadata": META, **OBJECTS[path]}
    first = server.request("POST", path, base)
    assert loop.run(first).status == 201

    @MADE_UP
    @given(change=mutated(base))
    def attempt(change: dict[str, Any]) -> None:
        loop.run(_try_all(server, path, base, change))

    attempt()


@pytest.mark.parametrize("path", list(REVIEWS))
def test_nearly_right_questions(runner: tuple[asyncio.Runner, APIServer], path: str) -> None:
    loop, server = runner
    base = {"metadata": {"name": "there"}, **REVIEWS[path]}

    @MADE_UP
    @given(change=mutated(base))
    def attempt(change: dict[str, Any]) -> None:
        for media in ("application/json", "application/yaml"):
            loop.run(_send(server, "POST", path, change, media))

    attempt()
