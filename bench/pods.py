"""Pods for the works that need a node: made, followed until Ready, removed, all over the API."""

import dataclasses
import json
import time
from collections.abc import Callable, Collection
from typing import Any

from bench.target import Options, Target
from strongroom.testing.api import API


def manifest(name: str, options: Options) -> dict[str, Any]:
    """A Pod with the Secret `auth` as a volume and one of its keys as a variable."""
    variable = {"name": "DB_USER", "valueFrom": {"secretKeyRef": {"name": "auth", "key": "username"}}}
    container = {
        "name": "main",
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "env": [variable],
        "volumeMounts": [{"name": "auth", "mountPath": "/etc/auth", "readOnly": True}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "auth", "secret": {"secretName": "auth"}}],
        },
    }


@dataclasses.dataclass(frozen=True)
class Run:
    """When each Pod became Ready, in seconds after the first was sent."""

    ready: dict[str, float]
    failures: int


def create_secret(target: Target, namespace: str) -> None:
    """The Secret that the Pods refer to."""
    with target.api() as api:
        values = {"username": "root", "password": "ikubernetes"}
        body = {"metadata": {"name": "auth"}, "stringData": values}
        api.ok("POST", f"/api/v1/namespaces/{namespace}/secrets", body)


def start(target: Target, options: Options, namespace: str, names: Collection[str]) -> Run:
    """Create the Pods and follow a watch until all are Ready, or patience is at an end."""

    def send(api: API) -> None:
        for name in names:
            api.ok("POST", f"/api/v1/namespaces/{namespace}/pods", manifest(name, options))

    return _follow(target, options, namespace, len(names), send)


def start_deployment(target: Target, options: Options, namespace: str, count: int) -> Run:
    """Create a Deployment `web` of so many of these Pods, and follow them in the same way."""
    pod, labels = manifest("web", options), {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod["spec"]}
    spec = {"replicas": count, "selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}

    def send(api: API) -> None:
        api.ok("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment)

    return _follow(target, options, namespace, count, send)


def _follow(target: Target, options: Options, namespace: str, count: int, send: Callable[[API], None]) -> Run:
    """When each of the `count` Pods became Ready that `send` leads to."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    ready: dict[str, float] = {}
    with target.api() as api, target.api() as watcher:
        version = api.ok("GET", path)["metadata"]["resourceVersion"]
        connection = watcher._connection
        query = f"watch=1&resourceVersion={version}&timeoutSeconds={int(options.patience)}"
        connection.request("GET", f"{path}?{query}", headers=target.access.headers)
        began = time.perf_counter()
        send(api)
        with connection.getresponse() as events:
            while len(ready) < count and (line := events.readline()):
                event = json.loads(line)
                name = event["object"]["metadata"]["name"]
                if name not in ready and is_ready(event["object"]):
                    ready[name] = time.perf_counter() - began
    return Run(ready, count - len(ready))


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def remove(target: Target, namespace: str, names: Collection[str], *, patience: float = 60) -> None:
    """Delete the Pods and wait until the API has them no more."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    with target.api() as api:
        for name in names:
            api.request("DELETE", f"{path}/{name}")
        deadline = time.monotonic() + patience
        while api.ok("GET", path)["items"] and time.monotonic() < deadline:
            time.sleep(0.05)
