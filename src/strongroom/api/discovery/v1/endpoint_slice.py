"""EndpointSlice: where some of the Pods of a Service are.

Rules: Kubernetes' "EndpointSlices" page and `ValidateEndpointSlice`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import ports
from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import addresses, duration, meta, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
ENDPOINTS_MAX = 1000
ADDRESSES_MAX = 100
PORTS_MAX = 20000
TOPOLOGY_MAX = 16
HINTS_MAX = 8
SHOWN = 3
_VERSIONS = {"IPv4": 4, "IPv6": 6}


class EndpointSliceStrategy(Strategy):
    """`/apis/discovery.k8s.io/v1/…/endpointslices`."""

    resource = resources.ENDPOINT_SLICES
    update_checks = (Check.WHOLE, Check.OWN)
    singular = "endpointslice"
    has_generation = True
    columns = (
        NAME,
        Column("AddressType", description="What the addresses are: IPv4, IPv6 or FQDN."),
        Column("Ports", description="The ports of the endpoints."),
        Column("Endpoints", description="The addresses of the endpoints."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        endpoints, listed = obj.pop("endpoints", None), obj.pop("ports", None)
        for port in listed or ():
            if port.get("name") is None:
                port["name"] = ""
            if port.get("protocol") is None:
                port["protocol"] = ports.TCP
        for endpoint in endpoints or ():
            endpoint.setdefault("conditions", {})
        # Both are written even when there is none.
        obj["endpoints"], obj["ports"] = endpoints or None, listed or None

    def prepare_for_create(self, obj: Object) -> None:
        _drop_topology(obj)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        if new.get("endpoints") != old.get("endpoints"):
            _drop_topology(new)

    def is_new_generation(self, new: Object, old: Object) -> bool:
        labels = [obj["metadata"].get("labels") or {} for obj in (new, old)]
        return labels[0] != labels[1] or super().is_new_generation(new, old)

    def validate(self, obj: Object) -> list[FieldError]:
        return _head(obj) + _endpoints(obj.get("endpoints") or (), obj.get("addressType", ""))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        # Endpoints that older rules let in may stay as they are.
        same = (new.get("endpoints") or []) == (old.get("endpoints") or [])
        errors = _head(new) if same else self.validate(new)
        kind = new.get("addressType", "")
        if kind != old.get("addressType", ""):
            errors.append(validation.invalid_value("addressType", kind, "field is immutable"))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        fqdn = old is None and obj.get("addressType") == "FQDN"
        return ("spec.addressType: FQDN endpoints are deprecated",) if fqdn else ()

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata = obj["metadata"]
        numbers = [_port_cell(port) for port in obj.get("ports") or ()]
        listed = [a for endpoint in obj.get("endpoints") or () for a in endpoint.get("addresses") or ()]
        created = metadata.get("creationTimestamp")
        return [
            metadata["name"],
            obj.get("addressType", ""),
            _shown(numbers),
            _shown(listed),
            duration.age(created, now),
        ]


def _drop_topology(obj: Object) -> None:
    """`deprecatedTopology` can't be written through v1."""
    for endpoint in obj.get("endpoints") or ():
        endpoint.pop("deprecatedTopology", None)


def _port_cell(port: Object) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    name: str = port.get("name", "*")
    return name


def _shown(cells: Sequence[str]) -> str:
    joined = ",".join(cells[:SHOWN])
    return f"{joined} + {len(cells) - SHOWN} more..." if len(cells) > SHOWN else joined or "<unset>"


def _head(obj: Object) -> list[FieldError]:
    """All but the endpoints."""
    kind = obj.get("addressType", "")
    errors: list[FieldError] = []
    if not kind:
        errors.append(validation.required("addressType"))
    elif kind not in ADDRESS_TYPES:
        errors.append(validation.not_supported("addressType", kind, ADDRESS_TYPES))
    return errors + _ports(obj.get("ports") or ())


