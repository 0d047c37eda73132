"""The Secrets and ConfigMaps that a Pod names."""

from typing import Any

from strongroom.api.core.v1.pod import references


def env(kind: str, name: str) -> dict[str, Any]:
    return {
        "env": [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": {kind: {"name": name, "key": "k"}}}]
    }


POD = {
    "spec": {
        "imagePullSecrets": [{"name": "pull"}, {}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "volume", "optional": True}},
            {"name": "b", "configMap": {"name": "map-volume"}},
            {"name": "c", "emptyDir": {}},
            {
                "name": "d",
                "projected": {
                    "sources": [
                        {"secret": {"name": "projected"}},
                        {"configMap": {"name": "map-projected"}},
                        {"serviceAccountToken": {"path": "t"}},
                    ]
                },
            },
            {"name": "e", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "csi"}}},
            {"name": "f", "cephfs": {"monitors": ["m"], "secretRef": {"name": "cephfs"}}},
            {"name": "g", "azureFile": {"secretName": "azure", "shareName": "s"}},
        ],
        "containers": [
            {"name": "c", **env("secretKeyRef", "key"), "envFrom": [{"secretRef": {"name": "from"}}]},
            {
                "name": "d",
                **env("configMapKeyRef", "map-key"),
                "envFrom": [{"configMapRef": {"name": "map-from"}}],
            },
            {"name": "e", **env("fieldRef", "no")},
        ],
        "initContainers": [{"name": "i", **env("secretKeyRef", "init")}],
        "ephemeralContainers": [{"name": "x", "envFrom": [{"secretRef": {"name": "ephemeral"}}]}],
    }
}


def test_secrets() -> None:
    assert references.secret_names(POD) == {
        "pull", "volume", "projected", "csi", "cephfs", "azure", "key", "from", "init", "ephemeral",
    }  # fmt: skip


def test_config_maps() -> None:
    assert references.config_map_names(POD) == {"map-volume", "map-projected", "map-key", "map-from"}


def test_pull_secrets_in_order() -> None:
    assert references.pull_secret_names(POD) == ["pull"]


_EMPTY: list[dict[str, Any]] = [
    {},
    {"spec": {}},
    {"spec": {"containers": [{"name": "c"}], "volumes": [{"name": "v"}]}},
]


def test_a_pod_that_names_none() -> None:
    for pod in _EMPTY:
        assert references.secret_names(pod) == references.config_map_names(pod) == frozenset()
        assert references.pull_secret_names(pod) == []
