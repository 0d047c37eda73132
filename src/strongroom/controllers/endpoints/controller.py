"""The loops that keep Endpoints and EndpointSlices."""

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.client.watching import DELETED
from strongroom.controllers import actions
from strongroom.controllers.controller import Controller
from strongroom.controllers.endpoints import members, slices, subsets
from strongroom.controllers.endpoints.service_pods import ServicePods
from strongroom.machinery.gvk import Object

ZONE = "topology.kubernetes.io/zone"


class EndpointSliceController:
    """Keys are `namespace/name` of Services. The slices of a Service that is gone are garbage."""

    def __init__(
        self, client: Client, followed: ServicePods, pieces: Informer, nodes: Informer, clock: Clock
    ) -> None:
        self._client = client
        self._followed = followed
        self._pieces = pieces
        self._nodes = nodes
        self._of: dict[str, set[str]] = {}
        """Key of a Service -> names of the slices that are ours and its."""
        informers = (followed.services, followed.pods, pieces, nodes)
        self._loop = Controller("endpoint-slice", self._reconcile, informers, clock, workers=4)
        pieces.subscribe(self._piece_changed)
        followed.subscribe(self._loop.queue.add)

    async def run(self) -> None:
        await self._loop.run()

    def _piece_changed(self, kind: str, piece: Object) -> None:
        if not slices.is_ours(piece) or not (service := slices.service_of(piece)):
            return
        key = f"{piece['metadata']['namespace']}/{service}"
        known = self._of.setdefault(key, set())
        known.discard(piece["metadata"]["name"])
        if kind != DELETED:
            known.add(piece["metadata"]["name"])
        elif not known:
            del self._of[key]
        self._loop.queue.add(key)

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        service = self._followed.service(namespace, name)
        if service is None or service["metadata"].get("deletionTimestamp"):
            return
        found = [self._pieces.get(namespace, each) for each in sorted(self._of.get(key, ()))]
        present = [each for each in found if each is not None]
        if members.is_followed(service):
            todo = slices.decide(service, self._followed.chosen(service), present, self._zone)
        else:
            todo = [
                actions.Delete(
                    resources.ENDPOINT_SLICES, namespace, each["metadata"]["name"], each["metadata"]["uid"]
                )
                for each in present
            ]
        await actions.perform(self._client, todo)

    def _zone(self, node: str) -> str:
        found = self._nodes.get(None, node)
        labels = (found["metadata"].get("labels") or {}) if found is not None else {}
        return str(labels.get(ZONE, ""))


class EndpointsController:
    """Keys are `namespace/name` of Services, which are those of their Endpoints."""

    def __init__(self, client: Client, followed: ServicePods, endpoints: Informer, clock: Clock) -> None:
        self._client = client
        self._followed = followed
        self._endpoints = endpoints
        informers = (followed.services, followed.pods, endpoints)
        self._loop = Controller("endpoints", self._reconcile, informers, clock, workers=4)
        endpoints.subscribe(self._endpoints_changed)
        followed.subscribe(self._loop.queue.add)

    async def run(self) -> None:
        await self._loop.run()

    def _endpoints_changed(self, kind: str, endpoints: Object) -> None:
        self._loop.queue.add(f"{endpoints['metadata']['namespace']}/{endpoints['metadata']['name']}")

    async def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        service = self._followed.service(namespace, name)
        present = self._endpoints.get(namespace, name)
        if members.is_followed(service) and service is not None:
            todo = subsets.decide(service, self._followed.chosen(service), present)
        elif service is None and present is not None and _was_kept(present):
            uid = present["metadata"]["uid"]
            todo = [actions.Delete(resources.ENDPOINTS, namespace, name, uid)]
        else:
            return
        await actions.perform(self._client, todo)


def _was_kept(endpoints: Object) -> bool:
    """Whether this controller made them. Those that others made are theirs to remove."""
    labels = endpoints["metadata"].get("labels") or {}
    return bool(labels.get(subsets.MANAGED_BY) == subsets.MANAGER)
