"""The OCI process of an exec, made from that of the container's first process."""

from collections.abc import Mapping, Sequence
from typing import Any

_TERM = "TERM=xterm"


def derive(spec: Mapping[str, Any], command: Sequence[str], *, terminal: bool) -> dict[str, Any]:
    """As a CRI runtime does it: user, capabilities, limits, directory and environment of the container.

    `spec` is the container's OCI runtime specification and is not changed. With a terminal TERM is set.
    """
    process: dict[str, Any] = dict(spec.get("process") or {})
    process["args"] = list(command)
    process["terminal"] = terminal
    process.pop("commandLine", None)
    process.pop("consoleSize", None)
    if terminal:
        process["env"] = [*(e for e in process.get("env") or () if not e.startswith("TERM=")), _TERM]
    return process


def sandbox_id(spec: Mapping[str, Any], container_id: str) -> str:
    """The pod sandbox a container belongs to; its own id where the runtime does not say."""
    annotations = spec.get("annotations") or {}
    return str(annotations.get("io.kubernetes.cri.sandbox-id") or container_id)
