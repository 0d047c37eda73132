"""A whole API server in the test's own event loop: the application over an engine in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from strongroom.aio.clock import Clock, SystemClock
from strongroom.client.in_process import InProcessTransport
from strongroom.client.response import Response
from strongroom.client.transport import Query
from strongroom.controllers import manager
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import UserInfo
from strongroom.registry import bootstrap, catalog, foreign
from strongroom.server import app, defaults
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.in_flight import Limits
from strongroom.server.metrics import StorageSize
from strongroom.server.service_accounts import keys
from strongroom.server.service_accounts.settings import TokenSettings
from strongroom.store.engine import Engine
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache

ADMIN = "admin"
TOKENS: Mapping[str, UserInfo] = {
    ADMIN: UserInfo("kubernetes-admin", groups=("system:masters", "system:authenticated")),
    "nobody": UserInfo("nobody", groups=("system:authenticated",)),
    "scheduler": UserInfo("system:kube-scheduler", groups=("system:authenticated",)),
    "controllers": UserInfo("system:kube-controller-manager", groups=("system:authenticated",)),
    **{
        name: UserInfo(manager.user_name(name), groups=("system:authenticated",)) for name in manager.SEPARATE
    },
    "node-n1": UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated")),
    "node-n2": UserInfo("system:node:n2", groups=("system:nodes", "system:authenticated")),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with its body decoded as JSON when it is JSON."""

    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    @property
    def text(self) -> str:
        return self.response.body.decode()

    @property
    def json(self) -> Object:
        decoded: Object = orjson.loads(self.response.body)
        return decoded


class APIServer:
    """The running parts, and short ways to send requests."""

    def __init__(
        self, application: app.Application, served: catalog.Catalog, objects: ObjectStore, cache: WatchCache
    ) -> None:
        self.app = application
        self.catalog = served
        self.objects = objects
        self.cache = cache

    def transport(self, token: str = ADMIN) -> InProcessTransport:
        """For a Client of the user that the token stands for."""
        return InProcessTransport(self.app, token)

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        token: str = ADMIN,
        content_type: str = "application/json",
    ) -> Answer:
        """`path` may carry a query. `body`: bytes as they are, anything else as JSON."""
        path, _, raw = path.partition("?")
        more = [tuple(part.partition("=")[::2]) for part in raw.split("&")] if raw else []
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent = {"content-type": content_type, **(headers or {})} if data else dict(headers or {})
        pairs = [(str(name), str(value)) for name, value in [*query, *more]]
        answer = await self.transport(token).request(method, path, query=pairs, headers=sent, body=data)
        return Answer(answer)

    async def get(self, path: str, **more: object) -> Answer:
        return await self.request("GET", path, **more)  # type: ignore[arg-type]

    async def create_secret(self, name: str, namespace: str = "default", **fields: object) -> Object:
        """A Secret as the server answers it."""
        secret = {"metadata": {"name": name}, "data": {"key": "dmFsdWU="}, **fields}
        answer = await self.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
        assert answer.status == 201, answer.text
        return answer.json


@asynccontextmanager
async def running(
    engine: Engine | None = None,
    clock: Clock | None = None,
    service_account_keys: keys.Keys | None = None,
    recorder: Recorder | None = None,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    people: OIDCTokens | None = None,
    token_settings: TokenSettings | None = None,
    storage_size: StorageSize | None = None,
) -> AsyncIterator[APIServer]:
    """A server with the system's namespaces and roles."""
    clock, engine = clock or SystemClock(), engine or MemoryEngine()
    await engine.start()
    objects = ObjectStore(engine, {}, catalog.store_requests())
    cache = WatchCache(objects, catalog.prefixes(), clock=clock, foreign=foreign.to_json)
    await cache.start()
    served = catalog.Catalog(cache, objects, clock)
    await bootstrap.ensure_namespaces(served)
    await bootstrap.ensure_roles(served)
    await bootstrap.ensure_priority_classes(served)
    application = defaults.application(
        served,
        TOKENS,
        clock,
        token_settings=token_settings or TokenSettings(service_account_keys or keys.generate()),
        recorder=recorder,
        limits=limits,
        people=people,
        storage_size=storage_size,
    )
    try:
        yield APIServer(application, served, objects, cache)
    finally:
        await application.close()
        await cache.close()
        await engine.close()
