"""Roles and bindings as one list of grants: who may do what, where, and by which binding."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from strongroom.machinery.gvk import Object

RBAC_GROUP: Final = "rbac.authorization.k8s.io"
_ALL: Final = "*"


class Subject(NamedTuple):
    """`kind`: User, Group or ServiceAccount; `namespace` is a ServiceAccount's."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def user_name(self) -> str:
        """As requests name it."""
        if self.kind == "ServiceAccount":
            return f"system:serviceaccount:{self.namespace}:{self.name}"
        return self.name

    @property
    def built_in(self) -> bool:
        """A part of the control plane, or a node: not somebody whom an administrator let in."""
        everyone = self.name in ("system:authenticated", "system:unauthenticated", "system:anonymous")
        accounts = self.name.startswith("system:serviceaccount")
        return (
            self.kind != "ServiceAccount" and self.name.startswith("system:") and not (everyone or accounts)
        )


class Action(NamedTuple):
    """What is asked: `resource` may carry a subresource (`pods/exec`). `name` "": of whatever name."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule of a role that the binding `via` gives to a subject. `namespace` "": everywhere."""

    subject: Subject
    namespace: str
    via: str
    verbs: Sequence[str]
    groups: Sequence[str]
    resources: Sequence[str]
    names: Sequence[str]

    def allows(self, action: Action) -> bool:
        """As RBAC decides: a rule with names says nothing of objects whose name is not known."""
        if self.namespace and self.namespace != action.namespace:
            return False
        if self.names and action.name not in self.names:
            return False
        if not _has(self.verbs, action.verb) or not _has(self.groups, action.group):
            return False
        base, _, part = action.resource.partition("/")
        if _ALL in self.resources or action.resource in self.resources:
            return True
        return bool(part) and f"*/{part}" in self.resources and bool(base)


def _has(allowed: Sequence[str], wanted: str) -> bool:
    return wanted in allowed or _ALL in allowed


def collect(
    roles: Iterable[Object],
    cluster_roles: Iterable[Object],
    role_bindings: Iterable[Object],
    cluster_role_bindings: Iterable[Object],
) -> list[Grant]:
    """All grants. A binding to a role that is not there gives nothing."""
    rules: dict[tuple[str, str, str], list[Object]] = {}
    for role in roles:
        metadata = role["metadata"]
        rules["Role", metadata["namespace"], metadata["name"]] = role.get("rules") or []
    for role in cluster_roles:
        rules["ClusterRole", "", role["metadata"]["name"]] = role.get("rules") or []
    found: list[Grant] = []
    for kind, bindings in (("RoleBinding", role_bindings), ("ClusterRoleBinding", cluster_role_bindings)):
        for binding in bindings:
            found += _of_binding(kind, binding, rules)
    return found


def _of_binding(
    kind: str, binding: Object, rules: dict[tuple[str, str, str], list[Object]]
) -> Iterator[Grant]:
    metadata, reference = binding["metadata"], binding["roleRef"]
    namespace = metadata.get("namespace") or ""
    place = namespace if reference["kind"] == "Role" else ""
    shown = f"{namespace}/{metadata['name']}" if namespace else metadata["name"]
    via = f"{kind} {shown} of {reference['kind']} {reference['name']}"
    for rule in rules.get((reference["kind"], place, reference["name"]), ()):
        for subject in binding.get("subjects") or ():
            yield Grant(
                _subject(subject, namespace),
                namespace,
                via,
                *(
                    tuple(rule.get(field) or ())
                    for field in ("verbs", "apiGroups", "resources", "resourceNames")
                ),
            )


def _subject(subject: Object, namespace: str) -> Subject:
    if subject["kind"] == "ServiceAccount":
        return Subject("ServiceAccount", subject.get("namespace") or namespace, subject["name"])
    account = subject["name"].split(":") if subject["kind"] == "User" else []
    if account[:2] == ["system", "serviceaccount"] and len(account) == 4:
        return Subject("ServiceAccount", account[2], account[3])
    return Subject(subject["kind"], "", subject["name"])
