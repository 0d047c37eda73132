"""Which programs of this machine a containerd of our own needs, where they are, and what to install."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PLUGIN_DIRS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NEEDED_PLUGINS = ("bridge", "host-local", "loopback")
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs found. All paths exist; `runtimes` maps handler names to programs, the default one first."""

    containerd: Path
    version: tuple[int, int]
    runtimes: dict[str, Path]
    plugin_dir: Path
    port_mapping: bool
    """Whether host ports can be given to pods (the `portmap` plugin and iptables)."""
    masquerade: bool
    """Whether pods' packets can leave under the host's address (iptables)."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One line on why there is no node here, and what to do about it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def search_path() -> str:
    """PATH with the directories of system programs, which an unprivileged shell often lacks."""
    return f"{os.environ.get('PATH', '')}:{_SEARCH_PATH}".lstrip(":")


def find(name: str) -> Path | None:
    """Where a program is."""
    found = shutil.which(name, path=search_path())
    return Path(found) if found else None


def parse_version(text: str) -> tuple[int, int]:
    """Major and minor version out of what `containerd --version` prints; (0, 0) if there is none."""
    last_words = text.split()[2:] or text.split()
    match = _VERSION.search(" ".join(last_words))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def plugin_dir(directories: Sequence[Path] = PLUGIN_DIRS) -> Path | None:
    """The first directory that has every CNI plugin we need."""
    for directory in directories:
        if all(os.access(directory / plugin, os.X_OK) for plugin in _NEEDED_PLUGINS):
            return directory
    return None


def look(
    which: Callable[[str], Path | None] = find,
    directories: Sequence[Path] = PLUGIN_DIRS,
    *,
    uid: int | None = None,
) -> Tools | Missing:
    """The programs of this machine, or the one line that says what is missing."""
    if (os.geteuid() if uid is None else uid) != 0:
        return Missing("running Pods needs root: start strongroom as root, or with --no-node")
    containerd = which("containerd") if which("containerd-shim-runc-v2") else None
    runtimes = {name: path for name in ("runc", "crun") if (path := which(name))}
    plugins = plugin_dir(directories)
    wanted = [
        package
        for package, found in (
            ("containerd", containerd),
            ("runc", runtimes),
            ("containernetworking-plugins", plugins),
        )
        if not found
    ]
    if containerd is None or not runtimes or plugins is None:
        packages = " ".join(wanted)
        return Missing(f"not installed: {', '.join(wanted)} (on Debian: apt-get install {packages})")
    iptables = which("iptables") is not None
    return Tools(
        containerd=containerd,
        version=_version_of(containerd),
        runtimes=runtimes,
        plugin_dir=plugins,
        port_mapping=iptables and os.access(plugins / "portmap", os.X_OK),
        masquerade=iptables,
    )


def requirements() -> str:
    """One line on what a node would need and this machine lacks; empty when it has all."""
    found = look()
    return str(found) if isinstance(found, Missing) else ""


def _version_of(containerd: Path) -> tuple[int, int]:
    answer = subprocess.run(
        [containerd, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    return parse_version(answer.stdout)
