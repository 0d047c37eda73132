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
from strongroom.controllers import (
    garbage_collector,
    node_lifecycle,
    pod_state,
    root_ca_publisher,
    scheduler,
    taint_eviction,
    token_secrets,
    workload_cache,
)
from strongroom.controllers.cluster_role_aggregation import ClusterRoleAggregation
from strongroom.controllers.deployment import controller as deployment
from strongroom.controllers.endpoints.controller import EndpointsController, EndpointSliceController
from strongroom.controllers.endpoints.service_pods import ServicePods
from strongroom.controllers.garbage_collection import graph
from strongroom.controllers.garbage_collector import GarbageCollector
from strongroom.controllers.legacy_token_cleaner import LegacyTokenCleaner
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.node_lifecycle import NodeLifecycle
from strongroom.controllers.pod_garbage_collector import PodGarbageCollector
from strongroom.controllers.replica_set import controller as replica_set
from strongroom.controllers.resource_quota import ResourceQuotaController
from strongroom.controllers.root_ca_publisher import RootCAPublisher
from strongroom.controllers.scheduler import Scheduler
from strongroom.controllers.service_account import ServiceAccountController
from strongroom.controllers.taint_eviction import TaintEviction
from strongroom.controllers.token_secrets import TokenSecrets
from strongroom.machinery.gvk import Object, Resource

CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
GARBAGE_COLLECTOR = "generic-garbage-collector"
RESOURCE_QUOTA = "resourcequota-controller"
TOKENS = "tokens-controller"
ENDPOINTS = "endpoint-controller"
ENDPOINT_SLICES = "endpointslice-controller"
_LINGER = 0.05
"""Seconds that writes of Secrets, most of which concern nobody here, wait to be passed over together."""
SEPARATE = (
    GARBAGE_COLLECTOR,
    RESOURCE_QUOTA,
    TOKENS,
    ENDPOINTS,
    ENDPOINT_SLICES,
    deployment.NAME,
    replica_set.NAME,
)
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

    `served`: all kinds of the API. `ca_pem`: what clients in Pods verify the API server with. `issue`: makes
    the tokens that live in Secrets.
    """

    def __init__(
        self,
        client_for: Callable[[str], Client],
        served: Sequence[Resource],
        ca_pem: str,
        issue: token_secrets.Issue,
        clock: Clock,
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
        manager_pods = self._informer(manager, resources.PODS, reduce=pod_state.reduce)
        manager_nodes = self._informer(manager, resources.NODES)
        deployments = self._informer(manager, resources.DEPLOYMENTS, reduce=workload_cache.reduce)
        replica_sets = self._informer(manager, resources.REPLICA_SETS, reduce=workload_cache.reduce)
        deployer, replicator = client_for(deployment.NAME), client_for(replica_set.NAME)
        collector, counter = client_for(GARBAGE_COLLECTOR), client_for(RESOURCE_QUOTA)
        quotas = self._informer(counter, resources.RESOURCE_QUOTAS)
        filler = client_for(TOKENS)
        pointer, slicer = client_for(ENDPOINTS), client_for(ENDPOINT_SLICES)
        endpoints = self._informer(pointer, resources.ENDPOINTS)
        pieces = self._informer(slicer, resources.ENDPOINT_SLICES)
        service_pods = ServicePods(self._informer(slicer, resources.SERVICES), manager_pods)
        followed = self._follow(
            collector,
            served,
            (
                *(namespaces, accounts, manager_pods, manager_nodes, quotas, deployments, replica_sets),
                *(service_pods.services, endpoints, pieces),
            ),
        )
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
            GARBAGE_COLLECTOR: GarbageCollector(
                collector,
                list(followed.values()),
                namespaces,
                self._recorder(collector, garbage_collector.NAME),
                clock,
            ),
            RESOURCE_QUOTA: ResourceQuotaController(counter, quotas, followed, clock),
            ENDPOINTS: EndpointsController(pointer, service_pods, endpoints, clock),
            ENDPOINT_SLICES: EndpointSliceController(slicer, service_pods, pieces, manager_nodes, clock),
            node_lifecycle.NAME: NodeLifecycle(
                manager,
                manager_nodes,
                self._informer(manager, resources.LEASES, namespace=node_lifecycle.LEASE_NAMESPACE),
                manager_pods,
                self._recorder(manager, node_lifecycle.NAME),
                clock,
            ),
            taint_eviction.NAME: TaintEviction(
                manager, manager_pods, manager_nodes, self._recorder(manager, taint_eviction.NAME), clock
            ),
            TOKENS: TokenSecrets(filler, followed[resources.SECRETS], accounts, ca_pem, issue, clock),
            "legacy-token-cleaner": LegacyTokenCleaner(
                filler, followed[resources.SECRETS], accounts, manager_pods, clock
            ),
            deployment.NAME: deployment.DeploymentController(
                deployer,
                deployments,
                replica_sets,
                manager_pods,
                self._recorder(deployer, deployment.NAME),
                clock,
            ),
            replica_set.NAME: replica_set.ReplicaSetController(
                replicator, replica_sets, manager_pods, self._recorder(replicator, replica_set.NAME), clock
            ),
            "scheduler": Scheduler(
                binder,
                self._informer(binder, resources.PODS, reduce=pod_state.reduce),
                self._informer(binder, resources.NODES),
                namespaces,
                recorder,
                clock,
            ),
            "events": recorder,
        }

    def _informer(
        self,
        client: Client,
        resource: Resource,
        field_selector: str = "",
        *,
        namespace: str | None = None,
        reduce: Callable[[Object], Object] | None = None,
    ) -> Informer:
        informer = Informer(
            client, resource, namespace, field_selector=field_selector, reduce=reduce, clock=self._clock
        )
        self._informers.append(informer)
        return informer

    def _recorder(self, client: Client, component: str) -> EventRecorder:
        recorder = EventRecorder(client, component, "", self._clock)
        self._recorders.append(recorder)
        return recorder

    def _follow(
        self, client: Client, served: Sequence[Resource], whole: Sequence[Informer]
    ) -> dict[Resource, Informer]:
        """An informer for each kind: those that are there, and for the others lean ones, which hold only what
        has owners and tell of deletions."""
        informers = {informer.resource: informer for informer in whole}
        for resource in served:
            if resource in informers or resource.plural == resources.EVENTS.plural:
                continue
            # Tokens come and go in Secrets; a second watch of them would burden every write of one.
            secrets = resource == resources.SECRETS
            rules = token_secrets if secrets else graph
            informers[resource] = Informer(
                client,
                resource,
                relevant=rules.relevant,
                reduce=rules.reduce,
                filled=self._refill,
                linger=_LINGER if secrets else 0.0,
                clock=self._clock,
            )
            self._informers.append(informers[resource])
        return informers

    def _refill(self) -> None:
        for loop in self._loops.values():
            if isinstance(loop, GarbageCollector | ResourceQuotaController):
                loop.refilled()

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
