"""Oddities of a Pod that are allowed, told in `Warning` headers."""

from collections.abc import Iterator

from strongroom.api.core.v1.pod import containers
from strongroom.machinery.gvk import Object


def warnings(pod: Object) -> list[str]:
    return list(_warnings(pod["spec"]))


def _warnings(spec: Object) -> Iterator[str]:
    for index, reference in enumerate(spec.get("imagePullSecrets") or ()):
        if not reference.get("name"):
            yield f'spec.imagePullSecrets[{index}].name: invalid empty name ""'
    for path, container in containers.every(spec):
        yield from _hidden_variables(container, path)
        yield from _same_ports(container, path)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        yield (
            "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
            "treated as 1"
        )


def _hidden_variables(container: Object, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        # A later value that refers to the former one extends it: nothing is hidden.
        if name in seen and f"$({name})" not in variable.get("value", ""):
            yield (
                f'{path}.env[{index}]: hides previous definition of "{name}", which may be dropped when '
                "using apply"
            )
        seen.add(name)


def _same_ports(container: Object, path: str) -> Iterator[str]:
    seen: dict[tuple[object, ...], int] = {}
    for index, port in enumerate(container.get("ports") or ()):
        key = (port.get("protocol"), port.get("hostIP"), port.get("hostPort"), port.get("containerPort"))
        if key in seen:
            yield f"{path}.ports[{index}]: duplicate port definition with {path}.ports[{seen[key]}]"
        else:
            seen[key] = index
