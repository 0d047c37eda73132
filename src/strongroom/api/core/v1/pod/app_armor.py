"""AppArmor profiles of annotations, from before there was a field (`applyAppArmorVersionSkew`)."""

from collections.abc import Iterator

from strongroom.api.core.v1.pod import containers, validation_security
from strongroom.api.core.v1.pod.validation_annotations import APP_ARMOR, LOCALHOST
from strongroom.machinery.gvk import Object

_DEPRECATED = 'deprecated since v1.30; use the "appArmorProfile" field instead'
_TYPES = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}


def apply(pod: Object) -> list[str]:
    """Gives the containers of a new Pod the profiles that its annotations state, in place.

    Gives warnings of those that it followed, or could not follow, and that no field makes needless."""
    texts = []
    of_pod = _stated_by(pod["spec"])
    for key, annotation, container in _annotated(pod):
        profile = _profile(annotation)
        if _stated_by(container) is not None or (profile is not None and profile == of_pod):
            continue
        if profile is not None:
            context = container.get("securityContext") or {}
            container["securityContext"] = {**context, "appArmorProfile": profile}
        texts.append(f"metadata.annotations[{key}]: {_DEPRECATED}")
    return texts


def template_warnings(template: Object, path: str) -> list[str]:
    """About those of a template, which `apply` does not see: it lies at `path`."""
    of_pod = _stated_by(template["spec"])
    return [
        f"{path}.metadata.annotations[{key}]: {_DEPRECATED}"
        for key, annotation, container in _annotated(template)
        if _stated_by(container) is None and (of_pod is None or of_pod != _profile(annotation))
    ]


def _annotated(pod: Object) -> Iterator[tuple[str, str, Object]]:
    """The annotation of each container that has one: its key, its value, the container."""
    spec, annotations = pod["spec"], (pod.get("metadata") or {}).get("annotations") or {}
    if (spec.get("os") or {}).get("name") == "windows":
        return
    for _, container in containers.visited(spec):
        key = APP_ARMOR + container.get("name", "")
        if key in annotations:
            yield key, annotations[key], container


def _stated_by(holder: Object) -> Object | None:
    profile: Object | None = (holder.get("securityContext") or {}).get("appArmorProfile")
    return profile


def _profile(annotation: str) -> Object | None:
    """What a valid annotation states; None for another."""
    if annotation in _TYPES:
        return {"type": _TYPES[annotation]}
    local = annotation.removeprefix(LOCALHOST)
    if local == annotation or not local:
        return None
    profile = {"type": "Localhost", "localhostProfile": local}
    return None if validation_security.app_armor(profile, "") else profile
