"""Whether a container that ended runs again: by its own rules, its own policy, or the Pod's (KEP-5307).

Source: `ContainerShouldRestart` of Kubernetes 1.36.
"""

from collections.abc import Iterator
from typing import Any, Final

from strongroom.api.core.v1.pod import containers
from strongroom.machinery.gvk import Object

NEVER: Final = "Never"
ON_FAILURE: Final = "OnFailure"
_RESTART: Final = "Restart"
_RESTART_ALL: Final = "RestartAllContainers"


def again(container: Object, spec: Object, exit_code: int) -> bool:
    """Whether it runs again after this exit code. `spec`: that of its Pod."""
    if _action(container, exit_code) in (_RESTART, _RESTART_ALL):
        return True
    policy = _policy(container, spec)
    return exit_code != 0 if policy == ON_FAILURE else policy != NEVER


def ever(container: Object, spec: Object) -> bool:
    """Whether there is a way for it to run again."""
    if any(rule.get("action") in (_RESTART, _RESTART_ALL) for rule in _rules(container)):
        return True
    return _policy(container, spec) != NEVER


def takes_all(container: Object, exit_code: int) -> bool:
    """Whether by this exit code all containers of the Pod run again, from the first init container on."""
    return _action(container, exit_code) == _RESTART_ALL


def may_take_all(spec: Object) -> bool:
    """Whether some container of the Pod may have them all run again."""
    return any(
        rule.get("action") == _RESTART_ALL
        for kind in ("initContainers", "containers")
        for container in containers.of(spec, kind)
        for rule in _rules(container)
    )


def _policy(container: Object, spec: Object) -> str:
    return str(container.get("restartPolicy") or spec.get("restartPolicy"))


def _rules(container: Object) -> list[Any]:
    return (container.get("restartPolicyRules") or []) if container.get("restartPolicy") else []


def _action(container: Object, exit_code: int) -> str:
    """That of the first rule for the code; "" where there is none."""
    return next(_matching(container, exit_code), "")


def _matching(container: Object, exit_code: int) -> Iterator[str]:
    for rule in _rules(container):
        codes = rule.get("exitCodes") or {}
        if (exit_code in (codes.get("values") or ())) is (codes.get("operator") == "In"):
            yield str(rule.get("action"))
