"""Roles and bindings as the RBAC authorizer looks them up, kept current from their changes."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from strongroom.api import resources
from strongroom.api.rbac.v1 import binding as kinds
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.registry.generic import Registry
from strongroom.server.authorization import rules
from strongroom.server.authorization.rules import Rule
from strongroom.server.service_accounts import claims

Subject = tuple[str, str, str]
"""Namespace of the binding ("": everywhere), `User` or `Group`, name."""


class Binding(NamedTuple):
    """That a subject holds a role. `subject`: as reasons name it. `namespace` "": everywhere."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subject: str

    @property
    def reason(self) -> str:
        """Why what the role allows is allowed."""
        kind = "RoleBinding" if self.namespace else "ClusterRoleBinding"
        shown = f"{self.name}/{self.namespace}" if self.namespace else self.name
        return f'RBAC: allowed by {kind} "{shown}" of {self.role_kind} "{self.role_name}" to {self.subject}'


class MissingRole(Exception):
    """A binding names a role that is not there; the text is Kubernetes'."""


class RBACIndex:
    """`catch_up` before asking anything else; the answers are those of that moment."""

    def __init__(self, catalog: Catalog) -> None:
        self._roles: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._held: dict[Subject, dict[str, Binding]] = {}
        self._of_binding: dict[tuple[str, str], list[Subject]] = {}
        self._followed = tuple(
            _Followed(catalog[resource], take, drop)
            for resource, take, drop in (
                (resources.CLUSTER_ROLES, self._take_role, self._drop_role),
                (resources.ROLES, self._take_role, self._drop_role),
                (resources.CLUSTER_ROLE_BINDINGS, self._take_binding, self._drop_binding),
                (resources.ROLE_BINDINGS, self._take_binding, self._drop_binding),
            )
        )
        self._rows = tuple(followed.registry.rows for followed in self._followed)
        self._newest = -1
        self._seen: tuple[int, ...] = ()

    def catch_up(self) -> bool:
        """Take in what has changed; whether anything has."""
        newest = self._followed[0].registry.revision
        if newest == self._newest:
            return False
        self._newest = newest
        a, b, c, d = self._rows
        seen = (a.revision, b.revision, c.revision, d.revision)
        if seen == self._seen:
            return False
        for followed in self._followed:
            followed.catch_up()
        self._seen = seen
        return True

    def bindings(self, user: UserInfo, namespace: str) -> Iterator[Binding]:
        """What binds `user`: everywhere first, then in `namespace`, if any."""
        held = self._held
        for scope in ("", namespace) if namespace else ("",):
            yield from held.get((scope, kinds.USER, user.name), {}).values()
            for group in user.groups:
                yield from held.get((scope, kinds.GROUP_OF_USERS, group), {}).values()

    def role(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...]:
        """The rules of a role; `namespace` is that of the Role, or of the binding. Raises MissingRole."""
        found = self._roles.get((namespace if kind == resources.ROLES.kind else "", name))
        if found is None:
            raise MissingRole(f'{kind.lower()}.{kinds.GROUP} "{name}" not found')
        return found

    def rules(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """All that `user` may do in `namespace` ("": outside of any), and what could not be resolved."""
        held: list[Rule] = []
        problems: list[str] = []
        for binding in self.bindings(user, namespace):
            try:
                held += self.role(binding.role_kind, binding.namespace, binding.role_name)
            except MissingRole as missing:
                problems.append(str(missing))
        return held, problems

    # ---- changes ----

    def _take_role(self, namespace: str, name: str, role: Object) -> None:
        self._roles[namespace, name] = tuple(rules.from_object(rule) for rule in role.get("rules") or ())

    def _drop_role(self, namespace: str, name: str) -> None:
        self._roles.pop((namespace, name), None)

    def _take_binding(self, namespace: str, name: str, obj: Object) -> None:
        self._drop_binding(namespace, name)
        reference = obj["roleRef"]
        subjects: list[Subject] = []
        for subject in obj.get("subjects") or ():
            kind, shown = _subject(subject, namespace)
            held = (namespace, *kind)
            binding = Binding(namespace, name, reference["kind"], reference["name"], shown)
            self._held.setdefault(held, {}).setdefault(name, binding)
            subjects.append(held)
        self._of_binding[namespace, name] = subjects

    def _drop_binding(self, namespace: str, name: str) -> None:
        for subject in self._of_binding.pop((namespace, name), ()):
            held = self._held.get(subject)
            if held is not None and held.pop(name, None) is not None and not held:
                del self._held[subject]


class _Followed:
    """One resource, and what its changes mean for the index."""

    def __init__(
        self,
        registry: Registry,
        take: Callable[[str, str, Object], None],
        drop: Callable[[str, str], None],
    ) -> None:
        self.registry = registry
        self._take = take
        self._drop = drop
        self._revision = -1
        self._known: set[tuple[str, str]] = set()

    def catch_up(self) -> None:
        revision = self.registry.rows.revision
        if revision == self._revision:
            return
        changes = self.registry.changes(self._revision) if self._revision >= 0 else None
        if changes is None:
            self._forget(list(self._known))
            for entry in self.registry.rows.entries():
                # What can't be read grants nothing.
                if not entry.error:
                    self._set(entry.namespace, entry.name, entry.decode())
        else:
            for change in changes:
                entry = change.entry
                if change.type == "DELETED" or entry.error:
                    self._forget([(entry.namespace, entry.name)])
                else:
                    self._set(entry.namespace, entry.name, entry.decode())
        self._revision = revision

    def _set(self, namespace: str, name: str, obj: Object) -> None:
        self._known.add((namespace, name))
        self._take(namespace, name, obj)

    def _forget(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            self._known.discard(key)
            self._drop(*key)


def _subject(subject: Object, namespace: str) -> tuple[tuple[str, str], str]:
    """The user or group that is meant, and how reasons name it."""
    kind, name = subject["kind"], subject["name"]
    if kind == kinds.SERVICE_ACCOUNT:
        home = subject.get("namespace") or namespace
        return (kinds.USER, claims.username(home, name)), f'{kind} "{name}/{home}"'
    return (kind, name), f'{kind} "{name}"'
