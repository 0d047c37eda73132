"""CPU and memory of a container, as cgroups count them."""

import orjson

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import qos

RESIZABLE = ("cpu", "memory")
PERIOD = 100_000
_MIN_QUOTA = 1_000
_MIN_SHARES = 2
_MAX_SHARES = 262_144


def shares(milli: int) -> int:
    """`cpu.shares` for a request: 1024 for a whole CPU."""
    return max(_MIN_SHARES, min(_MAX_SHARES, milli * 1024 // 1000))


def quota(milli: int) -> int:
    """Microseconds of CPU time in each period; 0: no limit."""
    return max(_MIN_QUOTA, milli * PERIOD // 1000) if milli else 0


def note(container: Object) -> str:
    """What a container asks for, in one form: two notes are equal if nothing is to be resized."""
    stated = container.get("resources") or {}
    held: dict[str, dict[str, str]] = {}
    for field in ("limits", "requests"):
        for name, amount in (stated.get(field) or {}).items():
            if name in RESIZABLE:
                held.setdefault(field, {})[name] = amount
    return orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()


def noted(note: str) -> Object:
    """The cpu and memory that a note tells of."""
    found: Object = orjson.loads(note)
    return found


def held(stated: Object, note: str) -> Object:
    """What is stated, with the cpu and memory that a note tells of ("": as stated)."""
    if not note:
        return stated
    found, has = dict(stated), noted(note)
    for field in ("limits", "requests"):
        rest = {name: amount for name, amount in (stated.get(field) or {}).items() if name not in RESIZABLE}
        if amounts := rest | (has.get(field) or {}):
            found[field] = amounts
        else:
            found.pop(field, None)
    return found


def restarts(container: Object, before: str) -> bool:
    """Whether what has changed since a note was made needs the container to start anew (`resizePolicy`)."""
    was, wanted = noted(before), noted(note(container))
    changed = {
        name
        for name in RESIZABLE
        for field in ("limits", "requests")
        if (was.get(field) or {}).get(name) != (wanted.get(field) or {}).get(name)
    }
    return any(
        policy.get("resourceName") in changed and policy.get("restartPolicy") == "RestartContainer"
        for policy in container.get("resizePolicy") or ()
    )


def of_container(pod: Object, container: Object, memory: int) -> pb.LinuxContainerResources:
    """The runtime's resources for a container on a machine with `memory` bytes."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    cpu_limit = quantity.of(limits.get("cpu", "0")).milli()
    cpu_request = quantity.of(requests.get("cpu", limits.get("cpu", "0"))).milli()
    return pb.LinuxContainerResources(
        cpu_period=PERIOD,
        cpu_quota=quota(cpu_limit),
        cpu_shares=shares(cpu_request),
        memory_limit_in_bytes=quantity.of(limits.get("memory", "0")).value(),
        oom_score_adj=qos.oom_score(pod, container, memory),
    )
