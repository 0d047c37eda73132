"""A Pod that names a Secret or key that is not there waits, says why, and starts when it appears."""

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

STATE = "{.status.containerStatuses[0].state.waiting"
WAITING = f"-ojsonpath={STATE}.reason}}: {STATE}.message}}"
REF = {"name": "K", "valueFrom": {"secretKeyRef": {"name": "late", "key": "k"}}}


def create(kubectl: Kubectl, *objects: dict[str, object]) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(*objects))


def events(kubectl: Kubectl) -> str:
    return kubectl.ok("get", "events", "--no-headers", "-o", "custom-columns=T:.type,R:.reason,M:.message")


def said(kubectl: Kubectl, kind: str, reason: str, message: str) -> None:
    """Wait for an event with these words."""
    expect.until(
        lambda: [kind, reason, *message.split()] in [line.split() for line in events(kubectl).splitlines()],
        what=f"event {reason}: {message}",
    )


def ready(kubectl: Kubectl) -> None:
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")


def test_volume_of_a_missing_secret(latest: Kubectl) -> None:
    create(latest, manifests.pod("p", volumes={"/s": {"secret": {"secretName": "late"}}}))
    said(
        latest, "Warning", "FailedMount", 'MountVolume.SetUp failed for volume "v0" : secret "late" not found'
    )
    expect.check(latest.ok("get", "pod", "p", "--no-headers"), "p  0/1  ContainerCreating  0  <age>")
    create(latest, manifests.secret("late", {"k": "v"}))
    ready(latest)
    assert latest.ok("exec", "p", "--", "cat", "/s/k") == "v"


def test_volume_of_a_missing_key(latest: Kubectl) -> None:
    create(latest, manifests.secret("late", {"other": "v"}))
    source = {"secretName": "late", "items": [{"key": "k", "path": "k"}]}
    create(latest, manifests.pod("p", volumes={"/s": {"secret": source}}))
    message = 'MountVolume.SetUp failed for volume "v0" : references non-existent secret key: k'
    said(latest, "Warning", "FailedMount", message)
    latest.ok("patch", "secret", "late", "-p", '{"stringData":{"k":"now"}}')
    ready(latest)
    assert latest.ok("exec", "p", "--", "cat", "/s/k") == "now"


def test_variable_of_a_missing_secret(latest: Kubectl) -> None:
    create(latest, manifests.pod("p", env=[REF]))
    said(latest, "Warning", "Failed", 'Error: secret "late" not found')
    assert latest.ok("get", "pod", "p", WAITING) == 'CreateContainerConfigError: secret "late" not found'
    expect.check(latest.ok("get", "pod", "p", "--no-headers"), "p  0/1  CreateContainerConfigError  0  <age>")
    create(latest, manifests.secret("late", {"k": "v"}))
    ready(latest)
    assert latest.ok("exec", "p", "--", "sh", "-c", "echo $K") == "v\n"


def test_variable_of_a_missing_key(latest: Kubectl) -> None:
    create(latest, manifests.secret("late", {"other": "v"}))
    create(latest, manifests.pod("p", env=[REF]))
    said(latest, "Warning", "Failed", f"Error: couldn't find key k in Secret {latest.namespace}/late")
    latest.ok("patch", "secret", "late", "-p", '{"stringData":{"k":"now"}}')
    ready(latest)
    assert latest.ok("exec", "p", "--", "sh", "-c", "echo $K") == "now\n"


def test_all_variables_of_a_missing_secret(latest: Kubectl) -> None:
    create(latest, manifests.pod("p", env_from=[{"secretRef": {"name": "late"}}]))
    said(latest, "Warning", "Failed", 'Error: secret "late" not found')
    create(latest, manifests.secret("late", {"K": "v"}))
    ready(latest)


def test_optional_references_are_left_out(latest: Kubectl) -> None:
    optional = {"name": "K", "valueFrom": {"secretKeyRef": {"name": "late", "key": "k", "optional": True}}}
    all_of_it = {"secretRef": {"name": "late", "optional": True}}
    create(latest, manifests.pod("p", env=[optional], env_from=[all_of_it]))
    ready(latest)
    assert latest.ok("exec", "p", "--", "sh", "-c", "echo ${K-unset}") == "unset\n"
