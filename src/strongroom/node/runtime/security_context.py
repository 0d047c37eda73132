"""Who a container runs as and what it may do (`securityContext` of pod and container)."""

from collections.abc import Sequence
from typing import Any

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import labels

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class RunsAsRootError(Exception):
    """`runAsNonRoot` is asked for and cannot be kept. `str()` is the text for the pod's status."""


def effective(pod: Object, container: Object) -> dict[str, Any]:
    """The container's security context, with what it leaves open taken from the pod's."""
    whole = (pod.get("spec") or {}).get("securityContext") or {}
    own = container.get("securityContext") or {}
    shared = ("runAsUser", "runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile")
    return {name: whole[name] for name in shared if whole.get(name) is not None} | {
        name: value for name, value in own.items() if value is not None
    }


def namespaces(pod: Object) -> pb.NamespaceOption:
    """Which namespaces a pod has of its own, and which it shares with the machine."""
    spec = pod.get("spec") or {}
    if spec.get("hostPID"):
        pid = pb.NODE
    else:
        pid = pb.POD if spec.get("shareProcessNamespace") else pb.CONTAINER
    return pb.NamespaceOption(
        network=pb.NODE if spec.get("hostNetwork") else pb.POD,
        pid=pid,
        ipc=pb.NODE if spec.get("hostIPC") else pb.POD,
    )


def supplemental_groups(pod: Object) -> list[int]:
    whole = (pod.get("spec") or {}).get("securityContext") or {}
    groups = [int(whole["fsGroup"])] if whole.get("fsGroup") is not None else []
    return groups + [int(group) for group in whole.get("supplementalGroups") or ()]


def seccomp(profile: Object | None) -> pb.SecurityProfile:
    """Unconfined unless a profile is named."""
    match (profile or {}).get("type"):
        case "RuntimeDefault":
            return pb.SecurityProfile(profile_type=pb.SecurityProfile.RuntimeDefault)
        case "Localhost":
            path = str((profile or {}).get("localhostProfile") or "")
            return pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref=path)
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.Unconfined)


def selinux(options: Object | None) -> pb.SELinuxOption | None:
    if not options:
        return None
    return pb.SELinuxOption(
        user=options.get("user", ""),
        role=options.get("role", ""),
        type=options.get("type", ""),
        level=options.get("level", ""),
    )


def verify_non_root(pod: Object, container: Object, image: pb.Image) -> None:
    """Raise `RunsAsRootError` where `runAsNonRoot` holds and the user is root, or not known not to be."""
    context = effective(pod, container)
    if not context.get("runAsNonRoot"):
        return
    where = f'(pod: "{labels.full_name(pod)}", container: {container["name"]})'
    if context.get("runAsUser") is not None:
        if int(context["runAsUser"]) == 0:
            raise RunsAsRootError(f"container's runAsUser breaks non-root policy {where}")
    elif image.HasField("uid"):
        if image.uid.value == 0:
            raise RunsAsRootError(f"container has runAsNonRoot and image will run as root {where}")
    elif image.username:
        raise RunsAsRootError(
            f"container has runAsNonRoot and image has non-numeric user ({image.username}),"
            f" cannot verify user is non-root {where}"
        )
    else:
        raise RunsAsRootError(f"container has runAsNonRoot and image will run as root {where}")


def of_container(
    pod: Object, container: Object, image: pb.Image, target: str = ""
) -> pb.LinuxContainerSecurityContext:
    """The runtime's security context. `image` tells the user where the pod does not. `target`: the container
    whose processes this one is to see, unless the pod or the machine shares all of them already."""
    context = effective(pod, container)
    privileged = bool(context.get("privileged"))
    unmasked = privileged or context.get("procMount") == "Unmasked"
    capabilities = context.get("capabilities") or {}
    result = pb.LinuxContainerSecurityContext(
        capabilities=pb.Capability(
            add_capabilities=capabilities.get("add") or (),
            drop_capabilities=capabilities.get("drop") or (),
        ),
        privileged=privileged,
        namespace_options=namespaces(pod),
        selinux_options=selinux(context.get("seLinuxOptions")),
        readonly_rootfs=bool(context.get("readOnlyRootFilesystem")),
        supplemental_groups=supplemental_groups(pod),
        no_new_privs=context.get("allowPrivilegeEscalation") is False,
        masked_paths=_paths(MASKED_PATHS, unmasked),
        readonly_paths=_paths(READONLY_PATHS, unmasked),
        seccomp=seccomp(context.get("seccompProfile")),
    )
    if target and result.namespace_options.pid == pb.CONTAINER:
        result.namespace_options.pid = pb.TARGET
        result.namespace_options.target_id = target
    _set_user(result, context, image)
    return result


def _paths(paths: Sequence[str], unmasked: bool) -> Sequence[str]:
    return () if unmasked else paths


def _set_user(result: pb.LinuxContainerSecurityContext, context: Object, image: pb.Image) -> None:
    if context.get("runAsUser") is not None:
        result.run_as_user.value = int(context["runAsUser"])
    elif image.HasField("uid"):
        result.run_as_user.value = image.uid.value
    elif image.username:
        result.run_as_username = image.username
    if context.get("runAsGroup") is not None:
        result.run_as_group.value = int(context["runAsGroup"])
