"""What is recorded: policies of `audit.k8s.io/v1`. Kubernetes' "Auditing", section "Audit policy".

Of what holds values no policy records more than metadata: `Request` and `RequestResponse` mean `Metadata` for
Secrets, ConfigMaps and tokens. That is what upstream recommends; here it can't be forgotten.
"""

from dataclasses import dataclass, replace
from typing import Final

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization import system_roles

NONE: Final = "None"
METADATA: Final = "Metadata"
REQUEST: Final = "Request"
REQUEST_RESPONSE: Final = "RequestResponse"
LEVELS: Final = (NONE, METADATA, REQUEST, REQUEST_RESPONSE)
RECEIVED: Final = "RequestReceived"
STARTED: Final = "ResponseStarted"
COMPLETE: Final = "ResponseComplete"
PANIC: Final = "Panic"
STAGES: Final = (RECEIVED, STARTED, COMPLETE, PANIC)
API_VERSION: Final = "audit.k8s.io/v1"
_WITH_VALUES: Final = ("secrets", "configmaps")
_TOKENS: Final = "token"
_AUTHENTICATION: Final = "authentication.k8s.io"


@dataclass(frozen=True, slots=True)
class Resources:
    group: str
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def match(self, info: RequestInfo) -> bool:
        if self.group not in ("*", info.group):
            return False
        if self.names and info.name not in self.names:
            return False
        if not self.resources or "*" in self.resources:
            return True
        whole = f"{info.resource}/*" in self.resources
        if not info.subresource:
            return whole or info.resource in self.resources
        forms = (f"{info.resource}/{info.subresource}", f"*/{info.subresource}")
        return whole or any(form in self.resources for form in forms)


@dataclass(frozen=True, slots=True)
class Rule:
    """All criteria that are given must hold. `omit_stages`: with those of the policy."""

    level: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset((RECEIVED,))
    omit_managed_fields: bool = False

    def match(self, user: UserInfo, info: RequestInfo) -> bool:
        if self.users and user.name not in self.users:
            return False
        if self.groups and not set(self.groups) & set(user.groups):
            return False
        if self.verbs and info.verb not in self.verbs:
            return False
        if info.is_resource:
            if self.paths:
                return False
            if self.namespaces and info.namespace not in self.namespaces:
                return False
            return not self.resources or any(each.match(info) for each in self.resources)
        if self.resources or self.namespaces:
            return False
        return not self.paths or any(_path_matches(path, info.path) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Policy:
    """`refusals`: 401 and 403, and paths that there are not, are recorded whatever the rules say."""

    rules: tuple[Rule, ...]
    refusals: bool = False

    def rule(self, user: UserInfo, info: RequestInfo) -> Rule:
        """The first that matches, at most for metadata of what holds values; or one that records nothing."""
        for rule in self.rules:
            if rule.match(user, info):
                if rule.level in (REQUEST, REQUEST_RESPONSE) and not _may_be_shown(info):
                    return replace(rule, level=METADATA)
                return rule
        return NOTHING

    @property
    def looks_at_names(self) -> bool:
        return any(each.names for rule in self.rules for each in rule.resources)

    def records(self, stage: str) -> bool:
        """Whether any rule puts that stage on record."""
        return any(rule.level != NONE and stage not in rule.omit_stages for rule in self.rules)

    @property
    def shows_bodies(self) -> bool:
        return any(rule.level in (REQUEST, REQUEST_RESPONSE) for rule in self.rules)


def _may_be_shown(info: RequestInfo) -> bool:
    """Bodies of resources alone, and of none that holds values of Secrets, ConfigMaps or tokens."""
    if not info.is_resource or info.group == _AUTHENTICATION or info.subresource == _TOKENS:
        return False
    return bool(info.group) or info.resource not in _WITH_VALUES


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern.rstrip("*")) if pattern.endswith("*") else path == pattern


NOTHING: Final = Rule(NONE)


_COMPONENTS: Final = tuple(system_roles.USERS)
_READS: Final = ("get", "list", "watch")
_ROUTINE: Final = (
    Resources("", ("nodes", "nodes/status", "pods", "pods/status", "namespaces")),
    Resources("coordination.k8s.io"),
)
_EVENTS: Final = (Resources("", ("events",)), Resources("events.k8s.io"))

DEFAULT: Final = Policy(
    (
        Rule(METADATA, resources=(Resources("", ("secrets", "secrets/*", "serviceaccounts/token")),)),
        # The work that components do all the time, none of it on Secrets; what they make and delete is told.
        Rule(NONE, users=_COMPONENTS, verbs=_READS, resources=(Resources("*", ("*",)),)),
        Rule(NONE, users=_COMPONENTS, verbs=("update", "patch"), resources=_ROUTINE),
        Rule(NONE, users=_COMPONENTS, resources=_EVENTS),
        Rule(NONE, groups=("system:nodes",), resources=(*_ROUTINE, *_EVENTS)),
        Rule(NONE, verbs=_READS, resources=_EVENTS),
        # Health, discovery and schemas.
        Rule(NONE, verbs=("get", "head", "options"), paths=("*",)),
        Rule(METADATA),
    ),
    refusals=True,
)
"""All that people and Pods do, every use of a Secret by whomever, every refusal; no routine of components."""
