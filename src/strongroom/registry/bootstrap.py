"""The objects that every cluster has from its first start."""

import asyncio
from collections.abc import Iterable

from strongroom.api import resources
from strongroom.api.scheduling.v1 import priority_class
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry import default_roles, encoding
from strongroom.registry.catalog import Catalog
from strongroom.registry.generic import Registry

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


async def ensure_namespaces(catalog: Catalog) -> None:
    """Create the namespaces that are missing. What is there is left as it is."""
    registry = catalog[resources.NAMESPACES]
    for name in SYSTEM_NAMESPACES:
        if registry.find("", name) is not None:
            continue
        namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
        try:
            await registry.create("", namespace)
        except status.StatusError as error:
            if error.code != 409:  # another server was first
                raise


async def ensure_priority_classes(catalog: Catalog) -> None:
    """Create the system's own that are missing."""
    registry = catalog[resources.PRIORITY_CLASSES]
    for found in priority_class.system_classes():
        if registry.find("", found["metadata"]["name"]) is not None:
            continue
        try:
            await registry.create("", found)
        except status.StatusError as error:
            if error.code != 409:  # another server was first
                raise


AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"


async def ensure_roles(catalog: Catalog) -> None:
    """Create the default ClusterRoles and bindings; give back to those that exist what they have lost.

    Rules and subjects that were added stay; an object with the annotation `autoupdate: "false"` is left
    alone."""
    roles, bindings = catalog[resources.CLUSTER_ROLES], catalog[resources.CLUSTER_ROLE_BINDINGS]
    await asyncio.gather(
        *(_ensure(roles, role, "rules") for role in default_roles.cluster_roles()),
        *(_ensure(bindings, binding, "subjects") for binding in default_roles.cluster_role_bindings()),
    )


async def _ensure(registry: Registry, wanted: Object, field: str) -> None:
    name = wanted["metadata"]["name"]
    entry = registry.find("", name)
    if entry is None:
        try:
            await registry.create("", wanted)
        except status.StatusError as error:
            if error.code != 409:  # another server was first
                raise
        return
    current = entry.decode()
    lost = _missing(wanted[field], current.get(field) or [])
    if not lost or (current["metadata"].get("annotations") or {}).get(AUTO_UPDATE) == "false":
        return
    if wanted.get("roleRef") != current.get("roleRef"):
        return  # someone's own binding of this name
    if wanted.get("aggregationRule"):
        return  # the union is the aggregating controller's

    def restore(obj: Object) -> Object:
        have = obj.get(field) or []
        return {**obj, field: [*have, *encoding.copy({"": _missing(wanted[field], have)})[""]]}

    await registry.update("", name, restore)


def _missing(wanted: Iterable[Object], have: Iterable[Object]) -> list[Object]:
    known = list(have)
    return [each for each in wanted if each not in known]
