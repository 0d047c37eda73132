"""Machines on one network, for tests of several nodes: a network namespace each, on a bridge of their own.

Nothing reaches beyond: the bridge has no other port, and its subnet no other route.
"""

import ipaddress
import secrets
import subprocess
import types
from dataclasses import dataclass, field
from typing import Self

_POOL = ipaddress.IPv4Network("10.192.0.0/11")
"""Apart from the subnets of Pods and of Services."""


@dataclass
class Machines:
    """A context manager: a bridge on this machine, which has the network's first address."""

    tag: str = field(default_factory=lambda: secrets.token_hex(3))
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = int(self.tag, 16) % (1 << (24 - _POOL.prefixlen))
        self.network = ipaddress.IPv4Network((int(_POOL.network_address) + number * 256, 24))

    @property
    def bridge(self) -> str:
        return f"srt-{self.tag}"

    @property
    def address(self) -> str:
        """Of this machine on the bridge."""
        return str(self.network[1])

    def __enter__(self) -> Self:
        _run("ip", "link", "add", self.bridge, "type", "bridge")
        _run("ip", "address", "add", f"{self.address}/24", "dev", self.bridge)
        _run("ip", "link", "set", self.bridge, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        for name in self.names:
            _run("ip", "netns", "delete", self.namespace(name), check=False)
        _run("ip", "link", "delete", self.bridge, check=False)

    def add(self, name: str) -> str:
        """One more machine; its address."""
        self.names.append(name)
        space, near, far = self.namespace(name), f"srv{len(self.names)}-{self.tag}", "eth0"
        address = str(self.network[10 + len(self.names)])
        _run("ip", "netns", "add", space)
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
        _run("ip", "link", "set", near, "master", self.bridge, "up")
        for command in (
            ("link", "set", "lo", "up"),
            ("link", "set", far, "up"),
            ("address", "add", f"{address}/24", "dev", far),
            ("route", "add", "default", "via", self.address),
        ):
            _run("ip", "-n", space, *command)
        return address

    def namespace(self, name: str) -> str:
        return f"srt-{self.tag}-{name}"

    def within(self, name: str) -> list[str]:
        """What is put before a command that is to run on that machine. Its files are this machine's."""
        return ["nsenter", f"--net=/run/netns/{self.namespace(name)}", "--"]


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
