"""From a pod's object to a running container: its sandbox, its configuration, its start."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strongroom.api.core.v1.pod import secret_uses
from strongroom.machinery.gvk import Object
from strongroom.node import env, events, hooks, pod_status, pod_termination
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError
from strongroom.node.delivery import receipt
from strongroom.node.delivery.receipt import Held
from strongroom.node.lookup import NotSyncedError
from strongroom.node.redaction import redact
from strongroom.node.runtime import container as containers
from strongroom.node.runtime import hosts, labels, observed, sandbox, security_context
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox
from strongroom.node.runtime.plan import Start
from strongroom.node.services import Services
from strongroom.node.volumes import manager as volumes
from strongroom.node.volumes import subpath
from strongroom.node.volumes.payload import VolumeError

_HOSTS = "/etc/hosts"


class StartError(Exception):
    """A container could not be started. `reason` and `str()` go to its status; never a value of a Secret."""

    def __init__(self, reason: str, message: str, event: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.event = message if event is None else event
        """What an Event tells of it; "": nothing."""


def sandbox_config(services: Services, pod: Object, attempt: int) -> pb.PodSandboxConfig:
    """The configuration of the pod's sandbox number `attempt`."""
    return sandbox.config(
        pod,
        attempt,
        logs_dir=services.logs_dir,
        host_resolver=services.machine.resolver,
        seen=pod_status.timestamp(services.now()),
    )


def _grouped_config(services: Services, pod: Object, attempt: int) -> pb.PodSandboxConfig:
    """The same, with the control group of the pod, which is made or brought up to date."""
    config = sandbox_config(services, pod, attempt)
    if services.cgroups is not None:
        config.linux.cgroup_parent = services.cgroups.make(pod)
    return config


async def make_sandbox(services: Services, pod: Object, attempt: int) -> Sandbox:
    """Create and start a sandbox. Raises `CRIError`."""
    config = _grouped_config(services, pod, attempt)
    Path(config.log_directory).mkdir(mode=0o755, parents=True, exist_ok=True)
    sandbox_id = await services.cri.run_pod_sandbox(config)
    return observed.sandbox_of(await services.cri.pod_sandbox_status(sandbox_id))


async def start_container(
    services: Services,
    pod: Object,
    start: Start,
    image: pb.Image,
    home: Sandbox,
    held: Mapping[str, Held],
    runtime: PodRuntime,
    *,
    wanted: Callable[[], bool],
    started: Callable[[], None] = lambda: None,
) -> None:
    """Create and start a container in the sandbox `home`, and run its postStart hook. Raises `StartError`.

    `held`: what the pod's volumes are made of. `runtime`: the pod's containers as they are.

    Once it has begun it must not be cancelled until `started` is called, which is when nothing but the hook
    is left to do; it ends early, between its steps, when `wanted` is no more.
    """
    spec = start.container
    path = events.field_path(spec, is_init=start.is_init, is_ephemeral=start.is_ephemeral)
    config, secret_values, hidden = await _configure(services, pod, start, image, home, held, runtime)
    try:
        if start.leftover is not None:
            await services.cri.remove_container(start.leftover.id)
            services.forget_env(start.leftover.id)
        container_id = await services.cri.create_container(
            home.id, config, _grouped_config(services, pod, home.attempt)
        )
        if services.secret_env is not None:
            services.secret_env.put(container_id, hidden)
    except CRIError as error:
        raise StartError("CreateContainerError", redact(error.message, secret_values)) from None
    except OSError as error:
        text = f"the environment could not be written: {error.strerror}"
        raise StartError("CreateContainerError", text) from None
    services.recorder.event(pod, events.NORMAL, "Created", "Container created", path)
    if not wanted():
        return
    hook = (spec.get("lifecycle") or {}).get("postStart")
    if hook is not None:
        services.probes.hold(container_id)
    try:
        await services.cri.start_container(container_id)
        services.recorder.event(pod, events.NORMAL, "Started", "Container started", path)
        if hook is not None:
            started()
            await _post_start(services, pod, start, container_id, home, runtime)
    except CRIError as error:
        text = redact(error.message, secret_values)
        # Texts that differ by an id alone would be counted as different Events.
        raise StartError("RunContainerError", text, text.replace(container_id, spec["name"])) from None
    finally:
        services.probes.release(container_id)


async def _post_start(
    services: Services,
    pod: Object,
    start: Start,
    container_id: str,
    home: Sandbox,
    runtime: PodRuntime,
) -> None:
    spec = start.container
    path = events.field_path(spec, is_init=start.is_init, is_ephemeral=start.is_ephemeral)
    address, full_name = next(iter(home.ips), ""), labels.full_name(pod)
    handler = spec["lifecycle"]["postStart"]
    try:
        await hooks.run(services.exec_sync, handler, spec, container_id, address, full_name)
    except hooks.HookError as error:
        services.recorder.event(pod, events.WARNING, "FailedPostStartHook", "PostStartHook failed", path)
        failed = Container(container_id, spec["name"])

        def grace() -> int:
            return pod_termination.grace_period(pod, runtime, gone=False)

        # The kubelet gives the reason, by its name in the code, as the text of the Event.
        await pod_termination.stop_container(services, pod, failed, runtime, grace, "FailedPostStartHook")
        raise StartError("PostStartHookError", str(error), event="") from None


