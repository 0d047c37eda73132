"""Oddities of a Pod or a Pod template that are allowed, told in `Warning` headers (`GetWarningsForPod`)."""

from collections.abc import Iterator
from typing import Final

from strongroom.api.core.v1.pod import containers, warnings_placement, warnings_ports, warnings_volumes
from strongroom.api.core.v1.pod.validation_annotations import SECCOMP_CONTAINER, SECCOMP_POD
from strongroom.machinery import addresses, names, quantity
from strongroom.machinery.gvk import Object

_INTEGERS: Final = ("memory", "ephemeral-storage")
_DEPRECATED_ANNOTATIONS: Final = (
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        'non-functional in v1.16+; use the "priorityClassName" field instead',
    ),
    ("security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        'non-functional in v1.11+; use the "sysctls" field instead',
    ),
)


def of_name(name: str) -> list[str]:
    """About the name of a new Pod."""
    messages = names.dns1123_label(name)
    if not messages:
        return []
    return [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
        f"a DNS label is recommended: [{' '.join(messages)}]"
    ]


def warnings(pod: Object, path: str = "") -> list[str]:
    """About a Pod, or the template that lies at `path`."""
    return list(_warnings(pod["spec"], pod.get("metadata") or {}, f"{path}." if path else ""))


def _warnings(spec: Object, metadata: Object, at: str) -> Iterator[str]:
    yield from warnings_placement.labels(spec, at)
    annotations = metadata.get("annotations") or {}
    for key, text in _DEPRECATED_ANNOTATIONS:
        if key in annotations:
            yield f"{at}metadata.annotations[{key}]: {text}"
    yield from warnings_volumes.warnings(spec, at)
    yield from _repeated(spec, "hostAliases", "ip", at)
    yield from _repeated(spec, "imagePullSecrets", "name", at)
    for index, reference in enumerate(spec.get("imagePullSecrets") or ()):
        if not reference.get("name"):
            yield f'{at}spec.imagePullSecrets[{index}].name: invalid empty name ""'
    yield from _fractions(spec.get("overhead") or {}, f"{at}spec.overhead")
    if SECCOMP_POD in annotations and not _has_seccomp(spec):
        yield f"{at}metadata.annotations[{SECCOMP_POD}]: {_seccomp_text()}"
    for path, container in _visited(spec, at):
        key = SECCOMP_CONTAINER + container.get("name", "")
        if key in annotations and not _has_seccomp(container):
            yield f"{at}metadata.annotations[{key}]: {_seccomp_text()}"
        for kind in ("limits", "requests"):
            wanted = (container.get("resources") or {}).get(kind) or {}
            yield from _fractions(wanted, f"{path}.resources.{kind}")
        yield from _hidden_variables(container, path)
    yield from warnings_ports.warnings(_visited(spec, at))
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        yield (
            f"{at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
            "treated as 1"
        )
    yield from warnings_placement.selectors(spec, at)
    for index, address in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        yield from addresses.warnings(f"{at}spec.dnsConfig.nameservers[{index}]", address)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        yield from addresses.warnings(f"{at}spec.hostAliases[{index}].ip", alias.get("ip", ""))


def _visited(spec: Object, at: str) -> Iterator[tuple[str, Object]]:
    for path, container in containers.visited(spec):
        yield f"{at}{path}", container


def _seccomp_text() -> str:
    return 'non-functional in v1.27+; use the "seccompProfile" field instead'


def _has_seccomp(holder: Object) -> bool:
    return bool((holder.get("securityContext") or {}).get("seccompProfile"))


def _repeated(spec: Object, field: str, part: str, at: str) -> Iterator[str]:
    seen = set()
    for index, item in enumerate(spec.get(field) or ()):
        value = item.get(part, "")
        if value in seen:
            yield f'{at}spec.{field}[{index}].{part}: duplicate {part} "{value}"'
        seen.add(value)


def _fractions(amounts: Object, path: str) -> Iterator[str]:
    for name in _INTEGERS:
        if name in amounts and quantity.of(amounts[name]).nanos % quantity.NANO:
            yield f'{path}[{name}]: fractional byte value "{amounts[name]}" is invalid, must be an integer'


def _hidden_variables(container: Object, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        # A later value that refers to the former one extends it: nothing is hidden.
        value = variable.get("value", "")
        if name in seen and (value == f"$({name})" or f"$({name})" not in value):
            yield (
                f'{path}.env[{index}]: hides previous definition of "{name}", which may be dropped when '
                "using apply"
            )
        seen.add(name)
