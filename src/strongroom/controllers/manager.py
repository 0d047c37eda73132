"""All controllers and the scheduler, each with the identity it has in Kubernetes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.client.event_recorder import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.controllers import (
    garbage_collector,
    node_ipam,
    node_lifecycle,
    pod_state,
    root_ca_publisher,
    scheduler,
    taint_eviction,
    token_cleaner,
    token_secrets,
    workload_cache,
)
from strongroom.controllers.cluster_role_aggregation import ClusterRoleAggregation
from strongroom.controllers.cron_job import controller as cron_job
from strongroom.controllers.deployment import controller as deployment
from strongroom.controllers.endpoints.controller import EndpointsController, EndpointSliceController
from strongroom.controllers.endpoints.service_pods import ServicePods
from strongroom.controllers.garbage_collection import graph
from strongroom.controllers.garbage_collector import GarbageCollector
from strongroom.controllers.job import controller as job
from strongroom.controllers.legacy_token_cleaner import LegacyTokenCleaner
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.node_ipam import NodeIPAM
from strongroom.controllers.node_lifecycle import NodeLifecycle
from strongroom.controllers.pod_garbage_collector import PodGarbageCollector
from strongroom.controllers.replica_set import controller as replica_set
from strongroom.controllers.resource_quota import ResourceQuotaController
from strongroom.controllers.restart import controller as restart
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.root_ca_publisher import RootCAPublisher
from strongroom.controllers.scheduler import Scheduler
from strongroom.controllers.service_account import ServiceAccountController
from strongroom.controllers.taint_eviction import TaintEviction
from strongroom.controllers.token_cleaner import TokenCleaner
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
    restart.NAME,
    job.NAME,
    cron_job.NAME,
)
"""Controllers with an identity of their own: they may do what the others have no business with."""


def user_name(controller: str) -> str:
    """Who a controller of `SEPARATE` is: named as its role in Kubernetes, and no ServiceAccount, so that who
    makes tokens of ServiceAccounts can't become it."""
    return f"system:controller:{controller}"


