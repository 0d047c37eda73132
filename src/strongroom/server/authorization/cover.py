"""Whether rights cover others: who grants what they do not hold is escalating.

Semantics and notation of Kubernetes' `component-helpers/auth/rbac/validation`.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from strongroom.machinery import validation
from strongroom.server.authorization.rules import ALL, Rule

LIMIT: Final = 100_000
"""Combinations of verbs, groups, resources and names that are compared one by one."""


class TooMany(Exception):
    """The rules have more combinations than are looked at."""


def uncovered(held: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """What of `wanted` is not among `held`, each as a rule of one verb. Raises TooMany."""
    found: list[Rule] = []
    budget = LIMIT
    for rule in wanted:
        if any(_covers(holder, rule) for holder in held):
            continue
        for simple in _pieces(rule):
            budget -= 1
            if budget < 0:
                raise TooMany
            if not any(_covers(holder, simple) for holder in held):
                found.append(simple)
    return found


def describe(rules: Iterable[Rule]) -> str:
    """One line for each resource or path, its verbs together, sorted."""
    merged: dict[Rule, dict[str, None]] = {}
    for rule in rules:
        key = Rule((), rule.groups, rule.resources, rule.paths, rule.names)
        merged.setdefault(key, {}).update(dict.fromkeys(rule.verbs))
    return "\n".join(sorted(_shown(key, tuple(verbs)) for key, verbs in merged.items()))


def _pieces(rule: Rule) -> Iterator[Rule]:
    """Every combination on its own."""
    for group, resource, verb in itertools.product(rule.groups, rule.resources, rule.verbs):
        for name in rule.names or ("",):
            yield Rule((verb,), (group,), (resource,), (), (name,) if rule.names else ())
    for path, verb in itertools.product(rule.paths, rule.verbs):
        yield Rule((verb,), paths=(path,))


def _covers(holder: Rule, rule: Rule) -> bool:
    if not _contains(holder.verbs, rule.verbs):
        return False
    if rule.paths and not all(_covers_path(holder.paths, path) for path in rule.paths):
        return False
    if not rule.resources:
        return bool(rule.paths)
    if not _contains(holder.groups, rule.groups):
        return False
    if holder.names and (not rule.names or not set(rule.names) <= set(holder.names)):
        return False
    return all(_covers_resource(holder.resources, resource) for resource in rule.resources)


def _contains(held: Sequence[str], wanted: Sequence[str]) -> bool:
    return ALL in held or set(wanted) <= set(held)


def _covers_resource(held: Sequence[str], resource: str) -> bool:
    if ALL in held or resource in held:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in held


def _covers_path(held: Sequence[str], path: str) -> bool:
    return any(
        holder == path or (holder.endswith("*") and path.startswith(holder.rstrip("*"))) for holder in held
    )


def _shown(rule: Rule, verbs: tuple[str, ...]) -> str:
    parts = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.paths),
        ("ResourceNames", rule.names),
        ("Verbs", verbs),
    )
    return "{" + ", ".join(f"{name}:{quoted(values)}" for name, values in parts if values) + "}"


def quoted(values: Iterable[str]) -> str:
    """As Go's `%q` prints a slice."""
    return "[" + " ".join(map(validation.go_quote, values)) + "]"
