"""Rules as RBAC writes them: verbs on resources, or on paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import RequestInfo

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Allows `verbs` on `resources` (`pods`, `pods/log`, `*`, `*/status`) of `groups`, or on `paths`.

    `names`: only on objects of these names; none: on all."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def allows(self, info: RequestInfo) -> bool:
        if info.is_resource:
            return self.concerns(info) and (not self.names or info.name in self.names)
        if info.verb not in self.verbs and ALL not in self.verbs:
            return False
        return any(_path_matches(path, info.path) for path in self.paths)

    def concerns(self, info: RequestInfo) -> bool:
        """Whether it allows the verb on the resource, for some name at least."""
        if info.verb not in self.verbs and ALL not in self.verbs:
            return False
        if info.group not in self.groups and ALL not in self.groups:
            return False
        if ALL in self.resources:
            return True
        if not info.subresource:
            return info.resource in self.resources
        return (
            f"{info.resource}/{info.subresource}" in self.resources
            or f"*/{info.subresource}" in self.resources
        )


def _path_matches(rule: str, path: str) -> bool:
    return path.startswith(rule.rstrip("*")) if rule.endswith("*") else path == rule


def from_object(rule: Mapping[str, Any]) -> Rule:
    """A PolicyRule of a role."""

    def strings(field: str) -> tuple[str, ...]:
        return tuple(rule.get(field) or ())

    return Rule(
        strings("verbs"),
        strings("apiGroups"),
        strings("resources"),
        strings("nonResourceURLs"),
        strings("resourceNames"),
    )


def to_object(rule: Rule) -> Object:
    """The PolicyRule; empty fields are left out."""
    fields = {
        "verbs": rule.verbs,
        "apiGroups": rule.groups,
        "resources": rule.resources,
        "resourceNames": rule.names,
        "nonResourceURLs": rule.paths,
    }
    return {name: list(values) for name, values in fields.items() if values}


def core(verbs: str, *resources: str) -> Rule:
    """A rule on core resources; `verbs` separated by blanks."""
    return Rule(tuple(verbs.split()), groups=("",), resources=resources)
