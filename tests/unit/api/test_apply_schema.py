"""What the definitions say of owners: the sets that creations get (`kubectl get --show-managed-fields`)."""

from typing import Any

from strongroom.api import apply_schema, resources
from strongroom.machinery.patch.apply import comparison, extraction, field_set, updating


def owned(resource: Any, obj: Any) -> Any:
    kind = apply_schema.of_kind(resource)
    return field_set.serialise(updating.tracked(comparison.compare({}, obj, kind).changed))


def test_secret() -> None:
    secret = {"metadata": {"name": "a", "labels": {"l": "v"}}, "data": {"k": "dg=="}, "type": "Opaque"}
    assert owned(resources.SECRETS, secret) == {
        "f:data": {".": {}, "f:k": {}},
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
        "f:type": {},
    }


def test_pod() -> None:
    container = {
        "name": "c",
        "command": ["a", "a"],
        "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "volumeMounts": [{"mountPath": "/m", "name": "v"}],
    }
    volume = {"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}
    spec = {
        "containers": [container],
        "volumes": [volume],
        "imagePullSecrets": [{"name": "r"}],
        "nodeSelector": {"a": "b"},
        "securityContext": {},
    }
    assert owned(resources.PODS, {"metadata": {"name": "p"}, "spec": spec}) == {
        "f:spec": {
            "f:containers": {
                'k:{"name":"c"}': {
                    ".": {},
                    "f:command": {},
                    "f:env": {
                        ".": {},
                        'k:{"name":"E"}': {
                            ".": {},
                            "f:name": {},
                            "f:valueFrom": {".": {}, "f:secretKeyRef": {}},
                        },
                    },
                    "f:name": {},
                    "f:ports": {
                        ".": {},
                        'k:{"containerPort":80,"protocol":"TCP"}': {
                            ".": {},
                            "f:containerPort": {},
                            "f:protocol": {},
                        },
                    },
                    "f:resources": {},
                    "f:volumeMounts": {
                        ".": {},
                        'k:{"mountPath":"/m"}': {".": {}, "f:mountPath": {}, "f:name": {}},
                    },
                }
            },
            "f:imagePullSecrets": {".": {}, 'k:{"name":"r"}': {}},
            "f:nodeSelector": {},
            "f:securityContext": {},
            "f:volumes": {
                ".": {},
                'k:{"name":"v"}': {
                    ".": {},
                    "f:name": {},
                    "f:secret": {".": {}, "f:items": {}, "f:secretName": {}},
                },
            },
        }
    }


def test_a_key_that_is_left_out_has_its_default() -> None:
    document = {"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}}
    fields = extraction.fields(document, apply_schema.of_kind(resources.PODS))
    ports = fields["f:spec"]["f:containers"]['k:{"name":"c"}']["f:ports"]
    assert list(ports) == ['k:{"containerPort":80,"protocol":"TCP"}']


def test_owner_references_and_finalizers() -> None:
    reference = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}
    secret = {"metadata": {"ownerReferences": [reference], "finalizers": ["a/b"]}}
    assert owned(resources.SECRETS, secret) == {
        "f:metadata": {
            "f:finalizers": {".": {}, 'v:"a/b"': {}},
            "f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}},
        }
    }
