"""Objects that tests make again and again, as kubectl would read them from a file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

IMAGE = "nginx:latest"


def secret(name: str, values: Mapping[str, str], **fields: object) -> dict[str, Any]:
    """A Secret that gives `values` as `stringData`."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": dict(values),
        **fields,
    }


def pod(
    name: str,
    *,
    command: Sequence[str] = (),
    env: Sequence[Mapping[str, object]] = (),
    env_from: Sequence[Mapping[str, object]] = (),
    volumes: Mapping[str, Mapping[str, object]] | None = None,
    image: str = IMAGE,
    **spec: object,
) -> dict[str, Any]:
    """A Pod of one container named `main` that ends at once when told to.

    `volumes` maps mount paths to volume sources (`{"secret": {"secretName": "a"}}`).
    """
    mounts = dict(volumes or {})
    container: dict[str, Any] = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": list(env),
        "envFrom": list(env_from),
        "volumeMounts": [{"name": f"v{i}", "mountPath": path} for i, path in enumerate(mounts)],
    }
    if command:
        container["command"] = list(command)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": f"v{i}", **source} for i, source in enumerate(mounts.values())],
            **spec,
        },
    }


def text(*objects: Mapping[str, object]) -> str:
    """The objects as one file for `kubectl -f -`."""
    if len(objects) == 1:
        return json.dumps(objects[0])
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
