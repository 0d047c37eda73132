"""The registry is down: what is on the node starts and runs, what is not is told of and had later."""

from pathlib import Path

from strongroom.testing import expect, images, manifests, ports, registry
from strongroom.testing.kubectl import Kubectl


def test_a_registry_that_is_away_and_comes_back(
    latest: Kubectl, registry_config: Path, tmp_path: Path
) -> None:
    port = ports.free_port()
    registry.write_hosts(registry_config, ["away.example"], f"127.0.0.1:{port}")
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", image="away.example/late:1")))

    def waiting() -> str:
        path = "-ojsonpath={.status.containerStatuses[0].state.waiting.reason}"
        return latest("get", "pod", "p", path).stdout

    expect.until(lambda: waiting() in ("ErrImagePull", "ImagePullBackOff"), timeout=40)
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("here")))
    latest.ok("wait", "--for=condition=Ready", "pod/here", "--timeout=40s", timeout=50)
    expect.until(lambda: waiting() == "ImagePullBackOff", timeout=40)
    described = latest.ok("describe", "pod", "p")
    assert 'Failed to pull image "away.example/late:1": rpc error: code = ' in described
    assert "connection refused" in described
    assert 'Back-off pulling image "away.example/late:1"' in described
    with registry.Registry(tmp_path / "registry", port=port) as source:
        source.push("late:1", images.shell())
        latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=60s", timeout=70)
