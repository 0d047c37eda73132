"""The status of a pod: phase, conditions and container states. Pure, from recorded facts.

Source: the Kubernetes documentation, "Pod Lifecycle".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from strongroom.api.core.v1.pod import restarts
from strongroom.machinery.gvk import Object
from strongroom.node.runtime import plan, qos, resources
from strongroom.node.runtime.anew import Anew
from strongroom.node.runtime.observed import Container, PodRuntime, State

PENDING = "Pending"
RUNNING = "Running"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
TERMINAL = frozenset({SUCCEEDED, FAILED})
_LOST: Object = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the status is made of, beside the pod's object."""

    runtime: PodRuntime
    now: datetime
    host_ips: Sequence[str] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """By container name: why its next start has not come to pass."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """By container id: the termination message of a container that ended."""
    ready: Callable[[Container], bool] = lambda _: True
    """Whether a running container passes its readiness probe."""
    started: Callable[[Container], bool] = lambda _: True
    """Whether a running container has passed its startup probe."""
    condemned: Callable[[Container], bool] = lambda _: False
    """Whether a container was ended by the node to be started again, so that its exit code says nothing."""
    given: Callable[[Container], str] = lambda container: container.resources
    """What a container has of cpu and memory: a note of `resources`."""
    terminating: bool = False
    """The node is ending the pod: what has stopped is not started again."""
    ended: bool = False
    """All has been stopped: this is the pod's last status."""
    reason: str = ""
    message: str = ""
    """Why the pod as a whole failed, such as DeadlineExceeded."""


def timestamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as `metav1.Time` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_nanoseconds(value: int) -> str:
    return timestamp(datetime.fromtimestamp(value // 1_000_000_000, UTC))


def rejected(pod: Object, reason: str, message: str, now: datetime) -> Object:
    """The status of a pod that this node does not run."""
    status: dict[str, Any] = {
        "phase": FAILED,
        "startTime": (pod.get("status") or {}).get("startTime") or timestamp(now),
        "qosClass": qos.class_of(pod),
        "reason": reason,
        "message": message,
    }
    if (generation := pod["metadata"].get("generation")) is not None:
        status["observedGeneration"] = generation
    return status


def generate(pod: Object, facts: Facts, previous: Object | None = None) -> Object:
    """The whole status of `pod`. Times of what did not change are kept: from `previous`, the status generated
    before, which may not have reached the API, else from the object.
    """
    old = pod.get("status") or {}
    if previous is not None:
        kept = {condition["type"]: condition for condition in old.get("conditions") or ()}
        kept |= {condition["type"]: condition for condition in previous["conditions"] if _is_mine(condition)}
        addresses = {"podIPs": previous["podIPs"]} if "podIPs" in previous else {}
        old = {**old, **addresses, "startTime": previous["startTime"], "conditions": list(kept.values())}
        pod = {**pod, "status": old}
    inits = [_container_status(pod, init, facts, is_init=True) for init in plan.init_containers(pod)]
    regular = [_container_status(pod, item, facts, is_init=False) for item in plan.spec_containers(pod)]
    ephemeral = [_ephemeral_status(pod, item, facts) for item in plan.ephemeral_containers(pod)]
    if facts.ended and _has_begun(pod, inits, regular):
        _account_for(regular, old)
    phase = FAILED if facts.reason else _phase(pod, facts, inits, regular)
    if facts.ended and phase not in TERMINAL:
        phase = FAILED
    if old.get("phase") in TERMINAL:
        phase = old["phase"]
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": _conditions(pod, facts, phase, inits, regular),
        **_addresses(pod, facts),
        "startTime": old.get("startTime") or timestamp(facts.now),
        "qosClass": qos.class_of(pod),
    }
    if facts.reason:
        status |= {"reason": facts.reason, "message": facts.message}
    elif old.get("phase") in TERMINAL:
        status |= {key: old[key] for key in ("reason", "message") if key in old}
    if inits:
        status["initContainerStatuses"] = inits
    if regular:
        status["containerStatuses"] = regular
    if ephemeral:
        status["ephemeralContainerStatuses"] = ephemeral
    if (generation := pod["metadata"].get("generation")) is not None:
        status["observedGeneration"] = generation
    return status


def _addresses(pod: Object, facts: Facts) -> Object:
    """Addresses of the host and of the pod; those of the pod are known once it has a sandbox."""
    found: dict[str, Any] = {}
    if facts.host_ips:
        found["hostIP"] = facts.host_ips[0]
        found["hostIPs"] = [{"ip": ip} for ip in facts.host_ips]
    ips: Sequence[str] = ()
    if (pod.get("spec") or {}).get("hostNetwork"):
        ips = facts.host_ips
    elif facts.runtime.sandbox is not None and facts.runtime.sandbox.ready:
        ips = facts.runtime.sandbox.ips
    elif facts.ended:
        # A pod that has ended keeps the address that it had.
        ips = [str(each["ip"]) for each in (pod.get("status") or {}).get("podIPs") or ()]
    if ips:
        found["podIP"] = ips[0]
        found["podIPs"] = [{"ip": ip} for ip in ips]
    return found


# Containers


def _container_status(pod: Object, spec: Object, facts: Facts, *, is_init: bool) -> Object:
    name = str(spec["name"])
    attempts = facts.runtime.containers.get(name) or ()
    latest = attempts[0] if attempts else None
    state, last = _states(pod, spec, attempts, facts)
    running = "running" in state
    status: dict[str, Any] = {
        "name": name,
        "state": state,
        "lastState": last,
        "ready": _is_ready(spec, latest, facts, running=running, is_init=is_init),
        "restartCount": latest.attempt if latest else 0,
        "image": (latest.image if latest else "") or str(spec.get("image", "")),
        "imageID": latest.image_ref if latest else "",
    }
    if latest is not None:
        status["containerID"] = f"containerd://{latest.id}"
    status["started"] = bool(running and latest is not None and facts.started(latest))
    if (stated := spec.get("resources")) is not None and latest is not None:
        # Not what is asked for: what the container has.
        held = resources.held(stated, facts.given(latest))
        status["resources"] = held
        if requests := held.get("requests"):
            status["allocatedResources"] = requests
    if mounts := spec.get("volumeMounts"):
        status["volumeMounts"] = [_mount_status(pod, mount) for mount in mounts]
    return status


def _has_begun(pod: Object, inits: Sequence[Object], regular: Sequence[Object]) -> bool:
    """Whether it was the turn of the regular containers: the init containers are done, or one of the regular
    ones has been started."""
    steps = plan.init_containers(pod)
    if not steps or any(status["lastState"] or "waiting" not in status["state"] for status in regular):
        return True
    return not plan.is_sidecar(steps[-1]) and "terminated" in inits[-1]["state"] and not _exit_code(inits[-1])


def _account_for(statuses: Sequence[Object], old: Object) -> None:
    """Let each container of a pod that has ended have ended: as was told of it before, or in some way that
    nobody knows. One that never ran has not succeeded."""
    before = {item["name"]: item.get("state") or {} for item in old.get("containerStatuses") or ()}
    for status in statuses:
        if "waiting" in status["state"]:
            told = before.get(status["name"], {})
            status["state"] = told if "terminated" in told else dict(_LOST)


def _ephemeral_status(pod: Object, spec: Object, facts: Facts) -> Object:
    """Of a container that was added to the running pod: it is never ready, and none waits for it."""
    status = _container_status(pod, spec, facts, is_init=False)
    del status["started"]
    return {**status, "ready": False}


def _is_ready(spec: Object, latest: Container | None, facts: Facts, *, running: bool, is_init: bool) -> bool:
    if latest is None:
        return False
    if is_init and not plan.is_sidecar(spec):
        return latest.state is State.EXITED and latest.exit_code == 0
    return running and facts.started(latest) and facts.ready(latest)


def _mount_status(pod: Object, mount: Object) -> Object:
    read_only = bool(mount.get("readOnly"))
    status: dict[str, Any] = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if read_only:
        # This agent asks no runtime for it: `Enabled` is refused, and `IfPossible` is not.
        status |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return status


def _states(pod: Object, spec: Object, attempts: Sequence[Container], facts: Facts) -> tuple[Object, Object]:
    """`state` and `lastState`."""
    latest = attempts[0] if attempts else None
    before = next((item for item in attempts[1:] if item.state is State.EXITED), None)
    last = _terminated(before, facts) if before else {}
    waiting = facts.waiting.get(str(spec["name"]))
    if latest is None or latest.state is State.CREATED:
        waiting = waiting or _initially(pod)
        return {"waiting": _waiting(waiting)}, last
    if latest.state is State.RUNNING:
        return {"running": {"startedAt": from_nanoseconds(latest.started_at)}}, last
    ended = _terminated(latest, facts)
    if waiting is not None and not facts.terminating:
        return {"waiting": _waiting(waiting)}, ended
    return ended, last


def _initially(pod: Object) -> Waiting:
    """Why any of the pod's containers waits that has come to nothing yet, init containers among them."""
    return Waiting("PodInitializing" if plan.init_containers(pod) else "ContainerCreating")


def _waiting(waiting: Waiting) -> Object:
    state = {"reason": waiting.reason}
    return state | {"message": waiting.message} if waiting.message else state


def _terminated(container: Container, facts: Facts) -> Object:
    if container.state is State.UNKNOWN:
        return dict(_LOST)
    ended: dict[str, Any] = {"exitCode": container.exit_code}
    if container.reason:
        ended["reason"] = container.reason
    if message := facts.messages.get(container.id) or container.message:
        ended["message"] = message
    ended["startedAt"] = from_nanoseconds(container.started_at)
    ended["finishedAt"] = from_nanoseconds(container.finished_at)
    ended["containerID"] = f"containerd://{container.id}"
    return {"terminated": ended}


# Phase


def _has_run(status: Object) -> bool:
    return "terminated" in (status.get("lastState") or {})


def _exit_code(status: Object) -> int:
    terminated = status["state"].get("terminated") or status["lastState"].get("terminated") or {}
    return int(terminated.get("exitCode", 0))


def _phase(pod: Object, facts: Facts, inits: Sequence[Object], regular: Sequence[Object]) -> str:
    reset = Anew(pod, facts.runtime).is_due(facts.runtime)

    def again(spec: Object, code: int) -> bool:
        run = facts.runtime.latest(spec["name"])
        condemned = run is not None and facts.condemned(run)
        return restarts.again(spec, pod["spec"], code or int(condemned))

    pending_init = sidecar_running = False
    for spec, status in zip(plan.init_containers(pod), inits, strict=True):
        state = status["state"]
        if plan.is_sidecar(spec):
            sidecar_running = sidecar_running or "running" in state
            pending_init = pending_init or ("waiting" in state and not _has_run(status))
        elif "terminated" in state and _exit_code(status) != 0:
            if not reset and not restarts.again(spec, pod["spec"], _exit_code(status)):
                return FAILED
            pending_init = True
        elif "running" in state or "waiting" in state:
            pending_init = True
    waiting = [status for status in regular if "waiting" in status["state"] and not _has_run(status)]
    running = [status for status in regular if "running" in status["state"]]
    if pending_init or waiting:
        return PENDING
    if running or sidecar_running:
        return RUNNING
    codes = [_exit_code(status) for status in regular]
    if not facts.terminating and (reset or any(map(again, plan.spec_containers(pod), codes))):
        return RUNNING
    return FAILED if any(codes) else SUCCEEDED


# Conditions

_MINE = frozenset(
    {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "AllContainersRestarting"}
)


def _is_mine(condition: Object) -> bool:
    return condition["type"] in _MINE


def _conditions(
    pod: Object, facts: Facts, phase: str, inits: Sequence[Object], regular: Sequence[Object]
) -> list[Object]:
    wanted = [
        _network_condition(facts),
        _initialized(pod, phase, inits, regular),
        _with_gates(pod, _containers_ready("Ready", phase, inits, regular, pod)),
        _containers_ready("ContainersReady", phase, inits, regular, pod),
    ]
    old = {condition["type"]: condition for condition in (pod.get("status") or {}).get("conditions") or ()}
    if "PodScheduled" not in old:
        wanted.append(_condition("PodScheduled", True))
    generation = pod["metadata"].get("generation")
    result = [_dated(condition, old.get(condition["type"]), facts.now, generation) for condition in wanted]
    if restarts.may_take_all(pod.get("spec") or {}):
        restarting = _all_restarting(pod, facts, phase)
        result.append(_dated(restarting, old.get(restarting["type"]), facts.now, None))
    mine = {condition["type"] for condition in result}
    return result + [condition for kind, condition in old.items() if kind not in mine]


def _condition(kind: str, value: bool, reason: str = "", message: str = "") -> Object:
    condition = {"type": kind, "status": "True" if value else "False"}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _dated(condition: Object, old: Object | None, now: datetime, generation: int | None) -> Object:
    same = old is not None and old.get("status") == condition["status"]
    moment = old.get("lastTransitionTime") if old is not None and same else None
    dated = {**condition, "lastProbeTime": None, "lastTransitionTime": moment or timestamp(now)}
    return dated if generation is None else {**dated, "observedGeneration": generation}


def _network_condition(facts: Facts) -> Object:
    sandbox = facts.runtime.sandbox
    return _condition("PodReadyToStartContainers", sandbox is not None and sandbox.ready)


def _initialized(pod: Object, phase: str, inits: Sequence[Object], regular: Sequence[Object]) -> Object:
    if phase == SUCCEEDED:
        return _condition("Initialized", True, "PodCompleted")
    if any("waiting" not in status["state"] for status in regular):
        return _condition("Initialized", True)  # whatever sidecars do since
    # What is initialized stays it, while all containers start anew too.
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Initialized" and condition["status"] == "True":
            return _condition("Initialized", True)
    incomplete = [status["name"] for status in inits if not _init_done(pod, status)]
    if incomplete:
        text = f"containers with incomplete status: {_names(incomplete)}"
        return _condition("Initialized", False, "ContainersNotInitialized", text)
    return _condition("Initialized", True)


def _all_restarting(pod: Object, facts: Facts, phase: str) -> Object:
    """Whether an end of one container has all of them start anew."""
    kind = "AllContainersRestarting"
    if phase in TERMINAL:
        return _condition(kind, False, "PodCompleted" if phase == SUCCEEDED else "PodFailed")
    if not Anew(pod, facts.runtime).is_due(facts.runtime):
        return _condition(kind, False)
    text = "container exited with restart policy rule"
    return _condition(kind, True, "RestartAllContainersStarted", text)


def _init_done(pod: Object, status: Object) -> bool:
    spec = next(item for item in plan.init_containers(pod) if item["name"] == status["name"])
    if plan.is_sidecar(spec):
        return bool(status["started"])
    return bool(status["ready"])


def _containers_ready(
    kind: str, phase: str, inits: Sequence[Object], regular: Sequence[Object], pod: Object
) -> Object:
    if phase == SUCCEEDED:
        return _condition(kind, False, "PodCompleted")
    if phase == FAILED:
        return _condition(kind, False, "PodFailed")
    sidecars = {init["name"] for init in plan.init_containers(pod) if plan.is_sidecar(init)}
    counted = [status for status in inits if status["name"] in sidecars]
    unready = [status["name"] for status in (*counted, *regular) if not status["ready"]]
    if unready:
        text = f"containers with unready status: {_names(unready)}"
        return _condition(kind, False, "ContainersNotReady", text)
    return _condition(kind, True)


def _with_gates(pod: Object, condition: Object) -> Object:
    """The Ready condition, which readiness gates of the pod hold back."""
    old = {item["type"]: item["status"] for item in (pod.get("status") or {}).get("conditions") or ()}
    texts = []
    for gate in (pod.get("spec") or {}).get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in old:
            texts.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif old[kind] != "True":
            texts.append(f'the status of pod readiness gate "{kind}" is not "True", but {old[kind]}')
    if not texts or condition["status"] != "True":
        return condition
    return _condition("Ready", False, "ReadinessGatesNotReady", ", ".join(texts))


def _names(names: Iterable[str]) -> str:
    return f"[{' '.join(names)}]"
