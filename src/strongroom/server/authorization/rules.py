"""Rules as RBAC writes them: verbs on resources, or on paths."""

from dataclasses import dataclass

from strongroom.machinery.request_info import RequestInfo

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Allows `verbs` on `resources` (`pods`, `pods/log`, `*`, `*/status`) of `groups`, or on `paths`."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def allows(self, info: RequestInfo) -> bool:
        if info.verb not in self.verbs and ALL not in self.verbs:
            return False
        if not info.is_resource:
            return any(_path_matches(path, info.path) for path in self.paths)
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
    return path.startswith(rule[:-1]) if rule.endswith("*") else path == rule


def core(verbs: str, *resources: str) -> Rule:
    """A rule on core resources; `verbs` separated by blanks."""
    return Rule(tuple(verbs.split()), groups=("",), resources=resources)
