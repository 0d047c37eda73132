"""What many Deployments at rest cost: their controllers' time and memory, with nothing to do."""

import time

from bench import processes
from bench.result import Figure
from bench.target import Options, Target
from bench.works import memory

TITLE = "{:,} Deployments at rest"
NEEDS_NODE = False
DEPLOYMENTS = 1000
_SECONDS = 20.0


def run(target: Target, options: Options) -> list[Figure]:
    if not target.pids:
        return []
    title = TITLE.format(DEPLOYMENTS)
    with target.namespace() as namespace:
        before = sum(map(memory.resident_of, target.pids))
        ready = _create(target, namespace, options.patience)
        time.sleep(options.seconds)
        after = sum(map(memory.resident_of, target.pids))
        began, used = time.monotonic(), processes.cpu_seconds(target.pids)
        time.sleep(_SECONDS)
        spent = processes.cpu_seconds(target.pids) - used
        share = 100 * spent / (time.monotonic() - began)
    failures = DEPLOYMENTS - ready
    return [
        Figure(f"{title}: of one core", share, "%", "lower", failures),
        Figure(f"{title}: memory more than before", after - before, "MB", "lower", failures),
    ]


def _create(target: Target, namespace: str, patience: float) -> int:
    """Create the Deployments, without Pods; how many of them their controller has seen to."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    container = {"name": "c", "image": "nginx", "env": [{"name": "A", "value": "b"}]}
    with target.api() as api:
        for number in range(DEPLOYMENTS):
            labels = {"app": f"d{number}"}
            template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
            spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
            api.ok("POST", path, {"metadata": {"name": f"d{number}"}, "spec": spec})
        deadline = time.monotonic() + patience
        while True:
            items = api.ok("GET", path)["items"]
            seen = len([item for item in items if item["status"].get("observedGeneration")])
            if seen == DEPLOYMENTS or time.monotonic() > deadline:
                return seen
            time.sleep(0.2)
