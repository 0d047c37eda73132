"""Images from a registry that speaks HTTPS alone and asks for a password, by every way to a credential."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect, images, manifests
from strongroom.testing import registry as registries
from strongroom.testing.cluster import Cluster
from strongroom.testing.kubectl import Kubectl

USER, PASSWORD = "janedoe", "Harbor12345"
HOST = "hub.credentials.example:5000"


@pytest.fixture(scope="module")
def secured(registry_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[registries.Registry]:
    """An image of its own for each test: what one has brought must not be there for another."""
    with registries.Registry(tmp_path_factory.mktemp("secured"), {USER: PASSWORD}, tls=True) as running:
        for name in ("secret", "account", "legacy", "missing", "node"):
            running.push(f"team/{name}:1", images.shell(env=[f"FOR={name}"]))
        registries.write_hosts(registry_config, [HOST], running.address, running.ca)
        yield running


def pod(name: str, image: str, policy: str = "IfNotPresent", **spec: object) -> str:
    made = manifests.pod(name, image=f"{HOST}/team/{image}:1", **spec)  # type: ignore[arg-type]
    made["spec"]["containers"][0]["imagePullPolicy"] = policy
    return manifests.text(made)


def events(kubectl: Kubectl, name: str) -> list[str]:
    found = kubectl.ok("events", "--for", f"pod/{name}", "-ojson")  # nothing at all when there are none yet
    items = json.loads(found)["items"] if found else []
    return [f"{event['type']} {event['reason']}: {event['message']}" for event in items]


def waiting(kubectl: Kubectl, name: str) -> dict[str, str]:
    status = json.loads(kubectl.ok("get", "pod", name, "-ojson"))["status"]
    statuses = status.get("containerStatuses") or [{}]
    found: dict[str, str] = (statuses[0].get("state") or {}).get("waiting") or {}
    return found


def pulled(kubectl: Kubectl, name: str, image: str) -> None:
    text = f'Normal Pulled: Successfully pulled image "{HOST}/team/{image}:1" in '
    expect.until(lambda: any(each.startswith(text) for each in events(kubectl, name)), timeout=40, what=text)


def login(kubectl: Kubectl, name: str, server: str, password: str = PASSWORD) -> None:
    flags = (f"--docker-server={server}", f"--docker-username={USER}", f"--docker-password={password}")
    kubectl.ok("create", "secret", "docker-registry", name, *flags)


@pytest.mark.usefixtures("secured")
def test_candidates_are_tried_in_order_until_one_is_taken(latest: Kubectl) -> None:
    """Globs, ports and paths decide who is a candidate; a wrong password is only the next one's turn."""
    login(latest, "wrong", f"https://{HOST}/v2/", "typo-of-a-password")
    login(latest, "port", "hub.credentials.example")
    login(latest, "path", f"{HOST}/other")
    login(latest, "right", "*.credentials.example:5000/team")
    everything = [{"name": each} for each in ("wrong", "port", "path", "right")]
    latest.ok("create", "-f", "-", stdin=pod("p", "secret", imagePullSecrets=everything))
    pulled(latest, "p", "secret")
    latest.ok("create", "-f", "-", stdin=pod("q", "secret", imagePullSecrets=everything[1:3]))
    expect.until(lambda: waiting(latest, "q").get("reason") == "ImagePullBackOff", timeout=40)
    message = waiting(latest, "q")["message"]
    begin = f'Back-off pulling image "{HOST}/team/secret:1": ErrImagePull: rpc error: code = '
    assert message.startswith(begin)
    told = events(latest, "q")
    for expected in (
        f'Normal Pulling: Pulling image "{HOST}/team/secret:1"',
        "Warning Failed: Error: ErrImagePull",
        f'Normal BackOff: Back-off pulling image "{HOST}/team/secret:1"',
        "Warning Failed: Error: ImagePullBackOff",
    ):
        assert expected in told
    assert any(
        each.startswith(f'Warning Failed: Failed to pull image "{HOST}/team/secret:1": rpc error: code = ')
        for each in told
    )
    assert PASSWORD not in str(told)
    assert "typo-of-a-password" not in str(events(latest, "p"))


@pytest.mark.usefixtures("secured")
def test_the_secrets_of_the_service_account(latest: Kubectl) -> None:
    login(latest, "regcred", HOST)
    latest.ok("create", "serviceaccount", "puller")
    patch = '{"imagePullSecrets":[{"name":"regcred"}]}'
    latest.ok("patch", "serviceaccount", "puller", "-p", patch)
    latest.ok("create", "-f", "-", stdin=pod("p", "account", "Always", serviceAccountName="puller"))
    shown = latest.ok("get", "pod", "p", "-ojsonpath={.spec.imagePullSecrets[*].name}")
    assert shown == "regcred"
    pulled(latest, "p", "account")


@pytest.mark.usefixtures("secured")
def test_a_secret_of_the_older_type(latest: Kubectl) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode().rstrip("=")
    content = json.dumps({f"https://{HOST}": {"auth": auth, "email": "jdoe@example.com"}})
    kind, data = "--type=kubernetes.io/dockercfg", f"--from-literal=.dockercfg={content}"
    latest.ok("create", "secret", "generic", "old", kind, data)
    latest.ok("create", "-f", "-", stdin=pod("p", "legacy", imagePullSecrets=[{"name": "old"}]))
    pulled(latest, "p", "legacy")


@pytest.mark.usefixtures("secured")
def test_a_pull_secret_that_is_not_there_is_told_and_waited_for(latest: Kubectl) -> None:
    named = [{"name": "later"}, {"name": "never"}]
    latest.ok("create", "-f", "-", stdin=pod("p", "missing", imagePullSecrets=named))
    text = (
        "Warning FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (later, never); "
        "attempting to pull the image may not succeed."
    )
    expect.until(lambda: text in events(latest, "p"), timeout=40, what=text)
    expect.until(
        lambda: waiting(latest, "p").get("reason") in ("ErrImagePull", "ImagePullBackOff"), timeout=40
    )
    login(latest, "later", HOST)
    pulled(latest, "p", "missing")


@pytest.mark.usefixtures("secured")
def test_credentials_of_the_node_are_for_all_its_pods(latest: Kubectl, cluster: Cluster) -> None:
    config = cluster.data_dir / "node" / "config.json"
    assert not config.exists()
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config.touch(mode=0o600)
    try:
        config.write_text(json.dumps({"auths": {HOST: {"auth": auth}}}))
        latest.ok("create", "-f", "-", stdin=pod("p", "node"))
        pulled(latest, "p", "node")
    finally:
        config.unlink()
    latest.ok("create", "-f", "-", stdin=pod("q", "node", "Never"))
    present = f'Normal Pulled: Container image "{HOST}/team/node:1" already present on machine'
    expect.until(
        lambda: any(each.startswith(present) for each in events(latest, "q")), timeout=40, what=present
    )
