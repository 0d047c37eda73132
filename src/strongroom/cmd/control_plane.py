"""API server, controllers and scheduler in this process: from the data directory to a port that answers."""

import asyncio
import ipaddress
import socket
import uuid
from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import node_joining, resources, scheme
from strongroom.client import kubeconfig
from strongroom.client.in_process import InProcessTransport
from strongroom.client.rest import Client
from strongroom.cmd import (
    authentication,
    credentials,
    encryption,
    pki,
    service_account_keys,
    storage,
    token_auth_file,
)
from strongroom.cmd.admin_socket import AdminSocket
from strongroom.cmd.authentication import RELOAD_SECONDS, ConfigFile
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.key_rotation import KeyRotation
from strongroom.cmd.settings import Settings
from strongroom.cmd.signer_commands import SignerCommands
from strongroom.controllers import manager
from strongroom.controllers.leader_election import LeaderElection
from strongroom.controllers.restart.seal import SealingKey
from strongroom.machinery.request_info import UserInfo
from strongroom.node.containerd import network
from strongroom.registry import bootstrap, kubernetes_service
from strongroom.registry.catalog import Catalog
from strongroom.registry.event_expiry import EventExpiry
from strongroom.registry.service_addresses import FIRST_ADDRESS
from strongroom.server import defaults
from strongroom.server.app import Application
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.in_flight import Limits
from strongroom.server.listener import Listener
from strongroom.server.service_accounts import legacy
from strongroom.server.service_accounts.settings import ISSUER, TokenSettings
from strongroom.store.compactor import KEEP, Compactor

CONTEXT = "strongroom"
_LEASE = "strongroom-controllers"
_SERVICE_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


