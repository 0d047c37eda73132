"""Scene 12: imagePullPolicy, its default, and what each does on a node."""

import json
from typing import Any

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

DIGEST = "nginx@sha256:" + "0" * 64
HTTPD_TESTPOD = """\
apiVersion: v1
kind: Pod
metadata:
  name: httpd-testpod
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: httpd-testpod
    image: nginx
    imagePullPolicy: IfNotPresent
"""


def pod(name: str, image: str, policy: str | None = None) -> dict[str, Any]:
    made = manifests.pod(name, image=image)
    container = made["spec"]["containers"][0]
    del container["imagePullPolicy"]
    if policy is not None:
        container["imagePullPolicy"] = policy
    return made


def test_the_default_follows_from_the_tag(kubectl: Kubectl) -> None:
    images = {
        "nginx": "Always",
        "nginx:latest": "Always",
        "nginx:1.17.1": "IfNotPresent",
        "hub.example:5000/demo/nginx": "Always",
        "hub.example:5000/demo/nginx:v1": "IfNotPresent",
        DIGEST: "IfNotPresent",
    }
    pods = [pod(f"p{number}", image) for number, image in enumerate(images)]
    columns = '-ojsonpath={.spec.containers[0].image} {.spec.containers[0].imagePullPolicy}{"\\n"}'
    shown = kubectl.ok("create", "-f", "-", "--dry-run=server", columns, stdin=manifests.text(*pods))
    assert dict(line.split() for line in shown.splitlines()) == images


@pytest.mark.parametrize("policy", ["Always", "IfNotPresent", "Never"])
def test_a_given_policy_stays(latest: Kubectl, policy: str) -> None:
    output = ("--dry-run=server", "-ojsonpath={.spec.containers[0].imagePullPolicy}")
    assert latest.ok("create", "-f", "-", *output, stdin=manifests.text(pod("p", "nginx", policy))) == policy


def test_another_policy_is_refused(latest: Kubectl) -> None:
    assert latest.fails("create", "-f", "-", stdin=manifests.text(pod("p", "nginx", "Sometimes"))) == (
        'The Pod "p" is invalid: spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": '
        'supported values: "Always", "IfNotPresent", "Never"\n'
    )


def events(kubectl: Kubectl, name: str) -> list[tuple[str, str]]:
    found = kubectl.ok("events", "--for", f"pod/{name}", "-ojson")  # nothing at all when there are none yet
    return [(event["reason"], event["message"]) for event in (json.loads(found)["items"] if found else [])]


def test_an_image_that_is_present_is_pulled_only_with_always(latest: Kubectl) -> None:
    assert latest.ok("apply", "-f", "-", stdin=HTTPD_TESTPOD) == "pod/httpd-testpod created\n"
    latest.ok("wait", "--for=condition=Ready", "pod/httpd-testpod", "--timeout=40s")
    expect.check(
        latest.ok("get", "pod", "httpd-testpod"),
        "NAME  READY  STATUS  RESTARTS  AGE\nhttpd-testpod  1/1  Running  0  <age>\n",
    )
    pods = [pod(policy.lower(), "nginx", policy) for policy in ("Always", "IfNotPresent", "Never")]
    latest.ok("create", "-f", "-", stdin=manifests.text(*pods))
    latest.ok("wait", "--for=condition=Ready", "pods", "--all", "--timeout=40s")
    present = ("Pulled", 'Container image "nginx" already present on machine')
    for name in ("ifnotpresent", "never"):
        found = events(latest, name)
        assert any(reason == present[0] and text.startswith(present[1]) for reason, text in found), found
        assert "Pulling" not in dict(found)
    assert ("Pulling", 'Pulling image "nginx"') in events(latest, "always")


def test_never_with_an_image_that_is_not_there(latest: Kubectl) -> None:
    latest.ok("create", "-f", "-", stdin=manifests.text(pod("p", "nowhere.example/absent:1", "Never")))

    def status() -> bool:
        cells = latest.ok("get", "pod", "p", "--no-headers").split()
        return cells[1:3] == ["0/1", "ErrImageNeverPull"]

    expect.until(status, what="ErrImageNeverPull")
    text = 'Container image "nowhere.example/absent:1" is not present with pull policy of Never'
    expect.until(lambda: ("ErrImageNeverPull", text) in events(latest, "p"), what="the event")
