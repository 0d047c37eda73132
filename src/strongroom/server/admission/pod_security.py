"""PodSecurity: the labels of a namespace say what its Pods may ask for. Kubernetes' "Pod Security Admission".

`enforce` refuses Pods; `warn` warns, of Pods and of workloads that make them; `audit` is kept, and asks
nothing. Without a label everything is allowed.
"""

from typing import Final

from strongroom.api import resources
from strongroom.api.pod_security import levels
from strongroom.api.pod_security.levels import LATEST, LEVELS, PRIVILEGED, Level
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission.plugin import CREATE, UPDATE, Attributes

PREFIX: Final = "pod-security.kubernetes.io/"
MODES: Final = ("enforce", "audit", "warn")
_MARK: Final = b'"pod-security.kubernetes.io/'
_TEMPLATES: Final = (resources.DEPLOYMENTS, resources.REPLICA_SETS)


class PodSecurity:
    def __init__(self, namespaces: Registry) -> None:
        self._namespaces = namespaces

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        if operation not in (CREATE, UPDATE):
            return False
        if resource == resources.PODS:
            return (operation == CREATE and not subresource) or subresource == "ephemeralcontainers"
        return not subresource and resource in (*_TEMPLATES, resources.NAMESPACES)

    async def admit(self, attributes: Attributes) -> None:
        obj = attributes.obj
        assert obj is not None, "creations and updates have an object"
        if attributes.resource == resources.NAMESPACES:
            _check_labels(obj)
            return
        wanted = self._levels(attributes.namespace)
        if not wanted:
            return
        is_pod = attributes.resource == resources.PODS
        holder = obj if is_pod else obj["spec"].get("template") or {}
        metadata, spec = holder.get("metadata") or {}, holder.get("spec") or {}
        level = wanted.get("enforce")
        if is_pod and level is not None and (found := levels.violations(level.name, metadata, spec)):
            text = f'violates PodSecurity "{level}": {", ".join(found)}'
            raise status.forbidden(attributes.resource, attributes.shown_name, text)
        level = wanted.get("warn")
        if level is not None and (found := levels.violations(level.name, metadata, spec)):
            attributes.warnings.append(f'would violate PodSecurity "{level}": {", ".join(found)}')

    def _levels(self, namespace: str) -> dict[str, Level]:
        """Of each mode that asks for anything. A namespace without labels is not even decoded."""
        entry = self._namespaces.find("", namespace)
        if entry is None or _MARK not in entry.item:
            return {}
        labels = entry.decode()["metadata"].get("labels") or {}
        found = {}
        for mode in ("enforce", "warn"):
            name = labels.get(PREFIX + mode, PRIVILEGED)
            if name in LEVELS and name != PRIVILEGED:
                found[mode] = Level(name, labels.get(f"{PREFIX}{mode}-version") or LATEST)
        return found


def _check_labels(namespace: Object) -> None:
    """Raises StatusError 422 for a level or version that there is not."""
    labels = namespace["metadata"].get("labels") or {}
    errors = []
    for mode in MODES:
        key = PREFIX + mode
        if key in labels and labels[key] not in LEVELS:
            text = f"must be one of {', '.join(LEVELS)}"
            errors.append(validation.invalid_value(f"metadata.labels[{key}]", labels[key], text))
        version = labels.get(f"{key}-version")
        if version is not None and not _is_version(version):
            text = 'must be "latest" or "v1.x"'
            errors.append(validation.invalid_value(f"metadata.labels[{key}-version]", version, text))
    if errors:
        raise status.invalid(resources.NAMESPACES, namespace["metadata"].get("name", ""), errors)


def _is_version(text: str) -> bool:
    return text == LATEST or (text.startswith("v1.") and text[3:].isdigit())
