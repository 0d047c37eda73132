"""The machine that a node is: what it has, and what its own files say."""

import os
import platform
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path

MAX_PODS = 110
_OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts that do not change while the agent runs. Sizes in bytes."""

    hostname: str = "localhost"
    ips: tuple[str, ...] = ()
    cpus: int = 1
    memory: int = 0
    storage: int = 0
    architecture: str = "amd64"
    kernel: str = ""
    os_image: str = ""
    machine_id: str = ""
    boot_id: str = ""
    app_armor: bool = False
    """Whether the kernel enforces AppArmor's profiles."""
    resolver: str = field(default="", repr=False)
    """Text of /etc/resolv.conf."""
    hosts: str = field(default="", repr=False)
    """Text of /etc/hosts."""

    def capacity(self) -> dict[str, str]:
        """`status.capacity` of the Node."""
        return {
            "cpu": str(self.cpus),
            "ephemeral-storage": f"{self.storage // 1024}Ki",
            "memory": f"{self.memory // 1024}Ki",
            "pods": str(MAX_PODS),
        }


def inspect(data_dir: Path, ips: tuple[str, ...]) -> Machine:
    """Read the facts of this machine. `data_dir` is on the file system that pods use."""
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    return Machine(
        hostname=socket.gethostname(),
        ips=ips,
        cpus=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        storage=shutil.disk_usage(existing).total,
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        kernel=platform.release(),
        os_image=pretty_name(_text(_OS_RELEASE)),
        machine_id=_text(Path("/etc/machine-id")).strip(),
        boot_id=_text(Path("/proc/sys/kernel/random/boot_id")).strip(),
        app_armor=_text(Path("/sys/module/apparmor/parameters/enabled")).strip() == "Y",
        resolver=_text(Path("/etc/resolv.conf")),
        hosts=_text(Path("/etc/hosts")),
    )


def pretty_name(os_release: str) -> str:
    """The name of the system in an os-release file."""
    for line in os_release.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip().strip('"')
    return "Linux"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
