"""A private image that one Pod has brought to the node is not handed to a Pod without a credential for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect, images, manifests
from strongroom.testing import registry as registries
from strongroom.testing.kubectl import Kubectl

HOST = "private-image.example"
IMAGE = f"{HOST}/team/app:1"


@pytest.fixture
def private(registry_config: Path, tmp_path: Path) -> Iterator[registries.Registry]:
    """A registry that asks for a password, under a name of its own."""
    with registries.Registry(tmp_path / "registry", users={"alice": "hunter2"}) as running:
        running.push("team/app:1", images.nginx("1.0.0"))
        registries.write_hosts(registry_config, [HOST], running.address)
        yield running


def create(kubectl: Kubectl, name: str, policy: str, *pull_secrets: str) -> None:
    pod = manifests.pod(name, image=IMAGE, imagePullSecrets=[{"name": each} for each in pull_secrets])
    pod["spec"]["containers"][0]["imagePullPolicy"] = policy
    kubectl.ok("create", "-f", "-", stdin=manifests.text(pod))


def reason(kubectl: Kubectl, name: str) -> str:
    pod = json.loads(kubectl.ok("get", "pod", name, "-ojson"))
    statuses = pod["status"].get("containerStatuses") or [{}]
    waiting = statuses[0].get("state", {}).get("waiting") or {}
    return str(waiting.get("reason"))


@pytest.mark.usefixtures("private")
def test_a_private_image_is_for_those_who_have_a_credential(latest: Kubectl) -> None:
    for name, password in (("right", "hunter2"), ("same", "hunter2"), ("wrong", "typo")):
        login = (f"--docker-server={HOST}", "--docker-username=alice", f"--docker-password={password}")
        latest.ok("create", "secret", "docker-registry", name, *login)
    create(latest, "first", "IfNotPresent", "right")
    latest.ok("wait", "--for=condition=Ready", "pod/first", "--timeout=40s")
    create(latest, "without", "IfNotPresent")
    create(latest, "wrong", "IfNotPresent", "wrong")
    create(latest, "never", "Never")
    create(latest, "entitled", "Never", "right")
    create(latest, "also", "IfNotPresent", "same")
    present = "already present on machine and can be accessed by the pod"
    for name in ("entitled", "also"):
        latest.ok("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=40s")
        expect.until(lambda name=name: present in latest.ok("describe", "pod", name), timeout=40)  # type: ignore[misc]
    refused = ("ErrImagePull", "ImagePullBackOff")
    for name in ("without", "wrong"):
        expect.until(lambda name=name: reason(latest, name) in refused, timeout=40)  # type: ignore[misc]
    expect.until(lambda: reason(latest, "never") == "ErrImageNeverPull", timeout=40)
