"""The usual application: static tokens, node authorizer and system roles, the standard admission."""

from collections.abc import Mapping

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.catalog import Catalog
from strongroom.server import app
from strongroom.server.admission import plugin
from strongroom.server.admission.namespace_lifecycle import NamespaceLifecycle
from strongroom.server.admission.service_account import ServiceAccount
from strongroom.server.authentication import authenticator
from strongroom.server.authentication.anonymous import AnonymousAuthenticator
from strongroom.server.authentication.token_file import TokenAuthenticator
from strongroom.server.authorization import authorizer
from strongroom.server.authorization.masters import MastersAuthorizer
from strongroom.server.authorization.node import NodeAuthorizer
from strongroom.server.authorization.system_roles import SystemRolesAuthorizer
from strongroom.server.health import Check
from strongroom.server.node_connection import NodeConnector


def application(
    catalog: Catalog,
    tokens: Mapping[str, UserInfo],
    nodes: NodeConnector,
    clock: Clock,
    *,
    server_address: str = "127.0.0.1:6443",
    ready_checks: Mapping[str, Check] | None = None,
) -> app.Application:
    """An application for `catalog`, whose users are those of `tokens`."""
    return app.Application(
        catalog,
        authenticator=authenticator.Chain((TokenAuthenticator(tokens), AnonymousAuthenticator())),
        authorizer=authorizer.Chain(
            (MastersAuthorizer(), NodeAuthorizer(catalog[resources.PODS]), SystemRolesAuthorizer())
        ),
        admission=plugin.Chain(
            (
                NamespaceLifecycle(catalog[resources.NAMESPACES]),
                ServiceAccount(catalog[resources.SERVICE_ACCOUNTS]),
            )
        ),
        nodes=nodes,
        clock=clock,
        server_address=server_address,
        ready_checks=ready_checks,
    )
