"""What is recorded: policies of `audit.k8s.io/v1`. Kubernetes' "Auditing", section "Audit policy".

This server records metadata at most: `Request` and `RequestResponse` mean `Metadata` here, so that no policy
can put a value of a Secret into the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from strongroom.machinery.request_info import RequestInfo, UserInfo

NONE: Final = "None"
METADATA: Final = "Metadata"
LEVELS: Final = (NONE, METADATA, "Request", "RequestResponse")
STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
API_VERSION: Final = "audit.k8s.io/v1"


class PolicyError(ValueError):
    """A policy that can't be followed: says which part and why."""


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
        if not info.subresource:
            return info.resource in self.resources
        forms = (
            f"{info.resource}/{info.subresource}",
            f"*/{info.subresource}",
            f"{info.resource}/*",
        )
        return any(form in self.resources for form in forms)


@dataclass(frozen=True, slots=True)
class Rule:
    """All criteria that are given must hold."""

    level: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()

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
    omit_stages: frozenset[str] = frozenset()
    refusals: bool = False

    def rule(self, user: UserInfo, info: RequestInfo) -> Rule | None:
        """The first that matches; None: nothing is recorded."""
        return next((rule for rule in self.rules if rule.match(user, info)), None)

    @property
    def looks_at_names(self) -> bool:
        return any(each.names for rule in self.rules for each in rule.resources)


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def parse(document: Any) -> Policy:
    """A decoded policy file. Raises PolicyError."""
    if not isinstance(document, Mapping) or document.get("kind") != "Policy":
        raise PolicyError("kind: must be Policy")
    if document.get("apiVersion") != API_VERSION:
        raise PolicyError(f"apiVersion: must be {API_VERSION}")
    rules = document.get("rules")
    if not rules or not isinstance(rules, Sequence):
        raise PolicyError("rules: at least one is needed")
    return Policy(
        tuple(_rule(rule, f"rules[{index}]") for index, rule in enumerate(rules)),
        _stages(document, "omitStages"),
    )


def _rule(rule: Any, at: str) -> Rule:
    if not isinstance(rule, Mapping):
        raise PolicyError(f"{at}: must be an object")
    level = rule.get("level")
    if level not in LEVELS:
        raise PolicyError(f"{at}.level: must be one of {', '.join(LEVELS)}")
    resources, paths = rule.get("resources") or (), _strings(rule, "nonResourceURLs", at)
    if (resources or rule.get("namespaces")) and paths:
        raise PolicyError(f"{at}: rules cannot apply to both regular resources and non-resource URLs")
    return Rule(
        level,
        _strings(rule, "users", at),
        _strings(rule, "userGroups", at),
        _strings(rule, "verbs", at),
        tuple(
            Resources(
                str(each.get("group", "")),
                _strings(each, "resources", f"{at}.resources[{index}]"),
                _strings(each, "resourceNames", f"{at}.resources[{index}]"),
            )
            for index, each in enumerate(resources)
        ),
        _strings(rule, "namespaces", at),
        paths,
        _stages(rule, f"{at}.omitStages"),
    )


def _strings(holder: Mapping[str, Any], field: str, at: str) -> tuple[str, ...]:
    values = holder.get(field) or ()
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise PolicyError(f"{at}.{field}: must be a list of strings")
    return tuple(values)


def _stages(holder: Mapping[str, Any], at: str) -> frozenset[str]:
    stages = _strings(holder, "omitStages", at.rpartition(".")[0] or "policy")
    for stage in stages:
        if stage not in STAGES:
            raise PolicyError(f"{at}: unknown stage {stage}")
    return frozenset(stages)


_COMPONENTS: Final = (
    "system:kube-scheduler",
    "system:kube-controller-manager",
    "system:controller:generic-garbage-collector",
    "system:controller:resourcequota-controller",
    "system:controller:endpoint-controller",
    "system:controller:endpointslice-controller",
)
_ROUTINE: Final = (
    Resources("", ("events", "nodes", "nodes/status", "pods", "pods/status", "namespaces")),
    Resources("coordination.k8s.io"),
    Resources("events.k8s.io"),
)

DEFAULT: Final = Policy(
    (
        Rule(METADATA, resources=(Resources("", ("secrets", "secrets/*", "serviceaccounts/token")),)),
        # The work that components do all the time, none of it on Secrets.
        Rule(NONE, users=_COMPONENTS, resources=_ROUTINE),
        Rule(NONE, users=_COMPONENTS, verbs=("get", "list", "watch"), resources=(Resources("*", ("*",)),)),
        Rule(NONE, groups=("system:nodes",), resources=_ROUTINE),
        Rule(NONE, verbs=("get", "list", "watch"), resources=(Resources("", ("events",)),)),
        # Health, discovery and schemas.
        Rule(NONE, verbs=("get", "head", "options"), paths=("*",)),
        Rule(METADATA),
    ),
    refusals=True,
)
"""All that people and Pods do, every use of a Secret by whomever, every refusal; no routine of components."""
