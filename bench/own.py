"""A Strongroom to measure when no other cluster is named: with a node where this machine can have one."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.target import Options, Target
from strongroom.testing import images, registry
from strongroom.testing.cluster import Cluster


@contextlib.contextmanager
def started(options: Options, *, node: bool) -> Iterator[Target]:
    """Strongroom in a directory of its own, with `options.image` in a registry beside it."""
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        if node:
            source = stack.enter_context(registry.Registry(directory / "registry"))
            source.push(f"library/{options.image}", images.nginx())
            registry.write_hosts(directory / "certs.d", ["docker.io", "registry.k8s.io"], source.address)
        cluster = stack.enter_context(
            Cluster(directory, node=node, registry_config=directory / "certs.d" if node else None)
        )
        yield Target("strongroom", cluster.kubeconfig, [cluster.pid])


def can_have_node() -> bool:
    return (
        os.geteuid() == 0
        and shutil.which("containerd") is not None
        and shutil.which("docker-registry") is not None
    )
