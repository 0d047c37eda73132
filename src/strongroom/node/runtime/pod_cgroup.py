"""The control group that a pod's containers share: how many processes it may have, and its part of the CPU.

Without a limit one fork loop takes all of the machine's process numbers. Shares and limits are those of the
kubelet's pod groups (`pkg/kubelet/cm`). The groups lie in a place of their own, `/strongroom/pod‹uid›`: a
kubelet on the same machine would end what it finds in its own.
"""

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from strongroom.api.core.v1.pod import totals
from strongroom.machinery.gvk import Object
from strongroom.node.runtime import qos, resources

ROOT = Path("/sys/fs/cgroup")
PARENT = "strongroom"
_ONE, _MILLI = 10**9, 10**6
"""One, and a thousandth, of the units in which amounts are counted."""
_log = logging.getLogger(__name__)

Limits = Mapping[str, Mapping[str, str]]
"""Controller to file to what is written to it."""


def limits(pod: Object, pids: int, *, unified: bool) -> Limits:
    """What a pod's group is given. `pids`: the most processes and threads, 0 for no limit; `unified`: cgroup
    version 2."""
    spec = pod.get("spec") or {}
    shares = resources.shares(totals.requests(spec).get("cpu", 0) // _MILLI)
    cpu = resources.quota(_limit(pod, "cpu") // _MILLI)
    memory = str(_limit(pod, "memory") // _ONE)
    wanted: dict[str, dict[str, str]] = {"pids": {"pids.max": str(pids)} if pids else {}}
    if unified:
        weight = {"cpu.weight": str(1 + (shares - 2) * 9999 // 262142)}
        wanted["cpu"] = weight | ({"cpu.max": f"{cpu} {resources.PERIOD}"} if cpu else {})
        wanted["memory"] = {"memory.max": memory}
    else:
        period = {"cpu.cfs_period_us": str(resources.PERIOD), "cpu.cfs_quota_us": str(cpu)}
        wanted["cpu"] = {"cpu.shares": str(shares)} | (period if cpu else {})
        wanted["memory"] = {"memory.limit_in_bytes": memory}
    if memory == "0":
        del wanted["memory"]
    return {controller: files for controller, files in wanted.items() if files}


def _limit(pod: Object, resource: str) -> int:
    """The most that the pod may use: what it says itself, or its containers together if each of them says
    something; else 0. In units of 10^-9."""
    spec = pod.get("spec") or {}
    givers = [spec] if resource in _limits_of(spec) else list(qos.containers(pod))
    if not all(resource in _limits_of(giver) for giver in givers):
        return 0
    return totals.limits(spec).get(resource, 0)


def _limits_of(giver: Object) -> Mapping[str, object]:
    return (giver.get("resources") or {}).get("limits") or {}


class PodCgroups:
    """The groups of a node's pods. `root` is where the kernel shows its hierarchies."""

    def __init__(self, pids: int, root: Path = ROOT) -> None:
        self._pids = pids
        self._root = root
        self._unified = (root / "cgroup.controllers").exists()
        self._told = False

    def make(self, pod: Object) -> str:
        """Make the pod's group or bring it up to date; its path as the runtime wants it. "": there can be
        none here, as the log says."""
        path = f"{PARENT}/pod{pod['metadata']['uid']}"
        try:
            for controller, files in limits(pod, self._pids, unified=self._unified).items():
                if not self._unified and controller != "pids" and not (self._root / controller).is_dir():
                    continue  # its hierarchy is not mounted: the runtime does without it as well
                group = self._make(controller, path)
                for name, value in files.items():
                    (group / name).write_text(value)
        except OSError as error:
            if not self._told:
                self._told = True
                _log.warning("no limit on the processes of Pods: %s: %s", error.filename, error.strerror)
            self.remove(pod["metadata"]["uid"])
            return ""
        return f"/{path}"

    def _make(self, controller: str, path: str) -> Path:
        if not self._unified:
            group = self._root / controller
            for part in Path(path).parts:
                group = group / part
                group.mkdir(exist_ok=True)
            return group
        group = self._root
        for part in Path(path).parts:
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
            group = group / part
            group.mkdir(exist_ok=True)
        return group

    def remove(self, uid: str) -> None:
        """Remove the group of a pod that is gone. One that is not there, or not empty yet, is left."""
        for group in self._root.glob(f"{'' if self._unified else '*/'}{PARENT}/pod{uid}"):
            inner = sorted((path for path in group.rglob("*") if path.is_dir()), key=_depth, reverse=True)
            for directory in (*inner, group):
                with contextlib.suppress(OSError):
                    directory.rmdir()


def _depth(path: Path) -> int:
    return len(path.parts)
