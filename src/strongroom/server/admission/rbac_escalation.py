"""Nobody grants what they do not hold: the checks of writes to roles and bindings.

Kubernetes' "Privilege escalation prevention and bootstrapping" and `pkg/registry/rbac/*/policybased`.
"""

from collections.abc import Sequence
from typing import Final

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import RequestInfo
from strongroom.server.admission.durations import VALIDATE, Who
from strongroom.server.admission.plugin import CREATE, UPDATE, Attributes
from strongroom.server.authorization import cover, masters, rules
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.authorization.rbac_index import MissingRole, RBACIndex
from strongroom.server.authorization.rules import Rule

_ROLES: Final = (resources.ROLES, resources.CLUSTER_ROLES)
_BINDINGS: Final = (resources.ROLE_BINDINGS, resources.CLUSTER_ROLE_BINDINGS)


class RBACEscalation:
    """Compares what a write grants with what its writer holds. The verbs `escalate` and `bind` excuse."""

    who = Who("RBACEscalation", VALIDATE)

    def __init__(self, index: RBACIndex, authorizer: Authorizer) -> None:
        self._index = index
        self._authorizer = authorizer

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and not subresource and resource in (*_ROLES, *_BINDINGS)

    async def admit(self, attributes: Attributes) -> None:
        """Raises StatusError 403, 404."""
        new, old = attributes.obj, attributes.old
        assert new is not None, "a write has an object"
        if masters.GROUP in attributes.user.groups:
            return
        if attributes.resource in _ROLES:
            self._check_role(attributes, new, old)
        elif old is None or _granted(new) != _granted(old):
            self._check_binding(attributes, new)

    def _check_role(self, attributes: Attributes, new: Object, old: Object | None) -> None:
        aggregates = new.get("aggregationRule")
        if (
            old is not None
            and (new.get("rules") or []) == (old.get("rules") or [])
            and (aggregates == old.get("aggregationRule"))
        ):
            return
        if self._may(attributes, "escalate", attributes.resource, attributes.name, attributes.namespace):
            return
        wanted = [rules.from_object(rule) for rule in new.get("rules") or ()]
        if aggregates:
            wanted += masters.EVERYTHING
        self._confirm(attributes, wanted)

    def _check_binding(self, attributes: Attributes, new: Object) -> None:
        reference = new.get("roleRef") or {}
        kind, name = reference.get("kind", ""), reference.get("name", "")
        role = next((each for each in _ROLES if each.kind == kind), None)
        if role is None or not name:
            return  # validation refuses it
        if self._may(attributes, "bind", role, name, attributes.namespace):
            return
        self._index.catch_up()
        try:
            wanted = self._index.role(kind, attributes.namespace, name)
        except MissingRole:
            raise status.not_found(role, name) from None
        self._confirm(attributes, wanted)

    def _may(self, attributes: Attributes, verb: str, role: Resource, name: str, namespace: str) -> bool:
        info = RequestInfo(True, verb, "", role.group, role.version, namespace, role.plural, "", name)
        return self._authorizer.authorize(attributes.user, info).decision is Decision.ALLOW

    def _confirm(self, attributes: Attributes, wanted: Sequence[Rule]) -> None:
        user = attributes.user
        self._index.catch_up()
        held, problems = self._index.rules(user, attributes.namespace)
        try:
            missing = cover.uncovered(held, wanted)
        except cover.TooMany:
            raise status.forbidden(
                attributes.resource, attributes.shown_name, "the rules are too many to be compared"
            ) from None
        if not missing:
            return
        text = (
            f'user "{user.name}" (groups={cover.quoted(user.groups)}) is attempting to grant '
            f"RBAC permissions not currently held:\n{cover.describe(missing)}"
        )
        if problems:
            text += f"; resolution errors: [{', '.join(problems)}]"
        raise status.forbidden(attributes.resource, attributes.shown_name, text)


def _granted(binding: Object) -> object:
    return binding.get("roleRef"), binding.get("subjects") or []