def _endpoints(endpoints: Sequence[Object], kind: str) -> list[FieldError]:
    if len(endpoints) > ENDPOINTS_MAX:
        return [validation.too_many("endpoints", len(endpoints), ENDPOINTS_MAX)]
    errors: list[FieldError] = []
    for index, endpoint in enumerate(endpoints):
        errors += _endpoint(endpoint, kind, f"endpoints[{index}]")
    return errors


def _endpoint(endpoint: Object, kind: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    at, listed = f"{path}.addresses", endpoint.get("addresses") or ()
    if not listed:
        errors.append(validation.required(at, "must contain at least 1 address"))
    elif len(listed) > ADDRESSES_MAX:
        errors.append(validation.too_many(at, len(listed), ADDRESSES_MAX))
    for index, address in enumerate(listed):
        errors += _address(address, kind, at, index)
    if (node := endpoint.get("nodeName")) is not None:
        messages = names.dns1123_subdomain(node)
        errors += [validation.invalid_value(f"{path}.nodeName", node, m) for m in messages]
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > TOPOLOGY_MAX:
        errors.append(validation.too_many(f"{path}.deprecatedTopology", len(topology), TOPOLOGY_MAX))
    errors += meta.validate_labels(topology, f"{path}.deprecatedTopology")
    if (hostname := endpoint.get("hostname")) is not None:
        messages = names.dns1123_label(hostname)
        errors += [validation.invalid_value(f"{path}.hostname", hostname, m) for m in messages]
    return errors + _hints(endpoint.get("hints") or {}, f"{path}.hints")


def _hints(hints: Object, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("forZones", "forNodes"):
        listed, seen = hints.get(field) or (), set()
        at = f"{path}.{field}"
        if len(listed) > HINTS_MAX:
            errors.append(validation.too_many(at, len(listed), HINTS_MAX))
            break
        for index, hint in enumerate(listed):
            name = hint.get("name", "")
            if name in seen:
                errors.append(validation.duplicate(f"{at}[{index}].name", name))
            seen.add(name)
            rule = names.label_value if field == "forZones" else names.dns1123_subdomain
            errors += [validation.invalid_value(f"{at}[{index}].name", name, m) for m in rule(name)]
    return errors


def _address(address: str, kind: str, path: str, index: int) -> list[FieldError]:
    at = f"{path}[{index}]"
    if kind == "FQDN":
        return _domain(address, at)
    version = _VERSIONS.get(kind)
    if version is None:
        return []
    messages = addresses.ip(address) if version == 4 else addresses.canonical_ip(address)
    if messages:
        return [validation.invalid_value(at, address, message) for message in messages]
    errors: list[FieldError] = []
    if addresses.version(address) != version:
        # Upstream says this one of the whole list.
        errors.append(validation.invalid_value(path, address, f"must be an {kind} address"))
    return errors + [validation.invalid_value(at, address, m) for m in addresses.not_special(address)]


def _domain(name: str, path: str) -> list[FieldError]:
    """`IsFullyQualifiedDomainName`: all that is wrong with the first part that is."""
    if not name:
        return [validation.required(path)]
    name = name.removesuffix(".")
    if messages := names.dns1123_subdomain(name):
        return [validation.invalid_value(path, name, ",".join(messages))]
    labels = name.split(".")
    if len(labels) == 1:
        text = "should be a domain with at least two segments separated by dots"
        return [validation.invalid_value(path, name, text)]
    for label in labels:
        if messages := names.dns1123_label(label):
            return [validation.invalid_value(path, label, ",".join(messages))]
    return []


def _ports(listed: Sequence[Object]) -> list[FieldError]:
    if len(listed) > PORTS_MAX:
        return [validation.too_many("ports", len(listed), PORTS_MAX)]
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, port in enumerate(listed):
        path, name = f"ports[{index}]", port["name"]
        errors += ports.validate_name(port, path, required=False)
        if name in seen:
            errors.append(validation.duplicate(f"{path}.name", name))
        seen.add(name)
        if port["protocol"] == "":
            errors.append(validation.not_supported(f"{path}.protocol", "", ports.PROTOCOLS))
            errors += ports.validate_application(port, path)
        else:
            errors += ports.validate_protocols(port, path)
    return errors