class Loop(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Shared:
    """Informers that several controllers look at."""

    namespaces: Informer
    accounts: Informer
    pods: Informer
    nodes: Informer
    deployments: Informer
    replica_sets: Informer
    jobs: Informer


class Manager:
    """`client_for` gives a component's client (`kube-controller-manager`, `kube-scheduler`).

    `served`: all kinds of the API. `ca_pem`: what clients in Pods verify the API server with. `issue`: makes
    the tokens that live in Secrets. `sealing`: what notes about values are made with. `node_grace`: how
    long a node may be silent.
    """

    def __init__(
        self,
        client_for: Callable[[str], Client],
        served: Sequence[Resource],
        ca_pem: str,
        issue: token_secrets.Issue,
        sealing: SealingKey,
        clock: Clock,
        *,
        node_grace: float = node_lifecycle.GRACE,
    ) -> None:
        self._client_for = client_for
        self._node_grace = node_grace
        self._clock = clock
        self._informers: list[Informer] = []
        self._recorders: list[EventRecorder] = []
        self._loops: dict[str, Loop] = {}
        manager = client_for(CONTROLLER_MANAGER)
        shared = _Shared(
            self._informer(manager, resources.NAMESPACES),
            self._informer(manager, resources.SERVICE_ACCOUNTS),
            self._informer(manager, resources.PODS, reduce=pod_state.reduce),
            self._informer(manager, resources.NODES),
            self._informer(
                manager, resources.DEPLOYMENTS, reduce=workload_cache.reduce, filled=self._refill_restarts
            ),
            self._informer(manager, resources.REPLICA_SETS, reduce=workload_cache.reduce),
            self._informer(manager, resources.JOBS, reduce=workload_cache.reduce),
        )
        self._add_basics(manager, shared, served, ca_pem)
        self._add_nodes(manager, shared)
        self._add_workloads(shared, sealing)
        self._add_scheduler(shared)
        pointing = self._add_endpoints(shared)
        self._add_followers(shared, pointing, served, ca_pem, issue)

    def _add_basics(self, manager: Client, shared: _Shared, served: Sequence[Resource], ca_pem: str) -> None:
        clock, namespaces = self._clock, shared.namespaces
        config_maps = self._informer(
            manager, resources.CONFIG_MAPS, f"metadata.name={root_ca_publisher.NAME}"
        )
        self._loops |= {
            "namespace": NamespaceController(manager, namespaces, shared.pods, served, clock),
            "service-account": ServiceAccountController(manager, namespaces, shared.accounts, clock),
            "root-ca-publisher": RootCAPublisher(manager, namespaces, config_maps, ca_pem, clock),
            "cluster-role-aggregation": ClusterRoleAggregation(
                manager, self._informer(manager, resources.CLUSTER_ROLES), clock
            ),
        }

    def _add_nodes(self, manager: Client, shared: _Shared) -> None:
        clock, pods, nodes = self._clock, shared.pods, shared.nodes
        leases = self._informer(manager, resources.LEASES, namespace=node_lifecycle.LEASE_NAMESPACE)
        self._loops |= {
            "pod-garbage-collector": PodGarbageCollector(manager, pods, nodes, clock),
            node_lifecycle.NAME: NodeLifecycle(
                manager,
                nodes,
                leases,
                pods,
                self._recorder(manager, node_lifecycle.NAME),
                clock,
                grace=self._node_grace,
            ),
            node_ipam.NAME: NodeIPAM(manager, nodes, self._recorder(manager, node_ipam.EVENTS), clock),
            taint_eviction.NAME: TaintEviction(
                manager, pods, nodes, self._recorder(manager, taint_eviction.NAME), clock
            ),
        }

    def _add_workloads(self, shared: _Shared, sealing: SealingKey) -> None:
        clock, replica_sets, pods = self._clock, shared.replica_sets, shared.pods
        deployer, replicator = self._client_for(deployment.NAME), self._client_for(replica_set.NAME)
        restarter, worker = self._client_for(restart.NAME), self._client_for(job.NAME)
        timer = self._client_for(cron_job.NAME)
        self._loops |= {
            deployment.NAME: deployment.DeploymentController(
                deployer,
                shared.deployments,
                replica_sets,
                pods,
                self._recorder(deployer, deployment.NAME),
                clock,
            ),
            replica_set.NAME: replica_set.ReplicaSetController(
                replicator, replica_sets, pods, self._recorder(replicator, replica_set.NAME), clock
            ),
            restart.NAME: restart.RestartController(
                restarter, shared.deployments, sealing, self._recorder(restarter, restart.NAME), clock
            ),
            cron_job.NAME: cron_job.CronJobController(
                timer,
                self._informer(timer, resources.CRON_JOBS, reduce=pod_state.reduce),
                shared.jobs,
                self._recorder(timer, cron_job.NAME),
                clock,
            ),
            job.NAME: job.JobController(worker, shared.jobs, pods, self._recorder(worker, job.NAME), clock),
        }

    def _add_scheduler(self, shared: _Shared) -> None:
        binder = self._client_for(SCHEDULER)
        self._loops["scheduler"] = Scheduler(
            binder,
            self._informer(binder, resources.PODS, reduce=pod_state.reduce),
            self._informer(binder, resources.NODES),
            shared.namespaces,
            self._recorder(binder, scheduler.NAME),
            self._clock,
        )

    def _add_endpoints(self, shared: _Shared) -> Sequence[Informer]:
        """Gives the informers that it adds."""
        pointer, slicer = self._client_for(ENDPOINTS), self._client_for(ENDPOINT_SLICES)
        endpoints = self._informer(pointer, resources.ENDPOINTS)
        pieces = self._informer(slicer, resources.ENDPOINT_SLICES)
        followed = ServicePods(self._informer(slicer, resources.SERVICES), shared.pods)
        self._loops |= {
            ENDPOINTS: EndpointsController(pointer, followed, endpoints, self._clock),
            ENDPOINT_SLICES: EndpointSliceController(slicer, followed, pieces, shared.nodes, self._clock),
        }
        return endpoints, pieces, followed.services

    def _add_followers(
        self,
        shared: _Shared,
        more: Sequence[Informer],
        served: Sequence[Resource],
        ca_pem: str,
        issue: token_secrets.Issue,
    ) -> None:
        """The controllers that look at objects of every kind, and those of token Secrets."""
        clock, accounts = self._clock, shared.accounts
        collector, counter, filler = map(self._client_for, (GARBAGE_COLLECTOR, RESOURCE_QUOTA, TOKENS))
        quotas = self._informer(counter, resources.RESOURCE_QUOTAS)
        whole = [getattr(shared, field.name) for field in fields(shared)]
        followed = self._follow(collector, served, (*whole, *more, quotas))
        secrets = followed[resources.SECRETS]
        self._loops |= {
            GARBAGE_COLLECTOR: GarbageCollector(
                collector,
                list(followed.values()),
                shared.namespaces,
                self._recorder(collector, garbage_collector.NAME),
                clock,
            ),
            RESOURCE_QUOTA: ResourceQuotaController(counter, quotas, followed, clock),
            TOKENS: TokenSecrets(filler, secrets, accounts, ca_pem, issue, clock),
            "legacy-token-cleaner": LegacyTokenCleaner(filler, secrets, accounts, shared.pods, clock),
            token_cleaner.NAME: TokenCleaner(filler, secrets, clock),
        }

    def _informer(
        self,
        client: Client,
        resource: Resource,
        field_selector: str = "",
        *,
        namespace: str | None = None,
        reduce: Callable[[Object], Object] | None = None,
        filled: Callable[[], None] | None = None,
    ) -> Informer:
        informer = Informer(
            client,
            resource,
            namespace,
            field_selector=field_selector,
            reduce=reduce,
            filled=filled,
            clock=self._clock,
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

    def _refill_restarts(self) -> None:
        restarts = self._loops[restart.NAME]
        assert isinstance(restarts, restart.RestartController)
        restarts.refilled()

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
