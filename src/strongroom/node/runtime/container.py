"""The configuration of a container."""

from collections.abc import Sequence
from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node import env
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import labels, resources, security_context

TERMINATION_LOG = "/dev/termination-log"
_PROPAGATION = {
    "HostToContainer": pb.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": pb.PROPAGATION_BIDIRECTIONAL,
}


def config(
    pod: Object,
    container: Object,
    attempt: int,
    *,
    image: pb.Image,
    environment: env.Environment,
    mounts: Sequence[pb.Mount],
    memory: int,
    started_with: str = "",
    target: str = "",
) -> pb.ContainerConfig:
    """The configuration for the runtime. `attempt` is the restart count, `memory` the machine's bytes,
    `started_with` what `delivery.receipt.note` says, `target` the container whose processes it is to see."""
    metadata = pod["metadata"]
    grace = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    annotations = {
        labels.HASH: labels.container_hash(container),
        labels.RESTART_COUNT: str(attempt),
        labels.RESOURCES: resources.note(container),
        labels.TERMINATION_MESSAGE_PATH: termination_message_path(container),
        labels.TERMINATION_MESSAGE_POLICY: str(container.get("terminationMessagePolicy") or "File"),
    }
    if started_with:
        annotations[labels.STARTED_WITH] = started_with
    if grace is not None:
        annotations[labels.GRACE_PERIOD] = str(metadata.get("deletionGracePeriodSeconds", grace))
    return pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=container["name"], attempt=attempt),
        image=pb.ImageSpec(image=image.id, user_specified_image=container.get("image", "")),
        command=env.expand_all(container.get("command") or (), environment),
        args=env.expand_all(container.get("args") or (), environment),
        working_dir=container.get("workingDir") or "",
        envs=[pb.KeyValue(key=name, value=value) for name, value in environment.values.items()],
        mounts=mounts,
        labels=labels.of_container(pod, container),
        annotations=annotations,
        log_path=log_path(container["name"], attempt),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        linux=pb.LinuxContainerConfig(
            resources=resources.of_container(pod, container, memory),
            security_context=security_context.of_container(pod, container, image, target),
        ),
    )


def log_path(name: str, attempt: int) -> str:
    """A container's log, relative to the directory of its pod's logs."""
    return f"{name}/{attempt}.log"


def termination_message_path(container: Object) -> str:
    return str(container.get("terminationMessagePath") or TERMINATION_LOG)


def volume_mount(mount: Object, host_path: Path, *, read_only_volume: bool) -> pb.Mount:
    """The runtime's mount for one of `volumeMounts`.

    Volumes made of API objects are mounted read-only, whatever `readOnly` says.
    """
    read_only = read_only_volume or bool(mount.get("readOnly"))
    path = str(mount["mountPath"])
    return pb.Mount(
        container_path=path if path.startswith("/") else f"/{path}",
        host_path=str(host_path),
        readonly=read_only,
        propagation=_PROPAGATION.get(str(mount.get("mountPropagation")), pb.PROPAGATION_PRIVATE),
    )
