"""What encryption costs: GET and create with it and without, in turn, on two stores that are alike else."""

import secrets
import statistics
import tempfile
from pathlib import Path

from bench import wrk
from bench.result import Figure
from bench.target import Options, Target
from strongroom.testing.cluster import Cluster

ALTERNATIONS = 7
"""Times that each is measured: what else the machine does comes and goes."""
PATH = "/api/v1/namespaces/default/secrets"
VALUES = {"username": "YWRtaW4=", "password": "aWt1YmVybmV0ZXMtaWt1YmVybmV0ZXM="}
PLAIN = """\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - identity: {}
"""


def run(options: Options) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name:
        folder = Path(name)
        (folder / "plain.yaml").write_text(PLAIN)
        flags = ("--encryption-config", str(folder / "plain.yaml"))
        with (
            Cluster(folder / "encrypted", node=False) as encrypted,
            Cluster(folder / "plain", node=False, flags=flags) as plain,
        ):
            targets = [Target("strongroom", each.kubeconfig, [each.pid]) for each in (encrypted, plain)]
            for target in targets:
                with target.api() as api:
                    api.ok("POST", PATH, {"metadata": {"name": "one"}, "data": VALUES})
            return [*_compare(targets, options, "GET"), *_compare(targets, options, "create")]


def _compare(targets: list[Target], options: Options, what: str) -> list[Figure]:
    loads: list[list[wrk.Load]] = [[], []]
    for turn in range(ALTERNATIONS):
        # Who comes first changes, so that neither gains by it.
        for index in (0, 1) if turn % 2 else (1, 0):
            loads[index].append(_load(targets[index], options, what))
    sealed, plain = (statistics.median(load.per_second for load in each) for each in loads)
    pairs = [1 - ours.per_second / theirs.per_second for ours, theirs in zip(*loads, strict=True)]
    failures = sum(load.failures for each in loads for load in each)
    cost = 100 * statistics.median(pairs)
    note = f"encrypted {sealed:,.0f}/s, plain {plain:,.0f}/s, median of {ALTERNATIONS} pairs"
    return [Figure(f"encryption's cost, {what}", cost, "%", "lower", failures, note)]


def _load(target: Target, options: Options, what: str) -> wrk.Load:
    if what == "GET":
        return wrk.run(target, options, "get.lua", f"{PATH}/one")
    return wrk.run(target, options, "create.lua", PATH, BENCH_PREFIX=f"b{secrets.token_hex(4)}-")
