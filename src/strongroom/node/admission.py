"""What this node does not take, and what it cannot do for a pod that it has: pure, and never in silence.

A pod that is bound to a node by hand has passed no scheduler. Reasons and texts: the kubelet's admission
(`pkg/kubelet/lifecycle/predicate.go`, `pkg/kubelet/sysctl`, `pkg/kubelet/cm/devicemanager`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from strongroom.api.core.v1.pod import node_affinity, totals
from strongroom.api.pod_security.baseline import SAFE_SYSCTLS
from strongroom.machinery.gvk import Object
from strongroom.node.runtime import qos

_ONE, _MILLI = 10**9, 10**6
"""One, and a thousandth, of the units in which amounts are counted."""
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104
_OUT_OF = {"cpu": "OutOfcpu", "memory": "OutOfmemory", "ephemeral-storage": "OutOfephemeral-storage"}
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_APP_ARMOR_KINDS = {"localhost": "Localhost", "runtime": "RuntimeDefault"}
_HUGE_PAGES = "hugepages-"


class Refusal(NamedTuple):
    """Why a pod is not run: the `reason` of its status and of an Event, and the Event's text."""

    reason: str
    message: str


def refuse(
    pod: Object, others: Sequence[Object], capacity: Mapping[str, str], *, app_armor: bool = False
) -> Refusal | None:
    """Why this node does not take `pod` beside the `others` it runs; None: it does. `app_armor`: whether the
    kernel enforces profiles."""
    spec = pod.get("spec") or {}
    context = spec.get("securityContext") or {}
    if (spec.get("os") or {}).get("name", "linux") != "linux":
        return Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    if context.get("supplementalGroupsPolicy") == "Strict":
        text = "SupplementalGroupsPolicy=Strict is not supported in this node"
        return Refusal("SupplementalGroupsPolicyNotSupported", text)
    return (
        _app_armor(pod, app_armor)
        or _sysctls(spec, context)
        or _devices(spec)
        or _resources(spec, others, capacity)
        or _ports(spec, others)
    )


def misplaced(pod: Object, node: Object) -> Refusal | None:
    """Whether the pod wants other nodes than this one."""
    if node_affinity.wanted(pod.get("spec") or {}, node):
        return None
    text = "node(s) didn't match Pod's node affinity/selector"
    return Refusal("NodeAffinity", f"Predicate NodeAffinity failed: {text}")


def _app_armor(pod: Object, enabled: bool) -> Refusal | None:
    """Containers run under the runtime's own profile where the kernel enforces any."""
    contexts = [pod.get("spec") or {}, *qos.containers(pod)]
    profiles = [(each.get("securityContext") or {}).get("appArmorProfile") or {} for each in contexts]
    kinds = {profile.get("type") for profile in profiles} - {None}
    for key, value in ((pod.get("metadata") or {}).get("annotations") or {}).items():
        if key.startswith(_APP_ARMOR):
            kinds.add(_APP_ARMOR_KINDS.get(str(value).partition("/")[0], "Unconfined"))
    if "Localhost" in kinds:
        return Refusal("AppArmor", "Cannot enforce AppArmor: this node loads no profiles of its own")
    if "RuntimeDefault" in kinds and not enabled:
        return Refusal("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    return None


def _sysctls(spec: Object, context: Object) -> Refusal | None:
    for sysctl in context.get("sysctls") or ():
        name = str(sysctl.get("name", "")).replace("/", ".")
        problem = ""
        if name not in SAFE_SYSCTLS:
            problem = "not allowlisted"
        elif spec.get("hostNetwork") and name.startswith("net."):
            problem = "not allowed with host net enabled"
        elif spec.get("hostIPC") and name.startswith("kernel."):
            problem = "not allowed with host ipc enabled"
        if problem:
            return Refusal("SysctlForbidden", f'forbidden sysctl: "{name}" {problem}')
    return None


def _devices(spec: Object) -> Refusal | None:
    """The node has no device plugins. (A kubelet looks away where no plugin has named the resource.)"""
    for name, amount in totals.requests(spec).items():
        if "/" in name and amount:
            text = f"requested number of devices unavailable for {name}. Requested: {amount // _ONE}"
            return Refusal(
                "UnexpectedAdmissionError",
                f"Allocate failed due to {text}, Available: 0, which is unexpected",
            )
    return None


def _resources(spec: Object, others: Sequence[Object], capacity: Mapping[str, str]) -> Refusal | None:
    have = totals.amounts(capacity)
    pods = have.get("pods", 0) // _ONE
    if len(others) >= pods:
        return _insufficient("pods", "OutOfpods", 1, len(others), pods)
    for name, wanted in totals.requests(spec).items():
        if not wanted or (name not in _OUT_OF and not name.startswith(_HUGE_PAGES)):
            continue
        used = sum(totals.requests(other.get("spec") or {}).get(name, 0) for other in others)
        if used + wanted > have.get(name, 0):
            unit = _MILLI if name == "cpu" else _ONE
            reason = _OUT_OF.get(name, f"OutOf{name}")
            return _insufficient(name, reason, wanted // unit, used // unit, have.get(name, 0) // unit)
    return None


def _insufficient(name: str, reason: str, wanted: int, used: int, capacity: int) -> Refusal:
    amounts = f"requested: {wanted}, used: {used}, capacity: {capacity}"
    return Refusal(reason, f"Node didn't have enough resource: {name}, {amounts}")


def _ports(spec: Object, others: Sequence[Object]) -> Refusal | None:
    taken = [port for other in others for port in _host_ports(other.get("spec") or {})]
    for address, protocol, number in _host_ports(spec):
        for there, other_protocol, other_number in taken:
            same = (protocol, number) == (other_protocol, other_number)
            if same and (address == there or _EVERY_ADDRESS in (address, there)):
                text = "node(s) didn't have free ports for the requested pod ports"
                return Refusal("NodePorts", f"Predicate NodePorts failed: {text}")
    return None


def _host_ports(spec: Object) -> Iterator[tuple[str, str, int]]:
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            if number := port.get("hostPort"):
                yield (
                    str(port.get("hostIP") or _EVERY_ADDRESS),
                    str(port.get("protocol") or "TCP"),
                    int(number),
                )


def obstacle(pod: Object) -> Refusal | None:
    """What keeps a sandbox from being made for a pod that the node has taken; it stays Pending."""
    spec = pod.get("spec") or {}
    if spec.get("resourceClaims"):
        text = "Failed to prepare dynamic resources: this node has no driver for resource claims"
        return Refusal("FailedPrepareDynamicResources", text)
    if spec.get("hostUsers") is False:
        return _no_sandbox("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
    if name := spec.get("runtimeClassName"):
        return _no_sandbox(f'runtimeclass.node.k8s.io "{name}" not found')
    return None


def _no_sandbox(text: str) -> Refusal:
    return Refusal("FailedCreatePodSandBox", f"Failed to create pod sandbox: {text}")


def ignored(pod: Object) -> Iterable[str]:
    """Fields of the pod that have no effect here, to be told of once."""
    contexts = [pod.get("spec") or {}, *qos.containers(pod)]
    if any((each.get("securityContext") or {}).get("windowsOptions") for each in contexts):
        yield "securityContext.windowsOptions has no effect on a Linux node"
