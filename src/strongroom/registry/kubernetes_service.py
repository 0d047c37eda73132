"""The Service `kubernetes` in `default`: how programs in Pods find the API.

Its endpoints are kept when the API listens on an address that others can reach.
"""

from strongroom.api import resources
from strongroom.machinery import addresses, status
from strongroom.machinery.gvk import Object
from strongroom.registry import encoding
from strongroom.registry.catalog import Catalog
from strongroom.registry.generic import Registry
from strongroom.registry.service_addresses import FIRST_ADDRESS

NAMESPACE, NAME = "default", "kubernetes"
PORT, PORT_NAME = 443, "https"
_LABELS = {"component": "apiserver", "provider": "kubernetes"}


async def ensure(catalog: Catalog, host: str, port: int) -> None:
    """Create what is missing, and let it point at `host` and `port`."""
    await _ensure(catalog[resources.SERVICES], _service(port), "spec")
    if addresses.ip(host) or addresses.not_special(host):
        return
    await _ensure(catalog[resources.ENDPOINTS], _endpoints(host, port), "subsets")
    await _ensure(catalog[resources.ENDPOINT_SLICES], _endpoint_slice(host, port), "endpoints", "ports")


def _service(port: int) -> Object:
    ports = [{"name": PORT_NAME, "protocol": "TCP", "port": PORT, "targetPort": port}]
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": NAME, "labels": dict(_LABELS)},
        "spec": {"type": "ClusterIP", "clusterIP": FIRST_ADDRESS, "ports": ports},
    }


def _endpoints(host: str, port: int) -> Object:
    ports = [{"name": PORT_NAME, "port": port, "protocol": "TCP"}]
    return {
        "kind": "Endpoints",
        "apiVersion": "v1",
        "metadata": {"name": NAME, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": host}], "ports": ports}],
    }


def _endpoint_slice(host: str, port: int) -> Object:
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv6" if ":" in host else "IPv4",
        "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
        "ports": [{"name": PORT_NAME, "protocol": "TCP", "port": port}],
    }


async def _ensure(registry: Registry, wanted: Object, *fields: str) -> None:
    entry = registry.find(NAMESPACE, NAME)
    if entry is None:
        try:
            await registry.create(NAMESPACE, wanted)
        except status.StatusError as error:
            if error.code != 409:  # another server was first
                raise
        return

    def point(current: Object) -> Object:
        for field in fields:
            given = encoding.copy(wanted)[field]
            current[field] = {**current[field], **given} if isinstance(given, dict) else given
        current["metadata"].pop("resourceVersion")
        return current

    await registry.update(NAMESPACE, NAME, point)
