"""CPU and memory of a container, as cgroups count them."""

from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import qos

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
