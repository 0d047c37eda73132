"""The rules of containers: regular, init and ephemeral ones."""

from collections.abc import Mapping, Sequence

from strongroom.api.core.v1.pod import (
    containers,
    validation_env,
    validation_probe,
    validation_resources,
    validation_security,
)
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")
Volumes = Mapping[str, Object]
_ONLY_SIDECARS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_NOT_EPHEMERAL = (
    "ports", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "resizePolicy", "restartPolicy"
)  # fmt: skip


def validate_all(spec: Object, volumes: Volumes) -> list[FieldError]:
    """All containers of a Pod. `volumes`: the valid ones, by name."""
    regular, init = containers.of(spec, "containers"), containers.of(spec, "initContainers")
    if not regular:
        return [validation.required("spec.containers")]
    grace = spec.get("terminationGracePeriodSeconds")
    errors = _regular(regular, volumes, grace)
    errors += _init(init, {container.get("name", "") for container in regular}, volumes, grace)
    errors += _ephemeral(containers.of(spec, "ephemeralContainers"), [*regular, *init], volumes)
    if spec.get("hostNetwork"):
        errors += _host_network_ports(regular)
    return errors


def _regular(regular: Sequence[Object], volumes: Volumes, grace: int | None) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, container in enumerate(regular):
        path = f"spec.containers[{index}]"
        errors += _common(container, path, volumes)
        errors += _unique(container, path, seen)
        errors += validation_probe.validate_hooks_and_probes(container, path, grace)
        if container.get("restartPolicy"):
            errors.append(
                validation.forbidden(f"{path}.restartPolicy", "may not be set for non-init containers")
            )
    return errors + _host_port_conflicts(regular, "spec.containers")


def _init(init: Sequence[Object], seen: set[str], volumes: Volumes, grace: int | None) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, container in enumerate(init):
        path = f"spec.initContainers[{index}]"
        errors += _common(container, path, volumes)
        policy = container.get("restartPolicy")
        if policy is not None and policy != containers.ALWAYS:
            errors.append(validation.not_supported(f"{path}.restartPolicy", policy, (containers.ALWAYS,)))
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
    return errors


def _ephemeral(ephemeral: Sequence[Object], others: Sequence[Object], volumes: Volumes) -> list[FieldError]:
    errors: list[FieldError] = []
    targets = {container.get("name", "") for container in others}
    seen = set(targets)
    text = "cannot be set for an Ephemeral Container"
    for index, container in enumerate(ephemeral):
        path = f"spec.ephemeralContainers[{index}]"
        errors += _common(container, path, volumes)
        errors += _unique(container, path, seen)
        target = container.get("targetContainerName")
        if target and target not in targets:
            errors.append(validation.not_found(f"{path}.targetContainerName", target))
        errors += [
            validation.forbidden(f"{path}.{field}", text) for field in _NOT_EPHEMERAL if container.get(field)
        ]
        if container.get("resources"):
            errors.append(validation.forbidden(f"{path}.resources", text))
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


def _common(container: Object, path: str, volumes: Volumes) -> list[FieldError]:
    errors: list[FieldError] = []
    name, image = container.get("name", ""), container.get("image", "")
    if not name:
        errors.append(validation.required(f"{path}.name"))
    else:
        errors += [validation.invalid_value(f"{path}.name", name, m) for m in names.dns1123_label(name)]
    if not image:
        errors.append(validation.required(f"{path}.image"))
    elif image != image.strip():
        errors.append(
            validation.invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
        )
    policy = container.get("terminationMessagePolicy", "")
    if policy not in MESSAGE_POLICIES:
        errors.append(validation.not_supported(f"{path}.terminationMessagePolicy", policy, MESSAGE_POLICIES))
    errors += _ports(container.get("ports") or (), f"{path}.ports")
    errors += validation_env.validate_env(container.get("env") or (), f"{path}.env")
    errors += validation_env.validate_env_from(container.get("envFrom") or (), f"{path}.envFrom")
    errors += _mounts(container, f"{path}.volumeMounts", volumes)
    policy = container.get("imagePullPolicy", "")
    if policy not in PULL_POLICIES:
        errors.append(validation.not_supported(f"{path}.imagePullPolicy", policy, PULL_POLICIES))
    errors += validation_resources.validate(container.get("resources") or {}, f"{path}.resources")
    errors += validation_security.validate_container(container, f"{path}.securityContext")
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


def _host_network_ports(regular: Sequence[Object]) -> list[FieldError]:
    detail = "must match `containerPort` when `hostNetwork` is true"
    return [
        validation.invalid_value(
            f"spec.containers[{index}].ports[{at}].hostPort", port.get("hostPort", 0), detail
        )
        for index, container in enumerate(regular)
        for at, port in enumerate(container.get("ports") or ())
        if port.get("hostPort", 0) != port.get("containerPort", 0)
    ]


def _mounts(container: Object, path: str, volumes: Volumes) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        at = f"{path}[{index}]"
        name, point = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(validation.required(f"{at}.name"))
        if name not in volumes:
            errors.append(validation.not_found(f"{at}.name", name))
        if not point:
            errors.append(validation.required(f"{at}.mountPath"))
        if point in taken:
            errors.append(validation.invalid_value(f"{at}.mountPath", point, "must be unique"))
        taken.add(point)
        errors += _sub_path(mount, at, path)
        errors += _propagation(mount, container, path)
    return errors


def _sub_path(mount: Object, at: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    plain, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    if plain and expression:
        detail = "subPathExpr and subPath are mutually exclusive"
        errors.append(validation.invalid_value(f"{at}.subPathExpr", expression, detail))
    # Upstream names the list, not the element, in these.
    for field, value in (("subPath", plain), ("subPathExpr", expression)):
        errors += [validation.invalid_value(f"{path}.{field}", value, m) for m in names.relative_path(value)]
    return errors


def _propagation(mount: Object, container: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    mode, recursive = mount.get("mountPropagation"), mount.get("recursiveReadOnly")
    if mode is not None and mode not in PROPAGATIONS:
        errors.append(validation.not_supported(f"{path}.mountPropagation", mode, PROPAGATIONS))
    privileged = (container.get("securityContext") or {}).get("privileged")
    if mode == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(validation.forbidden(f"{path}.mountPropagation", detail))
    if recursive is None or recursive == "Disabled":
        return errors
    if recursive not in RECURSIVE:
        return [*errors, validation.not_supported(f"{path}.recursiveReadOnly", recursive, RECURSIVE)]
    if not mount.get("readOnly"):
        errors.append(
            validation.forbidden(f"{path}.recursiveReadOnly", "may only be specified when readOnly is true")
        )
    if mode not in (None, "None"):
        detail = "may only be specified when mountPropagation is None or not specified"
        errors.append(validation.forbidden(f"{path}.recursiveReadOnly", detail))
    return errors
