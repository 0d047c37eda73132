"""Updates of Secrets, each to a value of its own; acknowledged means durable, as each cluster promises it."""

from bench import wrk
from bench.result import Figure
from bench.target import Options, Target

TITLE = "update a Secret"
NEEDS_NODE = False
SECRETS = 500
PREFIX = "u"


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        for number in range(SECRETS):
            api.ok("POST", path, {"metadata": {"name": f"{PREFIX}{number}"}, "stringData": {"password": "a"}})
        environment = {"BENCH_PREFIX": PREFIX, "BENCH_COUNT": str(SECRETS), "BENCH_PATH": path}
        load = wrk.run(target, options, "update.lua", path, **environment)
    note = f"{options.connections} connections, {SECRETS} Secrets in turn"
    return [
        Figure(TITLE, load.per_second, "/s", "higher", load.failures, note),
        Figure(f"{TITLE}, median", load.median, "ms", "lower"),
        Figure(f"{TITLE}, p99", load.p99, "ms", "lower"),
    ]
