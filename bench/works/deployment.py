"""A Deployment of many Pods, until the last is Ready; held against `pods`, which makes them by itself."""

import time

from bench import pods
from bench.result import Figure
from bench.target import Options, Target

TITLE = "Deployment of {} Pods to Ready"
NEEDS_NODE = True


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace:
        pods.create_secret(target, namespace)
        made = pods.start_deployment(target, options, namespace, options.pods)
        _remove(target, namespace)
    last = max(made.ready.values(), default=float("nan"))
    return [Figure(TITLE.format(options.pods), last, "s", "lower", made.failures)]


def _remove(target: Target, namespace: str, *, patience: float = 60) -> None:
    """Delete the Deployment, and wait until its Pods are gone."""
    with target.api() as api:
        api.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
        deadline = time.monotonic() + patience
        while api.ok("GET", f"/api/v1/namespaces/{namespace}/pods")["items"] and time.monotonic() < deadline:
            time.sleep(0.05)
