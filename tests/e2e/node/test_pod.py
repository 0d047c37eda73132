"""Pods as kubectl shows them, from creation to removal."""

import json
from collections.abc import Callable

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

Start = Callable[..., None]


def test_rows_and_conditions_of_a_running_pod(latest: Kubectl, start: Start) -> None:
    start("p")
    expect.check(latest.ok("get", "pods"), "NAME  READY  STATUS  RESTARTS  AGE\np  1/1  Running  0  <age>\n")
    pod = json.loads(latest.ok("get", "pod", "p", "-ojson"))
    status = pod["status"]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert pod["spec"]["nodeName"] == "n1"
    assert status["qosClass"] == "BestEffort"
    container = status["containerStatuses"][0]
    assert container["containerID"].startswith("containerd://")
    assert container["restartCount"] == 0 and container["started"] is True
    assert "startedAt" in container["state"]["running"]


def test_events_tell_the_story(latest: Kubectl, start: Start) -> None:
    start("p")
    reasons = latest.ok(
        "get", "events", "--field-selector=involvedObject.name=p", "-ojsonpath={.items[*].reason}"
    )
    assert {"Scheduled", "Pulled", "Created", "Started"} <= set(reasons.split()), reasons
    described = latest.ok("describe", "pod", "p")
    assert "Successfully assigned" in described
    assert "Container image" in described or "Successfully pulled image" in described


def test_web_server_answers_on_the_pod_network(latest: Kubectl, start: Start) -> None:
    start("web")
    start("client")
    address = latest.ok("get", "pod", "web", "-ojsonpath={.status.podIP}")
    assert "Welcome to nginx" in latest.ok("exec", "client", "--", "wget", "-qO-", f"http://{address}/")


def test_a_pod_that_ends(latest: Kubectl) -> None:
    good = manifests.pod("good", command=["true"], restartPolicy="Never")
    bad = manifests.pod("bad", command=["sh", "-c", "exit 7"], restartPolicy="Never")
    latest.ok("create", "-f", "-", stdin=manifests.text(good, bad))
    latest.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/good", "--timeout=30s")
    latest.ok("wait", "--for=jsonpath={.status.phase}=Failed", "pod/bad", "--timeout=30s")
    expect.check(latest.ok("get", "pod", "good", "--no-headers"), "good  0/1  Completed  0  <age>")
    expect.check(latest.ok("get", "pod", "bad", "--no-headers"), "bad  0/1  Error  0  <age>")
    code = "-ojsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    assert latest.ok("get", "pod", "bad", code) == "7"


def test_an_image_that_is_not_there(latest: Kubectl) -> None:
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", image="nowhere:v1")))
    row = expect.until(
        lambda: [
            line
            for line in [latest.ok("get", "pod", "p", "--no-headers")]
            if "mage" in line or "ErrI" in line
        ]
    )[0]
    assert row.split()[2] in ("ErrImagePull", "ImagePullBackOff")
    expect.until(lambda: "Failed to pull image" in latest.ok("describe", "pod", "p"))
    never = manifests.pod("never", image="nowhere:v2")
    never["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    latest.ok("create", "-f", "-", stdin=manifests.text(never))
    expect.until(lambda: "ErrImageNeverPull" in latest.ok("get", "pod", "never"))


def test_delete_waits_for_the_containers(latest: Kubectl, start: Start) -> None:
    start("p")
    shown = latest.ok("delete", "pod", "p", timeout=20)
    assert shown.startswith('pod "p" deleted')
    assert latest.ok("get", "pods", "-oname") == ""


def test_a_pod_that_is_wrong_is_refused(latest: Kubectl) -> None:
    pod = manifests.pod("p")
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "none", "mountPath": "/x"}]
    shown = latest.fails("create", "-f", "-", stdin=manifests.text(pod))
    assert shown == ('The Pod "p" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "none"\n')
