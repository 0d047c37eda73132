"""GET of one Secret, again and again over kept connections."""

from bench import wrk
from bench.result import Figure
from bench.target import Options, Target

TITLE = "GET one Secret"
NEEDS_NODE = False


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        values = {"username": "YWRtaW4=", "password": "aWt1YmVybmV0ZXM="}
        api.ok("POST", path, {"metadata": {"name": "one"}, "data": values})
        load = wrk.run(target, options, "get.lua", f"{path}/one")
    note = f"{options.connections} connections, {load.answers} answers"
    return [
        Figure(TITLE, load.per_second, "/s", "higher", load.failures, note),
        Figure(f"{TITLE}, median", load.median, "ms", "lower"),
        Figure(f"{TITLE}, p99", load.p99, "ms", "lower"),
    ]
