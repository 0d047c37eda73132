"""The rules of probes and lifecycle hooks."""

from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

SCHEMES = ("HTTP", "HTTPS")
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")


def validate_hooks_and_probes(container: Object, path: str, grace: int | None) -> list[FieldError]:
    """`grace`: the Pod's terminationGracePeriodSeconds."""
    errors: list[FieldError] = []
    for hook in ("postStart", "preStop"):
        if (handler := (container.get("lifecycle") or {}).get(hook)) is not None:
            errors += _handler(handler, f"{path}.lifecycle.{hook}", _HOOK_HANDLERS, grace)
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (probe := container.get(kind)) is not None:
            errors += _probe(probe, f"{path}.{kind}", ready=kind == "readinessProbe")
    return errors


def _probe(probe: Object, path: str, *, ready: bool) -> list[FieldError]:
    errors = _handler(probe, path, _PROBE_HANDLERS, None)
    for field in _COUNTS:
        if (value := probe.get(field, 0)) < 0:
            detail = "must be greater than or equal to 0"
            errors.append(validation.invalid_value(f"{path}.{field}", value, detail))
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        errors.append(
            validation.invalid_value(
                f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0"
            )
        )
    if ready and seconds is not None:
        detail = "must not be set for readinessProbes"
        errors.append(validation.invalid_value(f"{path}.terminationGracePeriodSeconds", seconds, detail))
    if not ready and probe.get("successThreshold") != 1:
        value = probe.get("successThreshold", 0)
        errors.append(validation.invalid_value(f"{path}.successThreshold", value, "must be 1"))
    return errors


def _handler(holder: Object, path: str, kinds: tuple[str, ...], grace: int | None) -> list[FieldError]:
    given = [kind for kind in kinds if holder.get(kind) is not None]
    if not given:
        return [validation.required(path, "must specify a handler type")]
    errors = _action(given[0], holder[given[0]], f"{path}.{given[0]}", grace)
    for kind in given[1:]:
        errors.append(validation.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type"))
    return errors


def _action(kind: str, action: Object, path: str, grace: int | None) -> list[FieldError]:
    match kind:
        case "exec":
            return [] if action.get("command") else [validation.required(f"{path}.command")]
        case "httpGet":
            return _http_get(action, path)
        case "sleep":
            seconds = action.get("seconds", 0)
            if grace is None or 0 <= seconds <= grace:
                return []
            detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            return [validation.invalid_value(path, seconds, detail)]
    return _port(action.get("port", 0), f"{path}.port")


def _http_get(action: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not action.get("path"):
        errors.append(validation.required(f"{path}.path"))
    errors += _port(action.get("port", 0), f"{path}.port")
    if (scheme := action.get("scheme", "")) not in SCHEMES:
        errors.append(validation.not_supported(f"{path}.scheme", scheme, SCHEMES))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        errors += [
            validation.invalid_value(f"{path}.httpHeaders", name, m) for m in names.http_header_name(name)
        ]
    return errors


def _port(port: int | str, path: str) -> list[FieldError]:
    messages = names.port_name(port) if isinstance(port, str) else names.port_number(port)
    return [validation.invalid_value(path, port, message) for message in messages]
