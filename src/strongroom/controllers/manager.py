"""All controllers and the scheduler, each with the identity it has in Kubernetes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.controllers import garbage_collector, root_ca_publisher, scheduler
from strongroom.controllers.cluster_role_aggregation import ClusterRoleAggregation
from strongroom.controllers.garbage_collection import graph
from strongroom.controllers.garbage_collector import GarbageCollector
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.pod_garbage_collector import PodGarbageCollector
from strongroom.controllers.root_ca_publisher import RootCAPublisher
from strongroom.controllers.scheduler import Scheduler
from strongroom.controllers.service_account import ServiceAccountController
from strongroom.machinery.gvk import Resource

CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
GARBAGE_COLLECTOR = "generic-garbage-collector"
SEPARATE = (GARBAGE_COLLECTOR,)
"""Controllers with an identity of their own: they may do what the others have no business with."""


def user_name(controller: str) -> str:
    """Who a controller of `SEPARATE` is: named as its role in Kubernetes, and no ServiceAccount, so that who
    makes tokens of ServiceAccounts can't become it."""
    return f"system:controller:{controller}"


class Loop(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None: ...


class Manager:
    """`client_for` gives a component's client (`kube-controller-manager`, `kube-scheduler`).

    `served`: all kinds of the API. `ca_pem`: what clients in Pods verify the API server with.
    """

    def __init__(
        self, client_for: Callable[[str], Client], served: Sequence[Resource], ca_pem: str, clock: Clock
    ) -> None:
        self._clock = clock
        self._informers: list[Informer] = []
        self._recorders: list[EventRecorder] = []
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
            GARBAGE_COLLECTOR: self._garbage_collector(
                client_for(GARBAGE_COLLECTOR),
                served,
                {i.resource: i for i in (namespaces, accounts, manager_pods, manager_nodes)},
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

    def _garbage_collector(
        self, client: Client, served: Sequence[Resource], shared: Mapping[Resource, Informer]
    ) -> GarbageCollector:
        """It follows all kinds, by the informers that are there and by lean ones for the others."""
        recorder = EventRecorder(client, garbage_collector.NAME, "", self._clock)
        self._recorders.append(recorder)
        informers = dict(shared)
        for resource in served:
            if resource in informers or resource.plural == resources.EVENTS.plural:
                continue
            informers[resource] = Informer(
                client,
                resource,
                relevant=graph.relevant,
                reduce=graph.reduce,
                filled=lambda: collector.refilled(),
                clock=self._clock,
            )
            self._informers.append(informers[resource])
        collector = GarbageCollector(
            client, list(informers.values()), informers[resources.NAMESPACES], recorder, self._clock
        )
        return collector

    async def run(self) -> None:
        """Run all of them until cancelled. They wait for an API server that is not there yet."""
        async with tasks.TaskGroup("controllers", describe_errors=False) as group:
            for informer in self._informers:
                group.spawn(f"informer/{informer.resource.plural}", informer.run())
            for recorder in self._recorders:
                group.spawn("events", recorder.run())
            for name, loop in self._loops.items():
                group.spawn(name, loop.run())
            await asyncio.Event().wait()
