"""The ways by which Secrets reach containers."""

from strongroom.api.core.v1.pod import secret_uses
from strongroom.api.core.v1.pod.secret_uses import ENV, SUB_PATH, VOLUME, Use
from strongroom.machinery.gvk import Object

PROJECTED: Object = {
    "sources": [
        {"secret": {"name": "a"}},
        {"configMap": {"name": "m"}},
        {"secret": {"name": "b"}},
        {"serviceAccountToken": {"path": "token"}},
    ]
}
POD: Object = {
    "metadata": {"name": "p"},
    "spec": {
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "v", "secret": {"secretName": "db"}},
            {"name": "w", "projected": PROJECTED},
            {"name": "unused", "secret": {"secretName": "nobodys"}},
            {"name": "scratch", "emptyDir": {}},
        ],
        "initContainers": [
            {"name": "i", "envFrom": [{"secretRef": {"name": "setup"}}]},
            {"name": "s", "restartPolicy": "Always", "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        ],
        "containers": [
            {
                "name": "c",
                "volumeMounts": [
                    {"name": "v", "mountPath": "/v"},
                    {"name": "v", "mountPath": "/again"},
                    {"name": "v", "mountPath": "/one", "subPath": "password"},
                    {"name": "w", "mountPath": "/w"},
                    {"name": "scratch", "mountPath": "/tmp"},
                ],
                "envFrom": [{"configMapRef": {"name": "m"}}, {"secretRef": {"name": "all"}}],
                "env": [
                    {"name": "A", "value": "x"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
            }
        ],
        "ephemeralContainers": [{"name": "d", "env": [{"name": "B", "valueFrom": None}]}],
    },
}


def test_every_way_once() -> None:
    assert secret_uses.uses(POD) == [
        Use("db", "c", VOLUME, "v"),
        Use("db", "c", SUB_PATH, "v"),
        Use("a", "c", VOLUME, "w"),
        Use("b", "c", VOLUME, "w"),
        Use("all", "c", ENV),
        Use("db", "c", ENV),
        Use("setup", "i", ENV, "", passing=True),
        Use("db", "s", VOLUME, "v"),
    ]


def test_pull_secrets_reach_no_container() -> None:
    assert "pull" not in {use.secret for use in secret_uses.uses(POD)}


def test_a_pod_without_anything() -> None:
    assert secret_uses.uses({"spec": {"containers": [{"name": "c"}]}}) == []
    assert secret_uses.uses({}) == []
