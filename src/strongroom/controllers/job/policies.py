"""What a Job says about the ends of its Pods beyond their number. Pure.

Source: Kubernetes documentation, "Jobs" (Pod failure policy, success policy); KEP-3329, KEP-3998.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from strongroom.controllers.job import indexes
from strongroom.controllers.job.conditions import Verdict
from strongroom.machinery.gvk import Object


class Match(NamedTuple):
    """The first rule that speaks of a Pod's failure, and the words for it."""

    action: str
    message: str


def failure(policy: Object | None, pod: Object) -> Match | None:
    """None: no rule does, the failure counts."""
    for number, rule in enumerate((policy or {}).get("rules") or ()):
        if (what := _matches(rule, pod)) is not None:
            action = rule.get("action", "")
            return Match(action, f"{what} matching {action} rule at index {number}")
    return None


def success(policy: Object | None, completed: set[int]) -> Verdict | None:
    """Whether the indexes that are complete are enough."""
    for number, rule in enumerate((policy or {}).get("rules") or ()):
        wanted = indexes.parse(rule["succeededIndexes"]) if rule.get("succeededIndexes") else None
        found = completed if wanted is None else completed & wanted
        needed = rule.get("succeededCount")
        if needed is None:
            needed = len(wanted or ())
        if needed and len(found) >= needed:
            return Verdict("SuccessPolicy", f"Matched rules at index {number}")
    return None


def _matches(rule: Object, pod: Object) -> str | None:
    metadata, status = pod["metadata"], pod.get("status") or {}
    name = f"{metadata['namespace']}/{metadata['name']}"
    if (codes := rule.get("onExitCodes")) is not None:
        for container, code in _exit_codes(status):
            if codes.get("containerName") in (None, container) and _is_meant(codes, code):
                return f"Container {container} for pod {name} failed with exit code {code}"
        return None
    for condition in status.get("conditions") or ():
        for pattern in rule.get("onPodConditions") or ():
            wanted = (pattern.get("type"), pattern.get("status") or "True")
            if (condition.get("type"), condition.get("status")) == wanted:
                return f"Pod {name} has condition {condition['type']}"
    return None


def _exit_codes(status: Object) -> Iterable[tuple[str, int]]:
    """Of the containers that failed, the init containers last."""
    for field in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(field) or ():
            ended: Any = (each.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode"):
                yield each.get("name", ""), ended["exitCode"]


def _is_meant(codes: Object, code: int) -> bool:
    held = code in (codes.get("values") or ())
    return held if codes.get("operator") == "In" else not held and codes.get("operator") == "NotIn"
