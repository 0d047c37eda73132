"""The rules of containers: regular, init and ephemeral ones."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from strongroom.api.core.v1.pod import (
    containers,
    validation_claims,
    validation_env,
    validation_mount,
    validation_probe,
    validation_resources,
    validation_restart,
    validation_security,
)
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
RESIZABLE = ("cpu", "memory")
RESIZE_POLICIES = ("NotRequired", "RestartContainer")
Volumes = Mapping[str, Object]
_ONLY_SIDECARS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_NOT_EPHEMERAL = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe",
    "readinessProbe", "startupProbe", "lifecycle",
)  # fmt: skip


def validate_all(spec: Object, volumes: Volumes, *, is_pod: bool) -> list[FieldError]:
    """All containers of a Pod, or of a template (not `is_pod`). `volumes`: the valid ones, by name."""
    regular, init = containers.of(spec, "containers"), containers.of(spec, "initContainers")
    if not regular:
        return [validation.required("spec.containers")]
    grace = spec.get("terminationGracePeriodSeconds")
    shared = _Shared(volumes, spec)
    errors = _regular(regular, shared, grace)
    errors += _init(init, {container.get("name", "") for container in regular}, shared, grace)
    errors += _ephemeral(containers.of(spec, "ephemeralContainers"), [*regular, *init], shared)
    if spec.get("hostNetwork"):
        errors += _host_network_ports(regular, is_pod=is_pod)
    return errors


def validate_images(spec: Object) -> list[FieldError]:
    """What is asked of a Pod's images, but not of a template's."""
    return [
        error
        for kind in ("containers", "initContainers")
        for index, container in enumerate(containers.of(spec, kind))
        for error in _image(container, f"spec.{kind}[{index}]")
    ]


class _Shared(NamedTuple):
    """What the containers of a Pod have in common."""

    volumes: Volumes
    spec: Object

    @property
    def restart_policy(self) -> str:
        return str(self.spec.get("restartPolicy", ""))

    @property
    def host_users(self) -> bool:
        return self.spec.get("hostUsers") is not False


def _regular(regular: Sequence[Object], shared: _Shared, grace: int | None) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, container in enumerate(regular):
        path = f"spec.containers[{index}]"
        errors += _common(container, path, shared)
        errors += _unique(container, path, seen)
        errors += validation_probe.validate_hooks_and_probes(container, path, grace)
        errors += validation_restart.validate(container, path, is_init=False)
    return errors + _host_port_conflicts(regular, "spec.containers")


def _init(init: Sequence[Object], seen: set[str], shared: _Shared, grace: int | None) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, container in enumerate(init):
        path = f"spec.initContainers[{index}]"
        errors += _common(container, path, shared)
        errors += validation_restart.validate(container, path, is_init=True)
        errors += _unique(container, path, seen)
        errors += _host_port_conflicts([container], "spec.initContainers")
        if containers.is_sidecar(container):
            errors += validation_probe.validate_hooks_and_probes(container, path, grace)
            continue
        errors += [
            validation.forbidden(
                f"{path}.{field}", "may not be set for init containers without restartPolicy=Always"
            )
            for field in _ONLY_SIDECARS
            if container.get(field) is not None
        ]
        errors += _no_restart_on_resize(container, f"{path}.resizePolicy")
    return errors


def _no_restart_on_resize(container: Object, path: str) -> list[FieldError]:
    """An init container that runs once has nothing to be restarted for."""
    text = "must not be set to 'RestartContainer' for non-sidecar initContainers"
    return [
        validation.invalid_value(f"{path}[{index}].restartPolicy", "RestartContainer", text)
        for index, each in enumerate(container.get("resizePolicy") or ())
        if each.get("restartPolicy") == "RestartContainer"
    ]


def _ephemeral(ephemeral: Sequence[Object], others: Sequence[Object], shared: _Shared) -> list[FieldError]:
    errors: list[FieldError] = []
    targets = {container.get("name", "") for container in others}
    seen = set(targets)
    text = "cannot be set for an Ephemeral Container"
    for index, container in enumerate(ephemeral):
        path = f"spec.ephemeralContainers[{index}]"
        errors += _common(container, path, shared)
        errors += _image(container, path)
        errors += _unique(container, path, seen)
        target = container.get("targetContainerName")
        if target and target not in targets:
            errors.append(validation.not_found(f"{path}.targetContainerName", target))
        errors += [
            validation.forbidden(f"{path}.{field}", text)
            for field in _NOT_EPHEMERAL
            if container.get(field) is not None and (container[field] or field != "resources")
        ]
        for at, mount in enumerate(container.get("volumeMounts") or ()):
            errors += [
                validation.forbidden(f"{path}.volumeMounts[{at}].{field}", text)
                for field in ("subPath", "subPathExpr")
                if mount.get(field)
            ]
    return errors


def _unique(container: Object, path: str, seen: set[str]) -> list[FieldError]:
    name = container.get("name", "")
    if name in seen:
        return [validation.duplicate(f"{path}.name", name)]
    if name:
        seen.add(name)
    return []


def _common(container: Object, path: str, shared: _Shared) -> list[FieldError]:
    errors: list[FieldError] = []
    name, image = container.get("name", ""), container.get("image", "")
    if not name:
        errors.append(validation.required(f"{path}.name"))
    else:
        errors += [validation.invalid_value(f"{path}.name", name, m) for m in names.dns1123_label(name)]
    if not image:
        errors.append(validation.required(f"{path}.image"))
    policy = container.get("terminationMessagePolicy", "")
    if policy not in MESSAGE_POLICIES:
        errors.append(validation.not_supported(f"{path}.terminationMessagePolicy", policy, MESSAGE_POLICIES))
    errors += _ports(container.get("ports") or (), f"{path}.ports")
    errors += validation_env.validate_env(container.get("env") or (), f"{path}.env")
    errors += validation_env.validate_env_from(container.get("envFrom") or (), f"{path}.envFrom")
    errors += validation_mount.validate_mounts(container, f"{path}.volumeMounts", shared.volumes)
    errors += validation_mount.validate_devices(container, f"{path}.volumeDevices", shared.volumes)
    policy = container.get("imagePullPolicy", "")
    if policy not in PULL_POLICIES:
        errors.append(validation.not_supported(f"{path}.imagePullPolicy", policy, PULL_POLICIES))
    requirements = container.get("resources") or {}
    errors += validation_resources.validate(requirements, f"{path}.resources")
    errors += validation_claims.validate_names(requirements, shared.spec, f"{path}.resources")
    resizing = container.get("resizePolicy") or ()
    errors += _resize_policies(resizing, f"{path}.resizePolicy", shared.restart_policy)
    errors += validation_security.validate_container(
        container, f"{path}.securityContext", host_users=shared.host_users
    )
    return errors


def _image(container: Object, path: str) -> list[FieldError]:
    image = container.get("image", "")
    if image == image.strip():
        return []
    return [validation.invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")]


def _resize_policies(policies: Sequence[Object], path: str, restart_policy: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, each in enumerate(policies):
        name, policy = each.get("resourceName", ""), each.get("restartPolicy", "")
        if name in seen:
            errors.append(validation.duplicate(f"{path}[{index}]", name))
        seen.add(name)
        # Upstream names the list, not the element, in these.
        for value, supported in ((name, RESIZABLE), (policy, RESIZE_POLICIES)):
            if not value:
                errors.append(validation.required(path))
            elif value not in supported:
                errors.append(validation.not_supported(path, value, supported))
        if restart_policy == "Never" and policy != "NotRequired":
            text = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            errors.append(validation.invalid_value(path, policy, text))
    return errors


def _ports(ports: Sequence[Object], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        if name := port.get("name"):
            if messages := names.port_name(name):
                errors += [validation.invalid_value(f"{at}.name", name, m) for m in messages]
            elif name in seen:
                errors.append(validation.duplicate(f"{at}.name", name))
            seen.add(name)
        number, host = port.get("containerPort", 0), port.get("hostPort", 0)
        if not number:
            errors.append(validation.required(f"{at}.containerPort"))
        else:
            errors += _port_number(number, f"{at}.containerPort")
        if host:
            errors += _port_number(host, f"{at}.hostPort")
        protocol = port.get("protocol", "")
        if not protocol:
            errors.append(validation.required(f"{at}.protocol"))
        elif protocol not in PROTOCOLS:
            errors.append(validation.not_supported(f"{at}.protocol", protocol, PROTOCOLS))
    return errors


def _port_number(number: int, path: str) -> list[FieldError]:
    return [validation.invalid_value(path, number, message) for message in names.port_number(number)]


def _host_port_conflicts(group: Sequence[Object], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    for index, container in enumerate(group):
        for at, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in taken:
                errors.append(validation.duplicate(f"{path}[{index}].ports[{at}].hostPort", key))
            taken.add(key)
    return errors


def _host_network_ports(regular: Sequence[Object], *, is_pod: bool) -> list[FieldError]:
    """A template may leave the host's port out: its Pods get it."""
    detail = "must match `containerPort` when `hostNetwork` is true"
    return [
        validation.invalid_value(
            f"spec.containers[{index}].ports[{at}].hostPort", port.get("hostPort", 0), detail
        )
        for index, container in enumerate(regular)
        for at, port in enumerate(container.get("ports") or ())
        if (is_pod or port.get("hostPort")) and port.get("hostPort", 0) != port.get("containerPort", 0)
    ]
