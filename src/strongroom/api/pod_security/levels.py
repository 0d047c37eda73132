"""Levels and what they refuse: Kubernetes' "Pod Security Standards"; texts of `pod-security-admission`."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from strongroom.api.pod_security import baseline, restricted
from strongroom.machinery.gvk import Object

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS: Final = (PRIVILEGED, BASELINE, RESTRICTED)
LATEST: Final = "latest"

Check = Callable[[Object, Object], str]
"""`(metadata, spec)`: what it forbids in words, "" if nothing."""

_BASELINE: Final[Sequence[Check]] = (
    baseline.app_armor_profile,
    baseline.capabilities,
    baseline.host_namespaces,
    baseline.host_path_volumes,
    baseline.host_ports,
    baseline.host_probes,
    baseline.privileged,
    baseline.proc_mount,
    baseline.se_linux_options,
    baseline.seccomp_profile,
    baseline.sysctls,
    baseline.windows_host_process,
)
_OVERRIDDEN: Final = (baseline.capabilities, baseline.host_path_volumes, baseline.seccomp_profile)
"""By stricter checks of the restricted level."""
_CHECKS: Final[dict[str, Sequence[Check]]] = {
    PRIVILEGED: (),
    BASELINE: _BASELINE,
    RESTRICTED: (
        *(check for check in _BASELINE if check not in _OVERRIDDEN),
        restricted.allow_privilege_escalation,
        restricted.capabilities,
        restricted.volumes,
        restricted.run_as_non_root,
        restricted.run_as_user,
        restricted.seccomp_profile,
    ),
}


class Level(NamedTuple):
    """`version` is told, and otherwise taken for the latest: older ones forbid no more."""

    name: str = PRIVILEGED
    version: str = LATEST

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    def is_stricter(self, other: "Level") -> bool:
        """By name alone."""
        return LEVELS.index(self.name) > LEVELS.index(other.name)


def violations(level: str, metadata: Object, spec: Object) -> list[str]:
    """What of a Pod (or of a template) the level forbids, in Kubernetes' order."""
    return [text for check in _CHECKS[level] if (text := check(metadata, spec))]
