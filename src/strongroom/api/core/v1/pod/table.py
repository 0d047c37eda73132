"""The row of a Pod: what `kubectl get pods` shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from strongroom.api.core.v1.pod import containers
from strongroom.api.strategy import AGE, NAME, Column
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

COLUMNS = (
    NAME,
    Column("Ready", description="The aggregate readiness state of this pod for accepting traffic."),
    Column("Status", description="The aggregate status of the containers in this pod."),
    Column("Restarts", description="The number of times the containers in this pod have been restarted."),
    AGE,
    Column("IP", priority=1, description="The first address of the pod."),
    Column("Node", priority=1, description="The node that the pod is bound to."),
    Column("Nominated Node", priority=1, description="The node that preemption makes room on."),
    Column("Readiness Gates", priority=1, description="Readiness gates that are met, and all of them."),
)
_ENDED = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}


@dataclass(slots=True)
class _Restarts:
    count: int = 0
    last: str = ""

    def add(self, status: Object) -> None:
        self.count += status.get("restartCount") or 0
        finished = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        # Stamps of one form: the later one is also the greater text.
        self.last = max(self.last, finished)

    def cell(self, now: datetime) -> str:
        ago = f" ({duration.age(self.last, now)} ago)" if self.count and self.last else ""
        return f"{self.count}{ago}"


@dataclass(slots=True)
class _Summary:
    reason: str
    ready: int
    restarts: _Restarts


def row(pod: Object, now: datetime) -> list[Any]:
    """Cells in the order of `COLUMNS`."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    summary = _summarize(pod, spec, status)
    total = len(containers.of(spec, "containers"))
    total += sum(map(containers.is_sidecar, containers.of(spec, "initContainers")))
    addresses = status.get("podIPs") or ()
    return [
        metadata["name"],
        f"{summary.ready}/{total}",
        summary.reason,
        summary.restarts.cell(now),
        duration.age(metadata.get("creationTimestamp"), now),
        (addresses[0].get("ip") if addresses else "") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        _gates(spec, status),
    ]


def row_conditions(pod: Object) -> list[dict[str, str]]:
    """Marks the rows of Pods that ended, so that clients can show them so."""
    phase = (pod.get("status") or {}).get("phase", "")
    if phase not in _ENDED:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _ENDED[phase]}]


def _condition(status: Object, kind: str) -> Object:
    conditions: Sequence[Object] = status.get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def _gates(spec: Object, status: Object) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return "<none>"
    met = sum(_condition(status, gate.get("conditionType", "")).get("status") == "True" for gate in gates)
    return f"{met}/{len(gates)}"


def _summarize(pod: Object, spec: Object, status: Object) -> _Summary:
    reason = status.get("reason") or status.get("phase", "")
    if _condition(status, "PodScheduled").get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    summary, initializing, sidecars = _init_containers(spec, status, reason)
    if not initializing or _condition(status, "Initialized").get("status") == "True":
        summary.restarts = sidecars
        _regular_containers(status, summary)
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            summary.reason = "Unknown"
        elif status.get("phase") not in _ENDED:
            summary.reason = "Terminating"
    return summary


def _init_containers(spec: Object, status: Object, reason: str) -> tuple[_Summary, bool, _Restarts]:
    """The summary so far, whether an init container still has to end, and the restarts of the sidecars."""
    init = containers.of(spec, "initContainers")
    restartable = {container.get("name") for container in init if containers.is_sidecar(container)}
    summary, sidecars = _Summary(reason, 0, _Restarts()), _Restarts()
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        summary.restarts.add(container)
        is_sidecar = container.get("name") in restartable
        if is_sidecar:
            sidecars.add(container)
        state = container.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if is_sidecar and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        waiting = (state.get("waiting") or {}).get("reason") or ""
        if terminated is not None:
            summary.reason = "Init:" + _ended(terminated)
        elif waiting and waiting != "PodInitializing":
            summary.reason = "Init:" + waiting
        else:
            summary.reason = f"Init:{index}/{len(init)}"
        return summary, True, sidecars
    return summary, False, sidecars


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _regular_containers(status: Object, summary: _Summary) -> None:
    running, error = False, ""
    for container in reversed(status.get("containerStatuses") or ()):
        summary.restarts.add(container)
        state = container.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason")
        terminated = state.get("terminated")
        if waiting:
            summary.reason = waiting
        elif terminated is not None:
            summary.reason = _ended(terminated)
            if terminated.get("exitCode"):
                error = summary.reason
        elif container.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.reason != "Completed":
        return
    if running and _condition(status, "Ready").get("status") == "True":
        summary.reason = "Running"
    elif error:
        summary.reason = error
    elif running:
        summary.reason = "NotReady"
