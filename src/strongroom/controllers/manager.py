"""All controllers and the scheduler, each with the identity it has in Kubernetes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.controllers import root_ca_publisher, scheduler
from strongroom.controllers.cluster_role_aggregation import ClusterRoleAggregation
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.pod_garbage_collector import PodGarbageCollector
from strongroom.controllers.root_ca_publisher import RootCAPublisher
from strongroom.controllers.scheduler import Scheduler
from strongroom.controllers.service_account import ServiceAccountController
from strongroom.machinery.gvk import Resource

CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"


class Loop(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None: ...


class Manager:
    """`client_for` gives a component's client (`kube-controller-manager`, `kube-scheduler`).

    `served`: the kinds that a namespace may hold. `ca_pem`: what clients in Pods verify the API server with.
    """

    def __init__(
        self, client_for: Callable[[str], Client], served: Sequence[Resource], ca_pem: str, clock: Clock
    ) -> None:
        self._clock = clock
        self._informers: list[Informer] = []
        manager = client_for(CONTROLLER_MANAGER)
        namespaces = self._informer(manager, resources.NAMESPACES)
        accounts = self._informer(manager, resources.SERVICE_ACCOUNTS)
        config_maps = self._informer(
            manager, resources.CONFIG_MAPS, f"metadata.name={root_ca_publisher.NAME}"
        )
        manager_pods = self._informer(manager, resources.PODS)
        manager_nodes = self._informer(manager, resources.NODES)
        binder = client_for(SCHEDULER)
        recorder = EventRecorder(binder, scheduler.NAME, "", clock)
        self._loops: dict[str, Loop] = {
            "namespace": NamespaceController(manager, namespaces, manager_pods, served, clock),
            "service-account": ServiceAccountController(manager, namespaces, accounts, clock),
            "root-ca-publisher": RootCAPublisher(manager, namespaces, config_maps, ca_pem, clock),
            "pod-garbage-collector": PodGarbageCollector(manager, manager_pods, manager_nodes, clock),
            "cluster-role-aggregation": ClusterRoleAggregation(
                manager, self._informer(manager, resources.CLUSTER_ROLES), clock
            ),
            "scheduler": Scheduler(
                binder,
                self._informer(binder, resources.PODS),
                self._informer(binder, resources.NODES),
                recorder,
                clock,
            ),
            "events": recorder,
        }

    def _informer(self, client: Client, resource: Resource, field_selector: str = "") -> Informer:
        informer = Informer(client, resource, field_selector=field_selector, clock=self._clock)
        self._informers.append(informer)
        return informer

    async def run(self) -> None:
        """Run all of them until cancelled. They wait for an API server that is not there yet."""
        async with tasks.TaskGroup("controllers", describe_errors=False) as group:
            for informer in self._informers:
                group.spawn(f"informer/{informer.resource.plural}", informer.run())
            for name, loop in self._loops.items():
                group.spawn(name, loop.run())
            await asyncio.Event().wait()
