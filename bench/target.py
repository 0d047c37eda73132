"""A cluster under measurement: access, kubectl, a namespace of its own that is gone afterwards."""

import contextlib
import dataclasses
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from strongroom.testing import api as plain_api

KUBECTL = Path(sys.executable).parent / "kubectl"


@dataclasses.dataclass(frozen=True)
class Options:
    """How long and how hard to measure."""

    seconds: int = 5
    """Of load, for each work that applies load."""
    connections: int = 16
    changes: int = 200
    """Changes of a Secret that are followed into a container, at most."""
    patience: float = 300.0
    """Seconds after which a work that waits for the cluster takes what it has."""
    pods: int = 30
    image: str = "nginx:latest"
    """Image of the Pods; needs /bin/bash."""


@dataclasses.dataclass(frozen=True)
class Target:
    """One cluster."""

    name: str
    kubeconfig: Path
    pids: Sequence[int] = ()
    """Processes that make up the cluster, where they run on this machine."""
    access: plain_api.Access = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", plain_api.Access.read(self.kubeconfig))

    @property
    def url(self) -> str:
        return f"https://{self.access.host}:{self.access.port}"

    @contextlib.contextmanager
    def api(self) -> Iterator[plain_api.API]:
        """A connection for what is not itself measured."""
        with plain_api.API(self.access, timeout=120) as connection:
            yield connection

    @contextlib.contextmanager
    def namespace(self) -> Iterator[str]:
        """A namespace that accepts Pods, deleted at the end with all that is in it."""
        name = f"bench-{secrets.token_hex(4)}"
        with self.api() as api:
            api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            deadline = time.monotonic() + 30
            while api.request("GET", account).status != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
        try:
            yield name
        finally:
            with self.api() as api:
                api.request("DELETE", f"/api/v1/namespaces/{name}")
                deadline = time.monotonic() + 120
                while (
                    api.request("GET", f"/api/v1/namespaces/{name}").status == 200
                    and time.monotonic() < deadline
                ):
                    time.sleep(0.2)

    def start_kubectl(self, *arguments: str) -> "subprocess.Popen[str]":
        """kubectl whose output is read line by line."""
        return subprocess.Popen(
            [KUBECTL, "--kubeconfig", self.kubeconfig, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
