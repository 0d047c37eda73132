"""`kubectl debug`: ephemeral containers in a running Pod, and a changed copy of one."""

import json
from collections.abc import Callable
from typing import Any

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

Start = Callable[..., None]
IMAGE = manifests.IMAGE
DEBUG = ("debug", "p", f"--image={IMAGE}", "--profile=general")


def state(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """The state of an ephemeral container; empty before there is one."""
    status = json.loads(kubectl.ok("get", "pod", "p", "-ojson"))["status"]
    found = {each["name"]: each["state"] for each in status.get("ephemeralContainerStatuses") or ()}
    return dict(found.get(name, {}))


def test_a_debugger_sees_the_processes_of_its_target(kubectl: Kubectl) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p")))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    # On a terminal: attached to once it runs. Its own process is not the first: that is the target's.
    script = "read answer; echo got $answer; echo I am $$; tr '\\0' ' ' </proc/1/cmdline"
    shown = kubectl.on_terminal(
        [*DEBUG, "--target=main", "-c", "debugger", "-it", "--", "sh", "-c", script], "typed\n"
    )
    assert shown.code == 0, str(shown)
    after = shown.stdout.partition("got typed")[2]
    assert "nginx" in after
    assert "I am 1\n" not in after
    expect.until(lambda: "terminated" in state(kubectl, "debugger"), what="its end in the status")
    assert state(kubectl, "debugger")["terminated"]["exitCode"] == 0
    assert "got typed" in kubectl.ok("logs", "p", "-c", "debugger")
    # It is not started again, and the Pod is as it was.
    pod = json.loads(kubectl.ok("get", "pod", "p", "-ojson"))
    assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0]
    assert {"type": "Ready", "status": "True"}.items() <= next(
        each for each in pod["status"]["conditions"] if each["type"] == "Ready"
    ).items()


def test_exec_and_logs_of_a_debugger(latest: Kubectl, start: Start) -> None:
    start("p")
    latest.ok(*DEBUG, "-c", "d", "--", "sh", "-c", "echo from the debugger; sleep 1000")
    expect.until(lambda: "running" in state(latest, "d"), what="it to run")
    assert latest.ok("logs", "p", "-c", "d") == "from the debugger\n"
    assert latest.ok("exec", "p", "-c", "d", "--", "echo", "hello") == "hello\n"
    # Without a target it has processes of its own, and the Pod's network.
    assert "nginx" not in latest.ok("exec", "p", "-c", "d", "--", "cat", "/proc/1/cmdline")
    assert latest.ok("exec", "p", "-c", "d", "--", "wget", "-qO-", "127.0.0.1:80")
    assert "spec.ephemeralContainers{d}" in latest.ok("get", "events", "-ojson")
    latest.ok("delete", "pod", "p")


def test_an_image_that_is_not_there_leaves_the_pod_alone(latest: Kubectl, start: Start) -> None:
    start("p")
    latest.ok("debug", "p", "--image=library/nowhere:1", "-c", "d", "--profile=general")
    expect.until(lambda: "Pull" in str(state(latest, "d").get("waiting")), what="a reason")
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=5s")


def test_a_copy_with_another_command(latest: Kubectl, start: Start) -> None:
    latest.ok("create", "secret", "generic", "a", "--from-literal=k=of-the-copy")
    start("p", volumes={"/s": {"secret": {"secretName": "a"}}})
    copy = ("debug", "p", "--copy-to=q", "--container=main", "--profile=general")
    shown = latest.on_terminal(
        [*copy, "-it", "--", "sh", "-c", "read answer; cat /s/k; echo; echo got $answer"], "typed\n"
    )
    assert "of-the-copy\ngot typed" in shown.stdout, str(shown)
    copied = json.loads(latest.ok("get", "pod", "q", "-ojson"))
    assert copied["spec"]["containers"][0]["command"][:2] == ["sh", "-c"]
    added = ("debug", "p", "--copy-to=r", "--share-processes", f"--image={IMAGE}", "-c", "d")
    latest.ok(*added, "--profile=general", "--", "sleep", "1000")
    latest.ok("wait", "--for=condition=Ready", "pod/r", "--timeout=40s")
    seen = latest.ok("exec", "r", "-c", "d", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "nginx" in seen
    latest("delete", "pod", "q", "r", "--force", "--grace-period=0")
