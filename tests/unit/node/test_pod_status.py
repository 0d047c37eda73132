"""The status of a pod follows from facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import pod_status
from strongroom.node.pod_status import Facts, Waiting
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox, State

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOME = Sandbox("s", ips=("10.0.0.7",))
SECOND = 1_000_000_000


def pod(
    policy: str = "Always", *, names: tuple[str, ...] = ("c",), inits: tuple[Object, ...] = (), **more: object
) -> Object:
    spec = {
        "restartPolicy": policy,
        "containers": [{"name": name, "image": f"{name}:1"} for name in names],
        "initContainers": list(inits),
    }
    return {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec, **more}


def ran(name: str = "c", state: State = State.RUNNING, code: int = 0, attempt: int = 0) -> Container:
    return Container(
        f"{name}{attempt}",
        name,
        attempt,
        state,
        started_at=SECOND,
        finished_at=2 * SECOND if state is State.EXITED else 0,
        exit_code=code,
        reason=("Error" if code else "Completed") if state is State.EXITED else "",
        image=f"docker.io/library/{name}:1",
        image_ref="sha256:1",
    )


def facts(*containers: Container, sandbox: Sandbox | None = HOME, **more: object) -> Facts:
    by_name: dict[str, list[Container]] = {}
    for container in containers:
        by_name.setdefault(container.name, []).append(container)
    base = Facts(PodRuntime(sandbox=sandbox, containers=by_name), NOW, host_ips=("192.0.2.1",))
    return replace(base, **more)  # type: ignore[arg-type]


def conditions(status: Object) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item.get("reason", "")) for item in status["conditions"]}


def test_a_pod_that_is_being_made() -> None:
    status = pod_status.generate(pod(), facts(sandbox=None))
    assert status["phase"] == "Pending"
    assert status["containerStatuses"] == [
        {
            "name": "c",
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
            "ready": False,
            "restartCount": 0,
            "image": "c:1",
            "imageID": "",
            "started": False,
        }
    ]
    assert conditions(status) == {
        "PodReadyToStartContainers": ("False", ""),
        "Initialized": ("True", ""),
        "Ready": ("False", "ContainersNotReady"),
        "ContainersReady": ("False", "ContainersNotReady"),
        "PodScheduled": ("True", ""),
    }
    assert status["conditions"][2]["message"] == "containers with unready status: [c]"
    assert (status["hostIP"], status["hostIPs"]) == ("192.0.2.1", [{"ip": "192.0.2.1"}])
    assert "podIP" not in status
    assert status["startTime"] == "2026-01-02T03:04:05Z"
    assert status["qosClass"] == "BestEffort"


def test_a_pod_that_runs() -> None:
    status = pod_status.generate(pod(), facts(ran()))
    assert status["phase"] == "Running"
    (container,) = status["containerStatuses"]
    assert container["state"] == {"running": {"startedAt": "1970-01-01T00:00:01Z"}}
    assert container["ready"] and container["started"]
    assert container["image"] == "docker.io/library/c:1"
    assert container["imageID"] == "sha256:1"
    assert container["containerID"] == "containerd://c0"
    assert {value for value, _ in conditions(status).values()} == {"True"}
    assert (status["podIP"], status["podIPs"]) == ("10.0.0.7", [{"ip": "10.0.0.7"}])


def test_a_pod_in_the_machine_s_network_has_its_address() -> None:
    whole = pod()
    whole["spec"]["hostNetwork"] = True
    assert pod_status.generate(whole, facts(ran()))["podIP"] == "192.0.2.1"


def test_a_container_that_waits_says_why() -> None:
    waiting = {"c": Waiting("CreateContainerConfigError", 'secret "s" not found')}
    status = pod_status.generate(pod(), facts(waiting=waiting))
    assert status["containerStatuses"][0]["state"] == {
        "waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}
    }
    assert status["phase"] == "Pending"


def test_a_container_that_crashes() -> None:
    ended = ran(state=State.EXITED, code=3, attempt=1)
    status = pod_status.generate(pod(), facts(ended, ran(state=State.EXITED, code=2), messages={"c1": "bye"}))
    (container,) = status["containerStatuses"]
    terminated = {
        "exitCode": 3,
        "reason": "Error",
        "message": "bye",
        "startedAt": "1970-01-01T00:00:01Z",
        "finishedAt": "1970-01-01T00:00:02Z",
        "containerID": "containerd://c1",
    }
    assert container["state"] == {"terminated": terminated}
    assert container["lastState"]["terminated"]["exitCode"] == 2
    assert container["restartCount"] == 1
    assert status["phase"] == "Running"
    waiting = {"c": Waiting("CrashLoopBackOff", "back-off 10s")}
    status = pod_status.generate(pod(), facts(ended, waiting=waiting, messages={"c1": "bye"}))
    (container,) = status["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"] == {"terminated": terminated}
    assert status["phase"] == "Running"


def test_a_container_that_was_lost() -> None:
    status = pod_status.generate(pod("Never"), facts(ran(state=State.UNKNOWN)))
    terminated = status["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (137, "ContainerStatusUnknown")


@pytest.mark.parametrize(
    ("policy", "codes", "terminating", "phase"),
    [
        ("Never", (0, 0), False, "Succeeded"),
        ("Never", (0, 1), False, "Failed"),
        ("OnFailure", (0, 0), False, "Succeeded"),
        ("OnFailure", (0, 1), False, "Running"),
        ("Always", (0, 0), False, "Running"),
        ("Always", (0, 0), True, "Succeeded"),
        ("Always", (0, 143), True, "Failed"),
    ],
)
def test_phase_when_all_have_ended(
    policy: str, codes: tuple[int, int], terminating: bool, phase: str
) -> None:
    ended = [ran(name, State.EXITED, code) for name, code in zip("ab", codes, strict=True)]
    whole = pod(policy, names=("a", "b"))
    assert pod_status.generate(whole, facts(*ended, terminating=terminating))["phase"] == phase


def test_a_pod_that_ended_keeps_its_address_and_one_that_goes_on_does_not() -> None:
    before = pod_status.generate(pod("Never"), facts(ran()))
    dead = replace(HOME, ready=False)
    for sandbox in (dead, None):
        ended = facts(ran(state=State.EXITED), sandbox=sandbox, terminating=True, ended=True)
        for whole, previous in ((pod("Never", status=before), None), (pod("Never"), before)):
            status = pod_status.generate(whole, ended, previous)
            assert (status["podIP"], status["podIPs"]) == ("10.0.0.7", [{"ip": "10.0.0.7"}])
        assert "podIP" not in pod_status.generate(pod(status=before), facts(sandbox=sandbox))


def test_a_pod_that_is_refused_has_begun_and_seen_its_object() -> None:
    whole = pod()
    whole["metadata"]["generation"] = 2
    assert pod_status.rejected(whole, "NodePorts", "Pod was rejected: taken", NOW) == {
        "phase": "Failed",
        "startTime": "2026-01-02T03:04:05Z",
        "qosClass": "BestEffort",
        "reason": "NodePorts",
        "message": "Pod was rejected: taken",
        "observedGeneration": 2,
    }


def test_conditions_of_a_pod_that_ended() -> None:
    good = conditions(pod_status.generate(pod("Never"), facts(ran(state=State.EXITED))))
    assert good["Ready"] == good["ContainersReady"] == ("False", "PodCompleted")
    assert good["Initialized"] == ("True", "PodCompleted")
    bad = conditions(pod_status.generate(pod("Never"), facts(ran(state=State.EXITED, code=1))))
    assert bad["Ready"] == ("False", "PodFailed")


def test_a_terminal_phase_never_changes_back() -> None:
    whole = pod("Never", status={"phase": "Failed"})
    assert pod_status.generate(whole, facts(ran(state=State.EXITED)))["phase"] == "Failed"


def test_a_pod_past_its_deadline() -> None:
    status = pod_status.generate(pod(), facts(ran(), reason="DeadlineExceeded", message="too long"))
    assert (status["phase"], status["reason"], status["message"]) == (
        "Failed",
        "DeadlineExceeded",
        "too long",
    )


def test_every_container_of_a_pod_that_has_ended_has_ended() -> None:
    """One that never ran has not succeeded; what was told of one that is gone by now stays."""
    told = {"exitCode": 0, "reason": "Completed"}
    before = [{"name": "gone", "state": {"terminated": told}}, {"name": "c", "state": {"waiting": {}}}]
    whole = pod("Never", names=("c", "gone", "ran"), status={"containerStatuses": before})
    status = pod_status.generate(whole, facts(ran("ran", State.EXITED), ended=True, terminating=True))
    never, gone, done = (item["state"]["terminated"] for item in status["containerStatuses"])
    assert (never["exitCode"], never["reason"]) == (137, "ContainerStatusUnknown")
    assert gone == told and done["reason"] == "Completed"
    assert status["phase"] == "Failed"


def test_containers_whose_turn_never_came_are_not_said_to_have_ended() -> None:
    failed = pod("Never", inits=(INIT,))
    status = pod_status.generate(failed, facts(ran("i", State.EXITED, 1), ended=True, terminating=True))
    assert "waiting" in status["containerStatuses"][0]["state"]
    cut_short = pod(inits=(INIT,))
    status = pod_status.generate(cut_short, facts(ran("i", State.EXITED, 137), ended=True, terminating=True))
    assert status["phase"] == "Failed"


def test_why_a_pod_failed_stays() -> None:
    old = {"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long"}
    status = pod_status.generate(pod(status=old), facts(ran(state=State.EXITED), ended=True))
    assert {key: status[key] for key in old} == old


INIT = {"name": "i", "image": "i:1"}
SIDECAR = {"name": "side", "image": "side:1", "restartPolicy": "Always"}


def test_init_containers_come_first() -> None:
    status = pod_status.generate(pod(inits=(INIT,)), facts(ran("i")))
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    initialized = next(item for item in status["conditions"] if item["type"] == "Initialized")
    assert initialized["reason"] == "ContainersNotInitialized"
    assert initialized["message"] == "containers with incomplete status: [i]"
    done = pod_status.generate(pod(inits=(INIT,)), facts(ran("i", State.EXITED), ran()))
    assert done["phase"] == "Running"
    assert done["initContainerStatuses"][0]["ready"]
    assert conditions(done)["Initialized"] == ("True", "")


def test_an_init_container_that_fails_for_good() -> None:
    failed = facts(ran("i", State.EXITED, 1))
    assert pod_status.generate(pod("Never", inits=(INIT,)), failed)["phase"] == "Failed"
    assert pod_status.generate(pod(inits=(INIT,)), failed)["phase"] == "Pending"


def test_sidecars() -> None:
    whole = pod("Never", inits=(SIDECAR,))
    assert pod_status.generate(whole, facts(ran("side")))["phase"] == "Pending"
    running = pod_status.generate(whole, facts(ran("side"), ran()))
    assert running["phase"] == "Running"
    assert running["initContainerStatuses"][0]["ready"]
    assert pod_status.generate(whole, facts(ran("side"), ran(state=State.EXITED)))["phase"] == "Running"
    for terminating in (False, True):  # not ended before the sidecar has
        last = facts(ran("side"), ran(state=State.EXITED), terminating=terminating)
        assert pod_status.generate(whole, last)["phase"] == "Running"
    ended = facts(ran("side", State.EXITED, 143), ran(state=State.EXITED), terminating=True)
    assert pod_status.generate(whole, ended)["phase"] == "Succeeded"


def test_a_sidecar_that_crashes_before_the_others_start_leaves_the_pod_uninitialized() -> None:
    crashed = pod_status.generate(pod(inits=(SIDECAR,)), facts(ran("side", State.EXITED, 1)))
    assert conditions(crashed)["Initialized"] == ("False", "ContainersNotInitialized")


def test_what_was_initialized_stays_initialized() -> None:
    whole = pod(inits=(SIDECAR,))
    crashed = facts(ran("side", State.EXITED, 1), ran())
    assert conditions(pod_status.generate(whole, crashed))["Initialized"] == ("True", "")
    before = pod_status.generate(whole, facts(ran("side"), ran()))
    both = facts(ran("side", State.EXITED, 1), waiting={"c": Waiting("CrashLoopBackOff")})
    assert conditions(pod_status.generate(whole, both, before))["Initialized"] == ("True", "")


def test_all_wait_for_the_pod_to_be_initialized_init_containers_too() -> None:
    status = pod_status.generate(pod(inits=(INIT,)), facts())
    for which in ("initContainerStatuses", "containerStatuses"):
        assert status[which][0]["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_a_container_that_is_not_there_has_no_resources() -> None:
    whole = pod()
    whole["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
    assert "resources" not in pod_status.generate(whole, facts())["containerStatuses"][0]
    assert "resources" in pod_status.generate(whole, facts(ran()))["containerStatuses"][0]


def test_readiness() -> None:
    status = pod_status.generate(pod(), facts(ran(), ready=lambda _: False))
    assert not status["containerStatuses"][0]["ready"]
    assert conditions(status)["Ready"] == ("False", "ContainersNotReady")
    slow = pod_status.generate(pod(), facts(ran(), started=lambda _: False))
    assert not slow["containerStatuses"][0]["started"]
    assert not slow["containerStatuses"][0]["ready"]


def test_readiness_gates() -> None:
    whole = pod()
    whole["spec"]["readinessGates"] = [{"conditionType": "example.com/up"}]
    status = pod_status.generate(whole, facts(ran()))
    ready = next(item for item in status["conditions"] if item["type"] == "Ready")
    assert ready["reason"] == "ReadinessGatesNotReady"
    assert ready["message"] == (
        'corresponding condition of pod readiness gate "example.com/up" does not exist.'
    )
    whole["status"] = {"conditions": [{"type": "example.com/up", "status": "True"}]}
    status = pod_status.generate(whole, facts(ran()))
    assert conditions(status)["Ready"] == ("True", "")
    assert "example.com/up" in conditions(status)


def test_times_of_transitions_that_did_not_happen_are_kept() -> None:
    first = pod_status.generate(pod(), facts(sandbox=None))
    later = facts(ran(), now=NOW + timedelta(seconds=9))
    for whole, previous in ((pod(status=first), None), (pod(), first)):
        second = pod_status.generate(whole, later, previous)
        times = {item["type"]: item["lastTransitionTime"] for item in second["conditions"]}
        assert times["Initialized"] == "2026-01-02T03:04:05Z"
        assert times["Ready"] == "2026-01-02T03:04:14Z"
        assert second["startTime"] == first["startTime"]


def test_what_containers_ask_for_and_mount_is_shown() -> None:
    whole = pod()
    requests = {"cpu": "1"}
    read_only = {"name": "v", "mountPath": "/s", "readOnly": True, "recursiveReadOnly": "IfPossible"}
    mounts = [read_only, {"name": "w", "mountPath": "/w"}]
    whole["spec"]["containers"][0] |= {"resources": {"requests": requests}, "volumeMounts": mounts}
    whole["metadata"]["generation"] = 3
    status = pod_status.generate(whole, facts(ran()))
    container = status["containerStatuses"][0]
    assert container["allocatedResources"] == requests
    assert container["volumeMounts"] == [
        {"name": "v", "mountPath": "/s", "readOnly": True, "recursiveReadOnly": "Disabled"},
        {"name": "w", "mountPath": "/w"},
    ]
    assert status["observedGeneration"] == 3
    assert all(item["observedGeneration"] == 3 for item in status["conditions"])


def test_ephemeral_containers_have_a_list_of_their_own_and_change_nothing_else() -> None:
    plain = pod_status.generate(pod(), facts(ran()))
    debugged = pod()
    debugged["spec"]["ephemeralContainers"] = [{"name": "d", "image": "d:1", "targetContainerName": "c"}]
    before = pod_status.generate(debugged, facts(ran()))
    (waiting,) = before.pop("ephemeralContainerStatuses")
    assert waiting["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert before == plain
    for state, name in ((State.RUNNING, "running"), (State.EXITED, "terminated")):
        after = pod_status.generate(debugged, facts(ran(), ran("d", state, 1)))
        (status,) = after.pop("ephemeralContainerStatuses")
        assert (status["name"], status["ready"], status["restartCount"]) == ("d", False, 0)
        assert name in status["state"]
        assert "started" not in status
        assert after == plain


def test_phase_where_containers_have_policies_of_their_own() -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    whole = pod("Never", names=("a", "b"))
    whole["spec"]["containers"][0] |= {"restartPolicy": "Never", "restartPolicyRules": [rule]}

    def phase(*codes: int) -> object:
        ended = [ran(name, State.EXITED, code) for name, code in zip("ab", codes, strict=True)]
        return pod_status.generate(whole, facts(*ended))["phase"]

    assert phase(42, 0) == "Running"
    assert phase(1, 0) == "Failed"
    assert phase(0, 0) == "Succeeded"


def test_phase_while_all_containers_start_anew() -> None:
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [7]}}
    whole = pod("Never", names=("a", "b"))
    whole["spec"]["containers"][0] |= {"restartPolicy": "Never", "restartPolicyRules": [rule]}
    cause = replace(ran("a", State.EXITED, 7), created_at=1, finished_at=5)
    other = replace(ran("b", State.EXITED, 143), created_at=2, finished_at=6)
    status = pod_status.generate(whole, facts(cause, other))
    assert status["phase"] == "Running"
    assert status["conditions"][-1] == {
        "type": "AllContainersRestarting",
        "status": "True",
        "reason": "RestartAllContainersStarted",
        "message": "container exited with restart policy rule",
        "lastProbeTime": None,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    ended = pod_status.generate(whole, facts(cause, other, terminating=True))
    assert ended["phase"] == "Failed"
    assert conditions(ended)["AllContainersRestarting"] == ("False", "PodFailed")
    fresh = pod_status.generate(whole, facts(ran("a"), ran("b")))
    assert conditions(fresh)["AllContainersRestarting"] == ("False", "")
    assert "AllContainersRestarting" not in conditions(pod_status.generate(pod(), facts(ran())))
