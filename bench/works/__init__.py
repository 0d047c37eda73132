"""The works, one file each, in the order in which they are done.

A work is a module with `TITLE`, `NEEDS_NODE` and `run(target, options) -> list[Figure]`. It leaves the
cluster
as it found it. `start` is not among them: it measures a program, not a cluster that runs.
"""

from types import ModuleType

from bench.works import (
    at_rest,
    create,
    deployment,
    get,
    list_many,
    memory,
    pod_ready,
    pods_together,
    rbac,
    secret_to_file,
    update,
    watch_fanout,
    writes,
)

ALL: dict[str, ModuleType] = {
    "memory": memory,
    "get": get,
    "rbac": rbac,
    "create": create,
    "update": update,
    "writes": writes,
    "list": list_many,
    "watch": watch_fanout,
    "pod": pod_ready,
    "pods": pods_together,
    "deployment": deployment,
    "change": secret_to_file,
    "rest": at_rest,
}
