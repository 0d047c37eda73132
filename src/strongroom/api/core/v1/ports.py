"""Ports of Services and of what stands behind them."""

from collections.abc import Sequence

from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

PROTOCOLS = ("SCTP", "TCP", "UDP")
TCP = "TCP"


def default_protocol(ports: Sequence[Object]) -> None:
    """TCP where none is given, in place."""
    for port in ports:
        if not port.get("protocol"):
            port["protocol"] = TCP


def validate_name(port: Object, path: str, *, required: bool) -> list[FieldError]:
    """`required`: it is one of several."""
    name = port.get("name", "")
    if not name:
        return [validation.required(f"{path}.name")] if required else []
    return [validation.invalid_value(f"{path}.name", name, m) for m in names.dns1123_label(name)]


def validate_number(port: Object, path: str) -> list[FieldError]:
    number = port.get("port", 0)
    return [validation.invalid_value(f"{path}.port", number, m) for m in names.port_number(number)]


def validate_protocols(port: Object, path: str) -> list[FieldError]:
    """Of transport and application."""
    errors: list[FieldError] = []
    protocol = port.get("protocol", "")
    if not protocol:
        errors.append(validation.required(f"{path}.protocol"))
    elif protocol not in PROTOCOLS:
        errors.append(validation.not_supported(f"{path}.protocol", protocol, PROTOCOLS))
    return errors + validate_application(port, path)


def validate_application(port: Object, path: str) -> list[FieldError]:
    """`appProtocol` alone."""
    application = port.get("appProtocol")
    if application is None:
        return []
    messages = names.qualified_name(application)
    return [validation.invalid_value(f"{path}.appProtocol", application, m) for m in messages]
