"""Endpoints: where the Pods of a Service are, in one object. Deprecated in favour of EndpointSlice."""

from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import ports
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import addresses, duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

SHOWN = 3


class EndpointsStrategy(Strategy):
    """`/api/v1/…/endpoints`."""

    resource = resources.ENDPOINTS
    update_checks = (Check.CHANGE, Check.WHOLE, Check.OWN)
    singular = "endpoints"
    creates_on_update = True
    short_names = ("ep",)
    deprecation = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    columns = (NAME, Column("Endpoints", description="Addresses and ports of ready Pods."), AGE)

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            ports.default_protocol(subset.get("ports") or ())

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        for index, subset in enumerate(obj.get("subsets") or ()):
            errors += _subset(subset, f"subsets[{index}]")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        # What older rules let in may stay as it is.
        same = (new.get("subsets") or []) == (old.get("subsets") or [])
        return [] if same else self.validate(new)

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        created = metadata.get("creationTimestamp")
        return [metadata["name"], _shown(obj), duration.age(created, now)]


def _subset(subset: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        errors.append(validation.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for field in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(subset.get(field) or ()):
            errors += _address(address, f"{path}.{field}[{index}]")
    listed = subset.get("ports") or ()
    for index, port in enumerate(listed):
        at = f"{path}.ports[{index}]"
        errors += ports.validate_name(port, at, required=len(listed) > 1)
        errors += ports.validate_number(port, at)
        errors += ports.validate_protocols(port, at)
    return errors


def _address(address: Object, path: str) -> list[FieldError]:
    ip, hostname, node = address.get("ip", ""), address.get("hostname"), address.get("nodeName")
    found = [(f"{path}.ip", ip, message) for message in addresses.ip(ip)]
    if hostname:
        found += [(f"{path}.hostname", hostname, message) for message in names.dns1123_label(hostname)]
    if node is not None:
        found += [(f"{path}.nodeName", node, message) for message in names.dns1123_subdomain(node)]
    found += [(f"{path}.ip", ip, message) for message in addresses.not_special(ip)]
    return [validation.invalid_value(*each) for each in found]


def _shown(obj: Object) -> str:
    """The first addresses with their ports, and how many more there are."""
    found: list[str] = []
    for subset in obj.get("subsets") or ():
        ips = [address.get("ip", "") for address in subset.get("addresses") or ()]
        listed = subset.get("ports")
        if not listed:
            found += ips
        for port in listed or ():
            found += [_host_port(ip, port.get("port", 0)) for ip in ips]
    if not obj.get("subsets"):
        return "<none>"
    joined = ",".join(found[:SHOWN])
    return f"{joined} + {len(found) - SHOWN} more..." if len(found) > SHOWN else joined


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
