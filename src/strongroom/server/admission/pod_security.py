"""PodSecurity: the labels of a namespace say what its Pods may ask for. Kubernetes' "Pod Security Admission".

Pods beyond the `enforce` level are refused. Of those and of workloads that make them, `warn` tells the client
and `audit` the audit log. Who raises `enforce` is told which Pods that are there violate it.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from strongroom.api import resources
from strongroom.api.pod_security import levels, policy
from strongroom.api.pod_security.levels import PRIVILEGED, Level
from strongroom.api.pod_security.policy import PREFIX, Policy
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission.durations import VALIDATE, Who
from strongroom.server.admission.plugin import CREATE, UPDATE, Attributes

MAX_PODS: Final = 3000
MAX_SECONDS: Final = 1.0
"""How many Pods are looked at, and for how long, when a namespace's level is raised."""
_MARK: Final = b'"pod-security.kubernetes.io/'
_SPEC: Final = ("spec", "template")
_TEMPLATES: Final = {
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): _SPEC,
    ("apps", "daemonsets"): _SPEC,
    ("apps", "deployments"): _SPEC,
    ("apps", "replicasets"): _SPEC,
    ("apps", "statefulsets"): _SPEC,
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "jobs"): _SPEC,
}
"""Where kinds that make Pods say what Pods, whichever of the kinds are served."""
_NOTHING: Final = Policy()


class PodSecurity:
    """`monotonic`: seconds, for the limit on looking at Pods."""

    who = Who("PodSecurity", VALIDATE)

    def __init__(
        self, namespaces: Registry, pods: Registry, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._namespaces = namespaces
        self._pods = pods
        self._monotonic = monotonic

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if operation not in (CREATE, UPDATE):
            return False
        if resource == resources.PODS:
            return not subresource or subresource == "ephemeralcontainers"
        makes_pods = (resource.group, resource.plural) in _TEMPLATES
        return not subresource and (makes_pods or resource == resources.NAMESPACES)

    async def admit(self, attributes: Attributes) -> None:
        obj, old = attributes.obj, attributes.old
        assert obj is not None, "creations and updates have an object"
        if attributes.resource == resources.NAMESPACES:
            self._admit_namespace(attributes, obj, old)
            return
        wanted = self._policy(attributes.namespace)
        if attributes.resource == resources.PODS:
            if attributes.operation == CREATE or old is None or _is_significant(obj, old):
                attributes.annotations[PREFIX + "enforce-policy"] = str(wanted.enforce)
                _evaluate(attributes, wanted, obj["metadata"], obj["spec"], enforce=True)
        elif template := _template(attributes.resource, obj):
            metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
            _evaluate(attributes, wanted, metadata, spec, enforce=False)

    def _admit_namespace(self, attributes: Attributes, obj: Object, old: Object | None) -> None:
        """Raises StatusError 422 for a level or version that there is not."""
        new, errors = policy.of(obj["metadata"].get("labels") or {})
        before, known = policy.of((old or {"metadata": {}})["metadata"].get("labels") or {})
        if errors and (old is None or errors != known):
            raise status.invalid(resources.NAMESPACES, obj["metadata"].get("name", ""), errors)
        if old is None or new.enforce == before.enforce or new.enforce.name == PRIVILEGED:
            return
        if new.enforce.version != before.enforce.version or new.enforce.is_stricter(before.enforce):
            attributes.warnings += self._existing(attributes.name, new.enforce)

    def _existing(self, namespace: str, level: Level) -> list[str]:
        """Warnings of Pods in the namespace that violate the level."""
        until = self._monotonic() + MAX_SECONDS
        entries = self._pods.rows.entries(self._pods.resource.key(namespace, ""))
        pods = _one_of_each_first(entry.decode() for entry in entries if not entry.error)
        checked = min(len(pods), MAX_PODS)
        violators: dict[str, list[str]] = {}
        for index, pod in enumerate(pods[:MAX_PODS]):
            if found := levels.violations(level.name, pod["metadata"], pod["spec"]):
                reasons = ", ".join(text.partition(" (")[0] for text in found)
                violators.setdefault(reasons, []).append(pod["metadata"]["name"])
            if self._monotonic() > until:
                checked = index + 1
                break
        warnings = []
        if checked < len(pods):
            warnings.append(
                "new PodSecurity enforce level only checked against the first "
                f"{checked} of {len(pods)} existing pods"
            )
        if violators:
            where, new = validation.go_quote(namespace), validation.go_quote(str(level))
            warnings.append(
                f"existing pods in namespace {where} violate the new PodSecurity enforce level {new}"
            )
        return warnings + sorted(_shown(names, reasons) for reasons, names in violators.items())

    def _policy(self, namespace: str) -> Policy:
        """A namespace without such labels is not even decoded."""
        entry = self._namespaces.find("", namespace)
        if entry is None or _MARK not in entry.item:
            return _NOTHING
        return policy.of(entry.decode()["metadata"].get("labels") or {})[0]


def _evaluate(
    attributes: Attributes, wanted: Policy, metadata: Object, spec: Object, *, enforce: bool
) -> None:
    """Notes what `audit` and `warn` say. Raises StatusError 403 for what `enforce` forbids."""
    results: dict[str, str] = {}

    def violated(level: Level) -> str:
        if level.name not in results:
            results[level.name] = ", ".join(levels.violations(level.name, metadata, spec))
        return f'PodSecurity "{level}": {results[level.name]}' if results[level.name] else ""

    if found := violated(wanted.audit):
        attributes.annotations[PREFIX + "audit-violations"] = f"would violate {found}"
    if enforce and (found := violated(wanted.enforce)):
        raise status.forbidden(attributes.resource, attributes.shown_name, f"violates {found}")
    if found := violated(wanted.warn):
        attributes.warnings.append(f"would violate {found}")


def _template(resource: Resource, obj: Object) -> Object:
    """Of the Pods that the object makes; empty if it has none."""
    found = obj
    for field in _TEMPLATES[resource.group, resource.plural]:
        found = found.get(field) or {}
    return found


def _is_significant(pod: Object, old: Object) -> bool:
    """Whether an update may make the Pod ask for more: containers come, or their images change."""
    new, before = pod["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        ours, theirs = new.get(field) or (), before.get(field) or ()
        if [each.get("image") for each in ours] != [each.get("image") for each in theirs]:
            return True
    known = {each["name"]: each.get("image") for each in before.get("ephemeralContainers") or ()}
    added = new.get("ephemeralContainers") or ()
    return any(each["name"] not in known or known[each["name"]] != each.get("image") for each in added)


def _one_of_each_first(pods: Iterable[Object]) -> list[Object]:
    """Pods of one controller are alike: the others of it come last."""
    seen: set[str] = set()
    first, rest = list[Object](), list[Object]()
    for pod in pods:
        owners = pod["metadata"].get("ownerReferences") or ()
        uid = next((owner["uid"] for owner in owners if owner.get("controller")), "")
        (rest if uid and uid in seen else first).append(pod)
        seen.add(uid)
    return first + rest


def _shown(names: list[str], reasons: str) -> str:
    others = len(names) - 1
    more = "" if not others else f" (and {others} other pod{'s' if others > 1 else ''})"
    return f"{min(names)}{more}: {reasons}"
