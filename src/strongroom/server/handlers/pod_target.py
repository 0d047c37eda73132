"""Which container of which Pod on which node a request for exec, attach or logs means."""

from typing import Any, NamedTuple
from urllib.parse import quote

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.server import node_connection
from strongroom.server.node_connection import Endpoint


class Target(NamedTuple):
    """`container` is "" where the whole Pod is meant; `node` is None while the Pod has none."""

    pod: Object
    container: str
    node: Endpoint | None

    def path(self, verb: str) -> str:
        """The node's path for `verb`: exec, attach, portForward, containerLogs."""
        metadata = self.pod["metadata"]
        names = [metadata["namespace"], metadata["name"]] + ([self.container] if self.container else [])
        return "/".join(["", verb, *(quote(name, safe="") for name in names)])


async def find(catalog: Catalog, namespace: str, name: str, container: str) -> Target:
    """Raises StatusError 400 for a container that is not clear or not there, 404, 500."""
    target = await find_pod(catalog, namespace, name)
    return target._replace(container=choose(target.pod, container))


async def find_pod(catalog: Catalog, namespace: str, name: str) -> Target:
    """Raises StatusError 404, 500."""
    pod = (await catalog[resources.PODS].get(namespace, name)).decode()
    node_name = pod["spec"].get("nodeName")
    if not node_name:
        return Target(pod, "", None)
    node = (await catalog[resources.NODES].get("", node_name)).decode()
    return Target(pod, "", node_connection.endpoint(node))


def choose(pod: Object, container: str) -> str:
    """The container that is meant. Raises StatusError 400."""
    name, names = pod["metadata"]["name"], _names(pod["spec"])
    if container:
        if container not in names:
            raise status.bad_request(f"container {container} is not valid for pod {name}")
        return container
    if len(names) > 1:
        raise status.bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        )
    return names[0]


def _names(spec: dict[str, Any]) -> list[str]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container["name"] for kind in kinds for container in spec.get(kind) or ()]


def scheduled(target: Target) -> Endpoint:
    """The node. Raises StatusError 400 when there is none yet."""
    if target.node is None:
        raise status.bad_request(f"pod {target.pod['metadata']['name']} does not have a host assigned")
    return target.node
