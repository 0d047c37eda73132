"""Policy files, checked as kube-apiserver checks them: `apiserver/pkg/apis/audit/validation`.

A field that there is not is an error here, where kube-apiserver logs it: a rule with a misspelt criterion
matches more than is meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from strongroom.machinery import validation
from strongroom.machinery.validation import FieldError
from strongroom.server.audit.policy import API_VERSION, LEVELS, STAGES, Policy, Resources, Rule

_POLICY: Final = ("kind", "apiVersion", "metadata", "rules", "omitStages", "omitManagedFields")
_RULE: Final = (
    *("level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs"),
    *("omitStages", "omitManagedFields"),
)
_RESOURCES: Final = ("group", "resources", "resourceNames")
_LISTS: Final = ("users", "userGroups", "verbs", "namespaces", "nonResourceURLs", "omitStages")


class PolicyError(ValueError):
    """A policy that can't be followed: says which parts and why."""


def parse(document: Any) -> Policy:
    """A decoded policy file. Raises PolicyError, which names everything that is wrong."""
    if not isinstance(document, Mapping) or document.get("kind") != "Policy":
        raise PolicyError("kind: must be Policy")
    if document.get("apiVersion") != API_VERSION:
        raise PolicyError(f"apiVersion: must be {API_VERSION}")
    if found := list(_shape(document)):
        raise PolicyError(_several(found))
    rules = document.get("rules") or ()
    if not rules:
        raise PolicyError("rules: at least one is needed")
    errors = [*_stages(document, "omitStages")]
    for index, rule in enumerate(rules):
        errors += _rule(rule, f"rules[{index}]")
    if errors:
        raise PolicyError(_several(list(map(str, errors))))
    return Policy(tuple(_made(rule, document) for rule in rules))


def _several(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


# ---- shape: fields and their types ----


def _shape(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _fields(document, _POLICY, "")
    yield from _lists(document, ("omitStages",), "")
    rules = document.get("rules")
    if rules is not None and not isinstance(rules, list):
        yield "rules: must be a list"
        return
    for index, rule in enumerate(rules or ()):
        at = f"rules[{index}]"
        if not isinstance(rule, Mapping):
            yield f"{at}: must be an object"
            continue
        yield from _fields(rule, _RULE, f"{at}.")
        yield from _lists(rule, _LISTS, f"{at}.")
        resources = rule.get("resources")
        if resources is not None and not isinstance(resources, list):
            yield f"{at}.resources: must be a list"
            continue
        for number, each in enumerate(resources or ()):
            where = f"{at}.resources[{number}]"
            if not isinstance(each, Mapping):
                yield f"{where}: must be an object"
                continue
            yield from _fields(each, _RESOURCES, f"{where}.")
            yield from _lists(each, ("resources", "resourceNames"), f"{where}.")
            if not isinstance(each.get("group") or "", str):
                yield f"{where}.group: must be a string"


def _fields(holder: Mapping[str, Any], known: Sequence[str], at: str) -> Iterator[str]:
    for field in holder:
        if field not in known:
            yield f"{at}{field}: unknown field"
    if "omitManagedFields" in known and not isinstance(holder.get("omitManagedFields"), bool | None):
        yield f"{at}omitManagedFields: must be true or false"


def _lists(holder: Mapping[str, Any], fields: Sequence[str], at: str) -> Iterator[str]:
    for field in fields:
        values = holder.get(field)
        if values is not None and not (
            isinstance(values, list) and all(isinstance(value, str) for value in values)
        ):
            yield f"{at}{field}: must be a list of strings"


# ---- rules ----


def _rule(rule: Mapping[str, Any], at: str) -> Iterator[FieldError]:
    level = rule.get("level")
    if not level:
        yield validation.required(f"{at}.level")
    elif level not in LEVELS:
        yield validation.not_supported(f"{at}.level", level, LEVELS)
    urls = rule.get("nonResourceURLs") or []
    for index, url in enumerate(urls):
        where = f"{at}.nonResourceURLs[{index}]"
        if url != "*" and not url.startswith("/"):
            text = "non-resource URL rules must begin with a '/' character"
            yield validation.invalid_value(where, url, text)
        if "*" in url[:-1]:
            text = "non-resource URL wildcards '*' must be the final character of the rule"
            yield validation.invalid_value(where, url, text)
    for each in rule.get("resources") or ():
        if "/" in (each.get("group") or ""):
            text = "a group is meant, without its version"
            yield validation.invalid_value(f"{at}.resources.group", each["group"], text)
        if each.get("resourceNames") and not each.get("resources"):
            text = "using resourceNames requires at least one resource"
            yield validation.invalid_value(f"{at}.resources.resourceNames", each["resourceNames"], text)
    yield from _stages(rule, f"{at}.omitStages")
    if urls and (rule.get("resources") or rule.get("namespaces")):
        text = "rules cannot apply to both regular resources and non-resource URLs"
        yield validation.invalid_value(f"{at}.nonResourceURLs", urls, text)


def _stages(holder: Mapping[str, Any], at: str) -> Iterator[FieldError]:
    for index, stage in enumerate(holder.get("omitStages") or ()):
        if stage not in STAGES:
            yield validation.invalid_value(f"{at}[{index}]", stage, f"allowed stages are {','.join(STAGES)}")


def _made(rule: Mapping[str, Any], policy: Mapping[str, Any]) -> Rule:
    def strings(holder: Mapping[str, Any], field: str) -> tuple[str, ...]:
        return tuple(holder.get(field) or ())

    own = rule.get("omitManagedFields")
    return Rule(
        rule["level"],
        strings(rule, "users"),
        strings(rule, "userGroups"),
        strings(rule, "verbs"),
        tuple(
            Resources(each.get("group") or "", strings(each, "resources"), strings(each, "resourceNames"))
            for each in rule.get("resources") or ()
        ),
        strings(rule, "namespaces"),
        strings(rule, "nonResourceURLs"),
        frozenset((*strings(policy, "omitStages"), *strings(rule, "omitStages"))),
        bool(policy.get("omitManagedFields")) if own is None else own,
    )
