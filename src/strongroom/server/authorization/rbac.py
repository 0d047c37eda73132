"""The RBAC authorizer: roles and bindings decide. Kubernetes' "Using RBAC Authorization"."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import NO_OPINION, Decision, Verdict
from strongroom.server.authorization.rbac_index import MissingRole, RBACIndex
from strongroom.server.authorization.rules import Rule

CACHE_SIZE: Final = 16_384

Key = tuple[str, tuple[str, ...], str, str, str, str, str]


class _Decided(NamedTuple):
    """What holds for objects of any name, and for those whose names rules list."""

    any_name: Verdict
    by_name: Mapping[str, Verdict]


class RBACAuthorizer:
    """Decisions are kept until a role or binding changes; then all are made anew when asked for."""

    def __init__(self, index: RBACIndex) -> None:
        self._index = index
        self._decided: dict[Key, _Decided] = {}
        self._paths: dict[tuple[str, tuple[str, ...]], list[tuple[Rule, Verdict]]] = {}

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        if self._index.catch_up():
            self._decided.clear()
            self._paths.clear()
        if not info.is_resource:
            return self._path(user, info)
        key = (
            user.name,
            user.groups,
            info.namespace,
            info.verb,
            info.group,
            info.resource,
            info.subresource,
        )
        decided = self._decided.get(key)
        if decided is None:
            if len(self._decided) >= CACHE_SIZE:
                self._decided.clear()
            decided = self._decided[key] = self._decide(user, info)
        if decided.by_name:
            return decided.by_name.get(info.name, decided.any_name)
        return decided.any_name

    def rules(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """All that `user` may do in `namespace`, and what could not be resolved."""
        self._index.catch_up()
        return self._index.rules(user, namespace)

    def _decide(self, user: UserInfo, info: RequestInfo) -> _Decided:
        by_name: dict[str, Verdict] = {}
        missing: list[str] = []
        for binding in self._index.bindings(user, info.namespace):
            try:
                rules = self._index.role(binding.role_kind, binding.namespace, binding.role_name)
            except MissingRole as problem:
                missing.append(str(problem))
                continue
            for rule in rules:
                if not rule.concerns(info):
                    continue
                verdict = Verdict(Decision.ALLOW, binding.reason)
                if not rule.names:
                    return _Decided(verdict, {})
                for name in rule.names:
                    by_name.setdefault(name, verdict)
        return _Decided(_refusal(missing), by_name)

    def _path(self, user: UserInfo, info: RequestInfo) -> Verdict:
        key = (user.name, user.groups)
        known = self._paths.get(key)
        if known is None:
            if len(self._paths) >= CACHE_SIZE:
                self._paths.clear()
            known = self._paths[key] = self._path_rules(user)
        for rule, verdict in known:
            if rule.allows(info):
                return verdict
        return NO_OPINION

    def _path_rules(self, user: UserInfo) -> list[tuple[Rule, Verdict]]:
        found: list[tuple[Rule, Verdict]] = []
        for binding in self._index.bindings(user, ""):
            try:
                rules = self._index.role(binding.role_kind, "", binding.role_name)
            except MissingRole:
                continue
            found += [(rule, Verdict(Decision.ALLOW, binding.reason)) for rule in rules if rule.paths]
        return found


def _refusal(missing: list[str]) -> Verdict:
    if not missing:
        return NO_OPINION
    distinct = list(dict.fromkeys(missing))
    shown = distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"
    return Verdict(Decision.NO_OPINION, f"RBAC: {shown}")
