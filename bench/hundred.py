"""A node with 100 Pods: a changed Secret in all of their files, and what the agent costs at rest."""

import contextlib
import ctypes
import os
import select
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import own, pods, processes
from bench.result import Figure, latencies
from bench.target import Options, Target
from bench.works import memory
from strongroom.testing import images, registry
from strongroom.testing.cluster import Cluster

PODS = 100
CHANGES = 100
PAUSE = 0.3
"""Seconds between two changes: each is one that people make, not one of a flood."""
QUICK = 0.05
"""The same of a program's: what follows from one change is not done when the next one comes."""
REST = 30.0
SETTLE = 10.0
_MOVED_TO = 0x80
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


def run(options: Options) -> list[Figure]:
    if not own.can_have_node():
        return []
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        source = stack.enter_context(registry.Registry(directory / "registry"))
        source.push(f"library/{options.image}", images.nginx())
        registry.write_hosts(directory / "certs.d", ["docker.io", "registry.k8s.io"], source.address)
        cluster = Cluster(directory, registry_config=directory / "certs.d")
        with cluster:
            time.sleep(5)
            figures, resident = _with_pods(cluster, options)
            cluster.stop()
            cluster.node = False
            cluster.start()
            time.sleep(SETTLE)
            without = _resident(cluster)
            note = f"{resident:.0f} with it, {without:.0f} without, on the same data"
            figures.append(
                Figure(f"{PODS} Pods: memory of the agent", resident - without, "MB", "lower", 0, note)
            )
            cluster.stop()
    return figures


def _with_pods(cluster: Cluster, options: Options) -> tuple[list[Figure], float]:
    """Figures, and the memory of server and node in the end."""
    target = Target("strongroom", cluster.kubeconfig, [cluster.pid])
    with target.api() as api:
        path = "/api/v1/namespaces/default/secrets"
        for name in ("auth", "one"):
            api.ok(
                "POST", path, {"metadata": {"name": name}, "stringData": {"password": "x", "username": "y"}}
            )
    names = [f"p{number}" for number in range(PODS)]
    together = pods.start(target, options, "default", names)
    figures = [Figure(f"{PODS} Pods to Ready", max(together.ready.values()), "s", "lower", together.failures)]
    time.sleep(SETTLE)
    began, used = time.monotonic(), processes.cpu_seconds(target.pids)
    time.sleep(REST)
    share = 100 * (processes.cpu_seconds(target.pids) - used) / (time.monotonic() - began)
    figures.append(Figure(f"{PODS} Pods at rest: server and node, of one core", share, "%", "lower"))
    volumes = sorted((cluster.data_dir / "node" / "pods").glob("*/volumes/kubernetes.io~secret/auth"))
    for pause, how in ((PAUSE, ""), (QUICK, f", {QUICK} s between changes")):
        last, failures = _changes(target, volumes, pause)
        failures += PODS - len(volumes)
        figures += latencies(f"changed Secret in all {PODS} Pods' files{how}", last, failures=failures)
    return figures, _resident(cluster)


def _changes(target: Target, volumes: list[Path], pause: float) -> tuple[list[float], int]:
    """From each request until the last of the files has the new value."""
    times: list[float] = []
    failures = 0
    with _watching(volumes) as descriptor, target.api() as api:
        for number in range(CHANGES):
            began = time.time()
            api.ok(
                "PATCH",
                "/api/v1/namespaces/default/secrets/auth",
                {"stringData": {"password": f"value-{number}"}},
                content_type="application/merge-patch+json",
            )
            swapped = _swapped(descriptor, len(volumes))
            times.append(swapped - began)
            wrong = [v for v in volumes if (v / "password").read_text() != f"value-{number}"]
            failures += len(wrong)
            time.sleep(pause)
    return times, failures


@contextlib.contextmanager
def _watching(volumes: list[Path]) -> Iterator[int]:
    descriptor = _libc.inotify_init1(os.O_CLOEXEC)
    try:
        for volume in volumes:
            if _libc.inotify_add_watch(descriptor, os.fsencode(volume), _MOVED_TO) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(volume))
        yield descriptor
    finally:
        os.close(descriptor)


def _swapped(descriptor: int, count: int, patience: float = 30.0) -> float:
    """When `..data` was swapped in so many volumes, by the wall clock."""
    seen: set[int] = set()
    while len(seen) < count and select.select([descriptor], [], [], patience)[0]:
        data, place = os.read(descriptor, 1 << 16), 0
        while place < len(data):
            watch, _, _, length = _EVENT.unpack_from(data, place)
            name = data[place + _EVENT.size : place + _EVENT.size + length].rstrip(b"\0")
            if name == b"..data":
                seen.add(watch)
            place += _EVENT.size + length
    return time.time()


def _resident(cluster: Cluster) -> float:
    return sum(map(memory.resident_of, [cluster.pid, *memory.children_of(cluster.pid)]))
