"""What encryption costs: GET and create with it and without, in turn, on two stores that are alike else."""

import secrets
import statistics
import tempfile
from pathlib import Path

from bench import processes, wrk
from bench.result import Figure
from bench.target import Options, Target
from bench.works import memory
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
    spent: list[list[float]] = [[], []]
    for turn in range(ALTERNATIONS):
        # Who comes first changes, so that neither gains by it.
        for index in (0, 1) if turn % 2 else (1, 0):
            before = _processor_seconds(targets[index])
            load = _load(targets[index], options, what)
            loads[index].append(load)
            spent[index].append((_processor_seconds(targets[index]) - before) / load.answers * 1e6)
    failures = sum(load.failures for each in loads for load in each)
    sealed, plain = (statistics.median(load.per_second for load in each) for each in loads)
    pairs = [1 - ours.per_second / theirs.per_second for ours, theirs in zip(*loads, strict=True)]
    taken, less = (statistics.median(each) for each in spent)
    title = f"encryption's cost, {what}"
    note = f"encrypted {sealed:,.0f}/s, plain {plain:,.0f}/s, median of {ALTERNATIONS} pairs"
    processor = f"encrypted {taken:,.0f} us, plain {less:,.0f} us for each"
    return [
        Figure(title, 100 * statistics.median(pairs), "%", "lower", failures, note),
        # What others do on the machine changes the first figure by more than what it is about.
        Figure(f"{title}, processor time", 100 * (taken / less - 1), "%", "lower", failures, processor),
    ]


def _processor_seconds(target: Target) -> float:
    """Of the server and of its process that writes."""
    return processes.cpu_seconds(each for pid in target.pids for each in (pid, *memory.children_of(pid)))


def _load(target: Target, options: Options, what: str) -> wrk.Load:
    if what == "GET":
        return wrk.run(target, options, "get.lua", f"{PATH}/one")
    return wrk.run(target, options, "create.lua", PATH, BENCH_PREFIX=f"b{secrets.token_hex(4)}-")
