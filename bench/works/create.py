"""Creation of Secrets, each with a name of its own; acknowledged means durable, as each cluster promises
it."""

import secrets

from bench import wrk
from bench.result import Figure
from bench.target import Options, Target

TITLE = "create a Secret"
NEEDS_NODE = False


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        load = wrk.run(target, options, "create.lua", path, BENCH_PREFIX=f"b{secrets.token_hex(3)}-")
        stored = len(api.ok("GET", path)["items"])
    # What wrk sent last may have been stored after it stopped counting, but nothing counted may be missing.
    missing = max(0, load.answers - load.failures - stored)
    note = f"{options.connections} connections, {stored} stored"
    return [
        Figure(TITLE, load.per_second, "/s", "higher", load.failures + missing, note),
        Figure(f"{TITLE}, median", load.median, "ms", "lower"),
        Figure(f"{TITLE}, p99", load.p99, "ms", "lower"),
    ]
