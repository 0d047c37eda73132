"""What decoding a Pod does: nulls go, amounts become canonical, the old account field follows the new."""

from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1.pod import containers
from strongroom.machinery import quantity, status
from strongroom.machinery.gvk import Object, Resource


def convert(pod: Object) -> None:
    """In place. Raises StatusError 400 for an amount that can't be read."""
    for key in ("spec", "status"):
        value = pod.pop(key, None)
        if value is not None:
            pod[key] = drop_nulls(value)
    if spec := pod.get("spec"):
        convert_spec(spec, resources.PODS)
        if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
            spec["terminationGracePeriodSeconds"] = 1
    if reported := pod.get("status"):
        pod["status"] = _with_addresses(reported)


def _with_addresses(reported: Object) -> Object:
    """`podIP` and the first of `podIPs` agree; the older field is the one that counts."""
    first, listed = reported.get("podIP"), reported.get("podIPs")
    if first and (not listed or listed[0].get("ip") != first):
        listed = [{"ip": first}]
    elif listed and not first and listed[0].get("ip"):
        first = listed[0]["ip"]
    else:
        return reported
    found: Object = {}
    for key, value in reported.items():
        if key not in ("podIP", "podIPs"):
            found[key] = value
        elif "podIPs" not in found:
            found |= {"podIP": first, "podIPs": listed}
    return found


def convert_spec(spec: Object, resource: Resource) -> None:
    """In place: what decoding does to the spec of a Pod, or of a template in an object of `resource`.

    Raises StatusError 400 for an amount that can't be read."""
    try:
        _quantities(spec)
    except quantity.QuantityError as error:
        kind = resource.kind
        raise status.bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {error}'
        ) from None
    name = spec.pop("serviceAccountName", "") or spec.get("serviceAccount", "")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def drop_disabled(spec: Object) -> None:
    """Without the fields whose features are off by default in Kubernetes 1.36: nobody here acts on them."""
    spec.pop("schedulingGroup", None)
    for volume in containers.volumes(spec):
        for source in (volume.get("projected") or {}).get("sources") or ():
            for kind in ("clusterTrustBundle", "podCertificate"):
                source.pop(kind, None)
    for _, container in containers.every(spec):
        lifecycle = container.get("lifecycle") or {}
        if lifecycle.pop("stopSignal", None) is not None and not lifecycle:
            del container["lifecycle"]


def drop_nulls(value: Any) -> Any:
    """`value` without null fields, at any depth; shares what it need not change."""
    if isinstance(value, dict):
        return {key: drop_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [drop_nulls(item) for item in value]
    return value


def _canonical(amount: Object | None, key: str) -> None:
    if amount and key in amount:
        amount[key] = quantity.written(str(amount[key]))


def _resources(amounts: Object | None) -> None:
    if amounts:
        for name, amount in amounts.items():
            amounts[name] = quantity.rounded(amount)


def _quantities(spec: Object) -> None:
    _resources(spec.get("overhead"))
    _requirements(spec.get("resources"))
    for _, container in containers.every(spec):
        _requirements(container.get("resources"))
        for variable in container.get("env") or ():
            _canonical((variable.get("valueFrom") or {}).get("resourceFieldRef"), "divisor")
    for volume in containers.volumes(spec):
        _canonical(volume.get("emptyDir"), "sizeLimit")
        _requirements(_claim_spec(volume).get("resources"))
        _downward_items(volume.get("downwardAPI"))
        for source in (volume.get("projected") or {}).get("sources") or ():
            _downward_items(source.get("downwardAPI"))


def _requirements(requirements: Object | None) -> None:
    if requirements:
        _resources(requirements.get("limits"))
        _resources(requirements.get("requests"))


def _claim_spec(volume: Object) -> Object:
    """What the claim asks for that a volume brings with it."""
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate") or {}
    return template.get("spec") or {}


def _downward_items(source: Object | None) -> None:
    for item in (source or {}).get("items") or ():
        _canonical(item.get("resourceFieldRef"), "divisor")
