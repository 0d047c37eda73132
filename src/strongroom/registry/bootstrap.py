"""The objects that every cluster has from its first start."""

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.registry.catalog import Catalog

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
