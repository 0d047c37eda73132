"""The usual application: static tokens, node authorizer, system roles and RBAC, the standard admission."""

from collections.abc import Mapping

from strongroom.aio.clock import Clock
from strongroom.api import resources, reviews
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.server import app
from strongroom.server.admission import plugin
from strongroom.server.admission.namespace_lifecycle import NamespaceLifecycle
from strongroom.server.admission.node_restriction import NodeRestriction
from strongroom.server.admission.pod_security import PodSecurity
from strongroom.server.admission.priority import Priority
from strongroom.server.admission.rbac_escalation import RBACEscalation
from strongroom.server.admission.resource_quota import ResourceQuota
from strongroom.server.admission.service_account import ServiceAccount
from strongroom.server.admission.taint_nodes import TaintNodes
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication import authenticator
from strongroom.server.authentication.anonymous import AnonymousAuthenticator
from strongroom.server.authentication.bootstrap_token import BootstrapTokens
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.authentication.service_account_token import ServiceAccountTokens
from strongroom.server.authentication.token_file import TokenAuthenticator
from strongroom.server.authentication.tokens import Sources
from strongroom.server.authorization import authorizer
from strongroom.server.authorization.masters import MastersAuthorizer
from strongroom.server.authorization.node import NodeAuthorizer
from strongroom.server.authorization.rbac import RBACAuthorizer
from strongroom.server.authorization.rbac_index import RBACIndex
from strongroom.server.authorization.restarts import RestartAuthorizer
from strongroom.server.authorization.system_roles import SystemRolesAuthorizer
from strongroom.server.handlers import (
    access_reviews,
    authentication_reviews,
    custom_resources,
    node_token,
    token_request,
)
from strongroom.server.health import Check
from strongroom.server.in_flight import Limits
from strongroom.server.issuer_discovery import IssuerDiscovery
from strongroom.server.metrics import StorageSize
from strongroom.server.node_connection import NodeConnector
from strongroom.server.node_tokens.tokens import NodeTokens
from strongroom.server.service_accounts.last_use import LastUse
from strongroom.server.service_accounts.settings import TokenSettings


def application(
    catalog: Catalog,
    tokens: Mapping[str, UserInfo],
    clock: Clock,
    *,
    token_settings: TokenSettings,
    recorder: Recorder | None = None,
    server_address: str = "127.0.0.1:6443",
    ready_checks: Mapping[str, Check] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    people: OIDCTokens | None = None,
    storage_size: StorageSize | None = None,
) -> app.Application:
    """An application for `catalog`, whose users are those of `tokens`, its service accounts, and `people`."""
    people = people or OIDCTokens((), clock)
    audiences = token_settings.api_audiences
    static = TokenAuthenticator(tokens, audiences)
    last_use = LastUse(catalog[resources.SECRETS], clock)
    accounts = ServiceAccountTokens(token_settings, catalog, clock, last_use)
    node_tokens = NodeTokens(token_settings, catalog, clock)
    bootstrap = BootstrapTokens(catalog, clock, audiences)
    sources = (static, accounts, people, node_tokens, bootstrap)
    index = RBACIndex(catalog)
    masters, system, rbac = MastersAuthorizer(), SystemRolesAuthorizer(), RBACAuthorizer(index)
    # No one denies, so the order matters for speed alone: most who ask hold a role.
    nodes_of, restarts = (
        NodeAuthorizer(catalog[resources.PODS]),
        RestartAuthorizer(catalog[resources.DEPLOYMENTS]),
    )
    authorization = authorizer.Chain((masters, rbac, nodes_of, system, restarts))
    admission = plugin.Chain(
        (
            NamespaceLifecycle(catalog[resources.NAMESPACES]),
            RBACEscalation(index, authorization),
            ServiceAccount(catalog[resources.SERVICE_ACCOUNTS]),
            NodeRestriction(catalog, authorization, audiences),
            TaintNodes(),
            PodSecurity(catalog[resources.NAMESPACES], catalog[resources.PODS]),
            Priority(catalog[resources.PRIORITY_CLASSES]),
            # Last: what another plugin refuses must not be counted.
            ResourceQuota(catalog[resources.RESOURCE_QUOTAS], clock),
        )
    )
    return app.Application(
        catalog,
        authenticator=authenticator.Chain((*sources, AnonymousAuthenticator()), people),
        authorizer=authorization,
        admission=admission,
        nodes=NodeConnector(node_tokens.proof),
        clock=clock,
        server_address=server_address,
        ready_checks=ready_checks,
        endpoints=[
            token_request.endpoint(token_settings, catalog, admission, clock),
            node_token.endpoint(node_tokens, catalog),
            *authentication_reviews.endpoints(Sources(sources), audiences, people, clock),
            *access_reviews.endpoints(authorization, (masters, system, rbac), clock),
            custom_resources.endpoint(),
        ],
        reviews=reviews.REVIEWS,
        recorder=recorder,
        limits=limits,
        parts=[last_use, people],
        storage_size=storage_size,
        paths=[IssuerDiscovery(token_settings, server_address)],
    )
