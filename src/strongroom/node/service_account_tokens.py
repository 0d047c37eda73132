"""Tokens of ServiceAccounts for the pods of this node: asked for when a volume wants one, renewed in time.

Rules: the kubelet's token manager (`pkg/kubelet/token`) and KEP-1205. A token is renewed when a fifth of its
life is left, or when it is a day old; and soon after the clock was set forward beyond that, or back to before
it was made. It is bound to its pod, so it is dead as soon as the pod is.
"""

import functools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from strongroom.aio import clock as clocks
from strongroom.aio.backoff import Backoff
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node.lookup import NotSyncedError
from strongroom.node.volumes.payload import VolumeError

_DAY: Final = 24 * 60 * 60.0
_LIFE_USED: Final = 0.8
_JITTER: Final = 10.0
_LOOK: Final = 5.0
"""Seconds between two looks at the wall clock: nothing tells when it is set."""
_FIRST_RETRY, _LAST_RETRY = 0.5, 60.0

Sleep = Callable[[float], Awaitable[object]]
_Key = tuple[str, str, int]
"""The pod's uid, the audience ("": the API's), the lifetime asked for."""


@dataclass(slots=True)
class _Held:
    """`token` is "" until there is one; `error`: why there is no newer one."""

    tasks: TaskGroup
    token: str = field(default="", repr=False)
    error: str = ""


class ServiceAccountTokens:
    """`on_change` is called with a pod's uid when it has a new token, or when one could not be had."""

    def __init__(self, client: Client, on_change: Callable[[str], None], sleep: Sleep | None = None) -> None:
        self._client = client
        self._on_change = on_change
        # Tokens begin and end at a time of day.
        self._sleep = sleep or functools.partial(clocks.sleep_by_either, clocks.SystemClock(), look=_LOOK)
        self._held: dict[_Key, _Held] = {}
        self._closing = TaskGroup("tokens-closing")

    def get(self, pod: Object, audience: str, seconds: int) -> str:
        """The token of the pod's account. From the first call on it is kept fresh until `release`.

        Raises `NotSyncedError` while it is being asked for, `VolumeError` when it is refused."""
        key = (str(pod["metadata"]["uid"]), audience, seconds)
        held = self._held.get(key)
        if held is None:
            # An error may hold what was being handled: only its type is told.
            held = self._held[key] = _Held(TaskGroup("service-account-token", describe_errors=False))
            held.tasks.spawn("keep", self._keep(pod, key, held))
        if held.token:
            return held.token
        if held.error:
            raise VolumeError(f"failed to fetch token: {held.error}")
        raise NotSyncedError("token")

    def release(self, uid: str) -> None:
        """The pod is gone."""
        for key in [key for key in self._held if key[0] == uid]:
            self._closing.spawn("close", self._held.pop(key).tasks.aclose())

    async def aclose(self) -> None:
        """Stop renewing."""
        for held in self._held.values():
            await held.tasks.aclose()
        self._held.clear()
        await self._closing.aclose()

    async def _keep(self, pod: Object, key: _Key, held: _Held) -> None:
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        while True:
            try:
                held.token, life = await self._ask(pod, key)
            except StatusError as error:
                delay = self._failed(held, key, error.message, backoff)
            except ConnectionFailed as error:
                delay = self._failed(held, key, str(error), backoff)
            else:
                held.error = ""
                backoff.reset()
                delay = max(min(life * _LIFE_USED, _DAY) - random.uniform(0, _JITTER), 1.0)  # noqa: S311
                self._on_change(key[0])
            await self._sleep(delay)

    def _failed(self, held: _Held, key: _Key, text: str, backoff: Backoff) -> float:
        held.error = text
        self._on_change(key[0])
        return backoff.next()

    async def _ask(self, pod: Object, key: _Key) -> tuple[str, float]:
        """A token and its lifetime in seconds."""
        metadata, (uid, audience, seconds) = pod["metadata"], key
        spec: Object = {
            "expirationSeconds": seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": uid},
        }
        if audience:
            spec["audiences"] = [audience]
        account = str(pod["spec"].get("serviceAccountName") or "default")
        answer = await self._client.create(
            resources.SERVICE_ACCOUNTS,
            {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": spec},
            metadata["namespace"],
            subresource="token",
            name=account,
        )
        return str(answer["status"]["token"]), float(answer["spec"].get("expirationSeconds") or seconds)