async def _configure(
    services: Services,
    pod: Object,
    start: Start,
    image: pb.Image,
    home: Sandbox,
    held: Mapping[str, Held],
    runtime: PodRuntime,
) -> tuple[pb.ContainerConfig, Sequence[bytes], bytes]:
    """The container's configuration, the values that must not be told, and what `SecretEnv` keeps of them."""
    spec = start.container
    try:
        security_context.verify_non_root(pod, spec, image)
        target = _target(spec, runtime)
        facts = await services.pod_facts(pod, spec, home.ips)
        environment = env.build(pod, spec, services.objects, facts)
        mounts = _mounts(services, pod, spec, environment, home)
        noted = receipt.note(spec, _env_versions(services, pod, spec), held)
    except (env.EnvError, security_context.RunsAsRootError, VolumeError, NotSyncedError) as error:
        raise StartError("CreateContainerConfigError", str(error)) from None
    except OSError as error:
        text = f"error making pod data directories: {error.strerror}"
        raise StartError("CreateContainerConfigError", text) from None
    shown, hidden = environment, b""
    if services.secret_env is not None:
        shown, hidden = services.secret_env.hide(environment)
    config = containers.config(
        pod,
        spec,
        start.attempt,
        image=image,
        environment=shown,
        mounts=mounts,
        memory=services.machine.memory,
        started_with=noted,
        target=target,
    )
    seccomp = config.linux.security_context.seccomp
    if seccomp.localhost_ref:
        # The API has made sure that it is a path that stays below.
        seccomp.localhost_ref = str(services.seccomp_dir / seccomp.localhost_ref)
    log = services.logs_dir / labels.log_directory(pod) / spec["name"]
    log.mkdir(mode=0o755, parents=True, exist_ok=True)
    return config, [environment.values[name] for name in environment.secret], hidden


def _target(spec: Object, runtime: PodRuntime) -> str:
    """Id of the container whose processes an ephemeral one is to see; "": its own alone."""
    name = str(spec.get("targetContainerName") or "")
    if not name:
        return ""
    found = runtime.latest(name)
    if found is None:
        raise StartError("CreateContainerConfigError", f"unable to find target container {name}")
    return found.id


def _env_versions(services: Services, pod: Object, spec: Object) -> dict[str, str]:
    namespace = pod["metadata"]["namespace"]
    return {
        name: receipt.version_of(services.objects.secret(namespace, name))
        for name in secret_uses.env_secrets(spec)
    }


def _mounts(
    services: Services, pod: Object, spec: Object, environment: env.Environment, home: Sandbox
) -> list[pb.Mount]:
    """Mounts of volumes, then the hosts file and the place for a termination message."""
    by_name = {volume["name"]: volume for volume in (pod.get("spec") or {}).get("volumes") or ()}
    mounts = []
    for index, mount in enumerate(spec.get("volumeMounts") or ()):
        if mount.get("readOnly") and mount.get("recursiveReadOnly") == "Enabled":
            text = f'volume "{mount["name"]}" requested recursive read-only mode, but it is not supported'
            raise VolumeError(f"failed to resolve recursive read-only mode: {text} by the runtime")
        volume = by_name[mount["name"]]
        read_only = volumes.kind(volume) in volumes.READ_ONLY
        host_path = services.volumes.path(pod, volume)
        if part := _sub_path(mount, environment):
            place = services.volumes.pod_dir(pod["metadata"]["uid"]) / "volume-subpaths"
            target = place / volume["name"] / spec["name"] / str(index)
            host_path = _prepare(host_path, part, target, mount, spec, create=not read_only)
        mounts.append(containers.volume_mount(mount, host_path, read_only_volume=read_only))
    directory = services.volumes.pod_dir(pod["metadata"]["uid"])
    taken = {mount.container_path for mount in mounts}
    if _HOSTS not in taken:
        mounts.append(
            pb.Mount(container_path=_HOSTS, host_path=str(_hosts_file(services, pod, directory, home)))
        )
    message = containers.termination_message_path(spec)
    if message not in taken:
        mounts.append(pb.Mount(container_path=message, host_path=str(_message_file(directory, spec["name"]))))
    return mounts


def _sub_path(mount: Object, environment: env.Environment) -> str:
    if expression := mount.get("subPathExpr"):
        return env.expand_all([expression], environment)[0]
    return str(mount.get("subPath") or "")


def _prepare(volume: Path, part: str, target: Path, mount: Object, spec: Object, *, create: bool) -> Path:
    try:
        return subpath.prepare(volume, part, target, create=create)
    except (OSError, VolumeError):
        raise VolumeError(
            f'failed to prepare subPath for volumeMount "{mount["name"]}" of container "{spec["name"]}"'
        ) from None


def _hosts_file(services: Services, pod: Object, directory: Path, home: Sandbox) -> Path:
    path = directory / "etc-hosts"
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    hostname = sandbox.hostname(pod) or services.machine.hostname
    path.write_text(hosts.text(pod, home.ips, hostname, services.machine.hosts))
    path.chmod(0o644)
    return path


def _message_file(directory: Path, name: str) -> Path:
    folder = directory / "containers" / name
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    path = folder / secrets.token_hex(4)
    path.touch()
    path.chmod(0o666)
    return path
