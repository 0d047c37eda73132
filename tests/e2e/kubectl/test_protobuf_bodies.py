"""What stock kubectl sends in protobuf, recorded on loopback: the samples are not those of the past."""

import base64
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing.kubectl import Kubectl
from strongroom.testing.recorder import Recorder

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = json.loads((ROOT / "tests" / "unit" / "api" / "kubectl_bodies.json").read_text())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


@pytest.fixture(
    params=[ROOT / ".tools" / "kubectl-1.32" / "kubectl", Path(sys.executable).parent / "kubectl"]
)
def recorded(request: pytest.FixtureRequest, recorder: Recorder, tmp_path: Path) -> Kubectl:
    """kubectl that speaks to the recorder."""
    if not request.param.exists():
        pytest.skip("no such kubectl on this machine: scripts/test-tools")
    recorder.write_kubeconfig(tmp_path / "kubeconfig")
    return Kubectl(request.param, tmp_path / "kubeconfig", tmp_path / "home")


def test_samples_are_what_kubectl_sends(recorder: Recorder, recorded: Kubectl) -> None:
    for sample in SAMPLES:
        before = len(recorder.requests)
        recorded.ok(*shlex.split(sample["command"]))
        (sent,) = recorder.requests[before:]
        assert sent.content_type == "application/vnd.kubernetes.protobuf"
        assert sent.path.partition("?")[0] == sample["path"]
        assert base64.b64encode(sent.body).decode() == sample["body"], sample["command"]
