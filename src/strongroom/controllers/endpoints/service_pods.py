"""Which Services a change of a Pod concerns, and which Pods a Service chooses."""

from collections.abc import Callable
from typing import Any

from strongroom.client.informer import Informer
from strongroom.client.watching import DELETED
from strongroom.controllers.endpoints import members
from strongroom.machinery.gvk import Object

Concern = Callable[[str], None]
"""Told the key `namespace/name` of a Service."""


class ServicePods:
    """Follows Services and Pods, once for all who keep endpoints. A Pod that changes in nothing that matters
    here, which is most of its changes, concerns nobody."""

    def __init__(self, services: Informer, pods: Informer) -> None:
        self.services = services
        self.pods = pods
        self._concerned: list[Concern] = []
        self._selecting: dict[str, dict[str, Object]] = {}
        """Namespace -> name -> Service, of those that choose Pods."""
        self._pods: dict[str, dict[str, tuple[Any, Object]]] = {}
        """Namespace -> name -> Pod, and what of it matters."""
        services.subscribe(self._service_changed)
        pods.subscribe(self._pod_changed)

    def subscribe(self, concern: Concern) -> None:
        """Call `concern` for every Service from now on, and for those that are there."""
        self._concerned.append(concern)
        for namespace, here in self._selecting.items():
            for name in here:
                concern(f"{namespace}/{name}")

    def service(self, namespace: str, name: str) -> Object | None:
        return self.services.get(namespace, name)

    def chosen(self, service: Object) -> list[Object]:
        """The Pods that the Service's selector matches."""
        here = self._pods.get(service["metadata"]["namespace"], {})
        return [pod for _, pod in here.values() if members.chooses(service, pod["metadata"].get("labels"))]

    def _service_changed(self, kind: str, service: Object) -> None:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        here = self._selecting.setdefault(namespace, {})
        here.pop(name, None)
        if kind != DELETED and members.is_followed(service):
            here[name] = service
        if not here:
            del self._selecting[namespace]
        self._tell(namespace, [name])

    def _pod_changed(self, kind: str, pod: Object) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        here = self._pods.setdefault(namespace, {})
        before = here.pop(name, None)
        signature = members.signature(pod)
        if kind != DELETED:
            here[name] = (signature, pod)
        elif not here:
            del self._pods[namespace]
        if kind != DELETED and before is not None and before[0] == signature:
            return
        labels = [each["metadata"].get("labels") for each in (pod, before[1] if before else pod)]
        selecting = self._selecting.get(namespace, {}).items()
        self._tell(namespace, [n for n, s in selecting if any(members.chooses(s, found) for found in labels)])

    def _tell(self, namespace: str, names: list[str]) -> None:
        for name in names:
            for concern in self._concerned:
                concern(f"{namespace}/{name}")
