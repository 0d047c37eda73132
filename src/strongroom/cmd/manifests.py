"""Objects as manifests that any cluster takes: without what belongs to the cluster they come from. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from strongroom.api import resources, scheme
from strongroom.machinery.gvk import Object, Resource

DEFAULT: Final = ("namespaces", "secrets", "configmaps", "serviceaccounts")
"""What is moved when nothing is named."""

WITHHELD: Final = "strongroom.io/values"
"""Annotation of a Secret whose values were left out; it is not imported."""

_OF_THE_CLUSTER: Final = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "ownerReferences",
    "selfLink",
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_TOKEN: Final = "kubernetes.io/service-account-token"  # noqa: S105 - a type
_MADE_BY_CLUSTERS: Final = frozenset(("kube-root-ca.crt",))
_NAMESPACES_OF_CLUSTERS: Final = frozenset(("kube-system", "kube-public", "kube-node-lease", "default"))


def resource(name: str) -> Resource:
    """By plural, short or kind's name. Raises KeyError."""
    for served in scheme.STRATEGIES:
        if name.lower() in (served.plural, served.group_resource, served.kind.lower()):
            return served
    raise KeyError(name)


def is_moved(of: Resource, obj: Object) -> bool:
    """Whether another cluster can use it: not what each cluster makes for itself, nor tokens bound to a
    uid."""
    name = obj["metadata"]["name"]
    if of == resources.SECRETS:
        return bool(obj.get("type") != _TOKEN)
    if of == resources.CONFIG_MAPS:
        return name not in _MADE_BY_CLUSTERS
    if of == resources.SERVICE_ACCOUNTS:
        return bool(name != "default" or set(obj) - {"kind", "apiVersion", "metadata"})
    return of != resources.NAMESPACES or name not in _NAMESPACES_OF_CLUSTERS


def exported(of: Resource, obj: Object, *, values: bool) -> Object:
    """A manifest of an object. Without `values` those of a Secret are empty, and it is marked so."""
    made: dict[str, Any] = {key: value for key, value in obj.items() if key != "status"}
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _OF_THE_CLUSTER}
    annotations = dict(metadata.pop("annotations", None) or {})
    annotations.pop(_LAST_APPLIED, None)  # holds the values once more
    if of == resources.NAMESPACES:
        made.pop("spec", None)
    if of == resources.SERVICE_ACCOUNTS:
        made.pop("secrets", None)
    if of == resources.SECRETS and not values:
        made["data"] = dict.fromkeys(obj.get("data") or {}, "")
        annotations[WITHHELD] = "withheld"
    if annotations:
        metadata["annotations"] = annotations
    made["metadata"] = metadata
    return made


def objects(documents: Sequence[Any]) -> Iterator[Object]:
    """The objects of manifests, those in lists among them. Raises ValueError naming the document."""
    for number, document in enumerate(documents, 1):
        if document is None:
            continue
        items = document.get("items") if isinstance(document, dict) else [document]
        for item in items if isinstance(items, list) else [document]:
            metadata = item.get("metadata") if isinstance(item, dict) else None
            if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
                raise ValueError(f"document {number}: not an object with a name")
            if not isinstance(item.get("kind"), str) or not isinstance(item.get("apiVersion"), str):
                raise ValueError(f"document {number}: no kind or no apiVersion")
            yield item


def resource_of(obj: Object) -> Resource | None:
    """What it is an object of; None when that is not served."""
    for served in scheme.STRATEGIES:
        if (served.kind, served.api_version) == (obj["kind"], obj["apiVersion"]):
            return served
    return None
