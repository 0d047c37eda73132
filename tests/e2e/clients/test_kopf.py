"""A kopf operator on Secrets: it sees creations, changes and deletions, holds deletion up by a finalizer,
keeps its state in annotations, and its own objects go with their owner."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.api import API

OPERATOR = Path(__file__).with_name("operator_on_secrets.py")
WAIT = 40.0


class Operator:
    """`kopf run`, and what it says."""

    def __init__(self, output: Path, process: "subprocess.Popen[bytes]") -> None:
        self._output = output
        self.process = process

    def said(self) -> str:
        return self._output.read_text()

    def wait(self, text: str) -> None:
        """Return when it has said `text`."""
        deadline = time.monotonic() + WAIT
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.said()}"
            time.sleep(0.02)


@pytest.fixture
def operator(kubeconfig: str, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    output = tmp_path / "output"
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, str(OPERATOR)]
    environment = {"KUBECONFIG": kubeconfig, "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with output.open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, env=environment)
    try:
        running = Operator(output, process)
        running.wait("Initial authentication has finished.")
        yield running
    finally:
        process.terminate()
        process.wait(WAIT)


@pytest.fixture
def secret(api: API, namespace: str) -> str:
    """The path of a Secret that the operator is to care for, and another that it is not."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    api.ok("POST", path, {"metadata": {"name": "other"}, "data": {"k": "dg=="}})
    api.ok("POST", path, {"metadata": {"name": "s", "labels": {"mirror": "yes"}}, "data": {"k": "dg=="}})
    return f"{path}/s"


def gone(api: API, path: str) -> bool:
    return api.request("GET", path).status == 404


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_life_of_a_secret(operator: Operator, api: API, namespace: str, secret: str) -> None:
    mirror = f"/api/v1/namespaces/{namespace}/configmaps/s"

    operator.wait("TOLD created s")
    eventually(lambda: "annotations" in api.ok("GET", secret)["metadata"])
    meta: dict[str, Any] = api.ok("GET", secret)["metadata"]
    assert meta["finalizers"] == ["tests.example/operator"]
    assert meta["annotations"]["tests.example/mirrored-as"] == "s"
    handled = json.loads(meta["annotations"]["tests.example/last-handled-configuration"])
    assert handled["data"] == {"k": "dg=="}
    (owner,) = api.ok("GET", mirror)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Secret", meta["uid"], True)
    events = f"/api/v1/namespaces/{namespace}/events?fieldSelector=reason%3DMirrored"
    eventually(lambda: bool(api.ok("GET", events)["items"]))
    (event,) = api.ok("GET", events)["items"]
    assert (event["involvedObject"]["uid"], event["reportingComponent"]) == (meta["uid"], "kopf")

    patch = {"stringData": {"more": "x"}}
    api.ok("PATCH", secret, patch, content_type="application/strategic-merge-patch+json")
    operator.wait("TOLD updated s changed=add")
    assert set(api.ok("GET", mirror)["data"]) == {"k", "more"}

    deleted = api.ok("DELETE", secret)
    assert deleted["metadata"]["deletionTimestamp"]
    operator.wait("TOLD deleted s retry=1")
    operator.wait("TOLD event s type=DELETED")
    assert gone(api, secret)
    eventually(lambda: gone(api, mirror))
    assert "other" not in operator.said()