class ControlPlane:
    """`start` until the API answers, then `run_controllers`; `close` drains. Tokens are in memory only."""

    def __init__(self, settings: Settings, place: DataDir, clock: Clock) -> None:
        self._settings = settings
        self._place = place
        self._clock = clock
        self._tasks = TaskGroup("control-plane", describe_errors=False)
        self._admin_token = credentials.admin_token(place.admin_token)
        self.authority = pki.Authority.open_or_create(place.pki, clock.now())
        self._signers = service_account_keys.KeyFolder(place.service_account_keys, clock)
        token_file = settings.authentication.token_file
        self._static_users = token_auth_file.load(token_file) if token_file else {}
        self._audit_log = settings.audit.open(clock) if settings.audit else None
        self._tokens: dict[str, str] = {}
        self._storage: storage.Storage | None = None
        self._catalog: Catalog | None = None
        self._app: Application | None = None
        self._listener: Listener | None = None
        self._admin_socket: AdminSocket | None = None
        self._election: LeaderElection | None = None

    async def start(self) -> None:
        """Open the store, serve the API, write the kubeconfig. Raises what `standalone.FAILURES` lists."""
        settings = self._settings
        options = encryption.Options(settings.passphrase_file, settings.encryption_config)
        self._storage = await storage.open_storage(self._place, self._clock, options, settings.store)
        catalog = self._catalog = Catalog(self._storage.cache, self._storage.objects, self._clock)
        users = {
            "admin": credentials.ADMIN,
            manager.CONTROLLER_MANAGER: credentials.CONTROLLER_MANAGER,
            manager.SCHEDULER: credentials.SCHEDULER,
            "node": credentials.node_user(settings.node_name),
            "proxy": credentials.component(node_joining.PROXY_USER),
            **{name: credentials.component(manager.user_name(name)) for name in manager.SEPARATE},
        }
        self._tokens = {component: credentials.new_token() for component in users}
        self._tokens["admin"] = self._admin_token
        own = {self._tokens[component]: user for component, user in users.items()}
        by_token: dict[str, UserInfo] = self._static_users | own
        self._app = defaults.application(
            catalog,
            by_token,
            self._clock,
            token_settings=self._token_settings,
            recorder=self._recorder(),
            people=self._people(),
            limits=Limits(settings.max_requests_inflight, settings.max_mutating_requests_inflight),
            server_address=settings.server_url.removeprefix("https://"),
            ready_checks=self._storage.checks,
            storage_size=self._storage.size,
        )
        await bootstrap.ensure_namespaces(catalog)
        await bootstrap.ensure_roles(catalog)
        await bootstrap.ensure_priority_classes(catalog)
        await kubernetes_service.ensure(catalog, settings.host, settings.port)
        certificate = self._serving_certificate(self._clock.now())
        self._listener = Listener(
            self._app, settings.host, settings.port, certificate.certificate, certificate.key
        )
        await self._listener.start()
        access = kubeconfig.Access(settings.server_url, self.authority.pem, self._admin_token)
        kubeconfig.merge(settings.kubeconfig, CONTEXT, access)
        opened = self._storage
        rotation = KeyRotation(opened.engine, opened.objects, opened.encryption, opened.handover)
        signers = SignerCommands(self._signers, catalog)
        self._admin_socket = AdminSocket(self._place.root, {**rotation.commands, **signers.commands})
        await self._admin_socket.start()

    def client_for(self, component: str) -> Client:
        """A client in this process, known to authentication and authorization as `component`."""
        assert self._app is not None
        return Client(
            InProcessTransport(self._app, self._tokens[component]), user_agent=f"strongroom-{component}"
        )

    def run_controllers(self) -> None:
        """Start the controllers, the scheduler and the store's compaction."""
        assert self._storage is not None
        if (local := self._storage.local) is not None and local.unclean:
            # What is live was read by now; the rest is looked at while the API answers.
            self._tasks.spawn("check", local.check())
        if self._storage.encryption.configured is not None:
            followed = storage.follow(self._storage.encryption.configured, self._storage.cache)
            self._tasks.spawn("encryption", followed)
        kept = 0 if self._storage.engine.shared else KEEP
        self._tasks.spawn("compactor", Compactor(self._storage.engine, keep=kept).run())
        assert self._catalog is not None
        expiry = EventExpiry(self._catalog[resources.EVENTS], self._clock)
        self._tasks.spawn("event-expiry", expiry.run())
        served = tuple(scheme.STRATEGIES)
        if not self._storage.engine.shared:  # else others have signed too, and nobody knows until when
            signers = SignerCommands(self._signers, self._catalog)
            self._tasks.spawn("signers", signers.drop_ended())
        ca, issue = self.authority.pem.decode(), legacy.issuer(self._signers.keys)
        sealing = SealingKey(self._signers.keys.derived("strongroom restart-on-secret-change"))

        async def run() -> None:
            grace = self._settings.cluster.grace
            await manager.Manager(
                self.client_for, served, ca, issue, sealing, self._clock, node_grace=grace
            ).run()

        if self._storage.engine.shared:
            candidate = self.client_for(manager.CONTROLLER_MANAGER)
            identity = f"{socket.gethostname()}_{uuid.uuid4()}"
            self._election = LeaderElection(candidate, _LEASE, identity, self._clock)
            self._tasks.spawn("controllers", self._election.lead(run))
        else:
            self._tasks.spawn("controllers", run())

    async def close(self) -> None:
        """Stop the controllers, end watches, let requests under way finish, close the store."""
        await self._tasks.aclose()
        if self._election is not None:
            await self._election.release()
        for part in (self._admin_socket, self._app, self._listener, self._storage):
            if part is not None:
                await part.close()
        if self._audit_log is not None:
            self._audit_log.close()

    @property
    def _token_settings(self) -> TokenSettings:
        options = self._settings.authentication.tokens
        issuer, *others = options.issuers or (ISSUER,)
        return TokenSettings(
            self._signers.keys,
            issuer,
            options.audiences,
            options.extend,
            options.max_seconds,
            tuple(others),
            options.jwks_uri,
        )

    def _people(self) -> OIDCTokens:
        """The users of OpenID Connect issuers, whose keys begin to be fetched now."""
        options = self._settings.authentication
        people = OIDCTokens(options.issuers, self._clock, self._token_settings.api_audiences)
        people.start()
        if options.config_file is not None:
            self._tasks.spawn(
                "authentication",
                _follow(ConfigFile(options.config_file, authentication.own_issuers(options.tokens)), people),
            )
        return people

    def _recorder(self) -> Recorder | None:
        options, log = self._settings.audit, self._audit_log
        return options.recorder(log, self._clock) if options and log else None

    def _serving_certificate(self, now: datetime) -> pki.ServingCertificate:
        hosts = ["localhost", "127.0.0.1", "::1", self._settings.node_name, *_SERVICE_NAMES, FIRST_ADDRESS]
        everywhere = ipaddress.ip_address(self._settings.host).is_unspecified
        hosts.append(network.host_address() if everywhere else self._settings.host)
        hosts += self._settings.cluster.names
        return self.authority.serving("apiserver", hosts, now)


async def _follow(file: ConfigFile, people: OIDCTokens) -> None:
    """Take over changes of the issuers, for ever."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        if (issuers := await asyncio.to_thread(file.changed)) is not None:
            await people.replace(issuers)
