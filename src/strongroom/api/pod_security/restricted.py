"""The restricted level: what is good practice for a Pod that needs nothing of its node."""

from typing import Final

from strongroom.api.pod_security import baseline, words
from strongroom.machinery.gvk import Object

_VOLUMES: Final = frozenset(
    (
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    )
)
_SECCOMP: Final = ("RuntimeDefault", "Localhost")
_WINDOWS: Final = "windows"


def _is_windows(spec: Object) -> bool:
    return bool((spec.get("os") or {}).get("name") == _WINDOWS)


def allow_privilege_escalation(_: Object, spec: Object) -> str:
    if _is_windows(spec):
        return ""
    names = words.offending(
        spec, lambda container: words.context(container).get("allowPrivilegeEscalation") is not False
    )
    text = f"{words.shown(names)} must set securityContext.allowPrivilegeEscalation=false"
    return f"allowPrivilegeEscalation != false ({text})" if names else ""


def capabilities(_: Object, spec: Object) -> str:
    if _is_windows(spec):
        return ""
    names = words.offending(
        spec,
        lambda container: (
            "ALL" not in ((words.context(container).get("capabilities") or {}).get("drop") or ())
        ),
    )
    found = [f'{words.shown(names)} must set securityContext.capabilities.drop=["ALL"]'] if names else []
    if added := baseline.added_beyond(spec, frozenset(("NET_BIND_SERVICE",))):
        found.append(added)
    return f"unrestricted capabilities ({'; '.join(found)})" if found else ""


def volumes(_: Object, spec: Object) -> str:
    names, kinds = [], set()
    for volume in spec.get("volumes") or ():
        used = {field for field, value in volume.items() if field != "name" and value is not None} - _VOLUMES
        if used:
            names.append(volume["name"])
            kinds |= used
    if not names:
        return ""
    verb = "uses" if len(names) == 1 else "use"
    what = "restricted volume type" + ("s" if len(kinds) > 1 else "")
    shown = words.plural("volume", "volumes", names)
    return f"restricted volume types ({shown} {verb} {what} {words.quoted(sorted(kinds))})"


def run_as_non_root(_: Object, spec: Object) -> str:
    of_pod = words.context(spec).get("runAsNonRoot")
    explicit, implicit = [], []
    for container in words.containers(spec):
        own = words.context(container).get("runAsNonRoot")
        if own is False:
            explicit.append(container.get("name", ""))
        elif own is None and not of_pod:
            implicit.append(container.get("name", ""))
    setters = ["pod"] if of_pod is False else []
    if explicit:
        setters.append(words.shown(explicit))
    if setters:
        return (
            f"runAsNonRoot != true ({' and '.join(setters)} must not set securityContext.runAsNonRoot=false)"
        )
    if implicit:
        where = f"pod or {words.shown(implicit)}"
        return f"runAsNonRoot != true ({where} must set securityContext.runAsNonRoot=true)"
    return ""


def run_as_user(_: Object, spec: Object) -> str:
    setters = ["pod"] if words.context(spec).get("runAsUser") == 0 else []
    if names := words.offending(spec, lambda container: words.context(container).get("runAsUser") == 0):
        setters.append(words.shown(names))
    return f"runAsUser=0 ({' and '.join(setters)} must not set runAsUser=0)" if setters else ""


def seccomp_profile(_: Object, spec: Object) -> str:
    if _is_windows(spec):
        return ""

    def profile(holder: Object) -> str:
        return str((words.context(holder).get("seccompProfile") or {}).get("type") or "")

    of_pod = profile(spec)
    setters, bad = (["pod"], {of_pod}) if of_pod and of_pod not in _SECCOMP else ([], set())
    explicit = words.offending(spec, lambda container: profile(container) not in ("", *_SECCOMP))
    implicit = words.offending(spec, lambda container: not profile(container) and not of_pod)
    bad |= {profile(container) for container in words.containers(spec)} - {"", *_SECCOMP}
    if explicit:
        setters.append(words.shown(explicit))
    if setters:
        values = words.quoted(sorted(bad))
        what = f"securityContext.seccompProfile.type to {values}"
        return f"seccompProfile ({' and '.join(setters)} must not set {what})"
    if implicit:
        wanted = '"RuntimeDefault" or "Localhost"'
        where = f"pod or {words.shown(implicit)}"
        return f"seccompProfile ({where} must set securityContext.seccompProfile.type to {wanted})"
    return ""
