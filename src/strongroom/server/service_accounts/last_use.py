"""Notes on a Secret that its token was used, by day: so that unused ones can be found (KEP-2799)."""

import logging
from typing import Final

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.machinery.gvk import Object
from strongroom.registry.generic import Registry
from strongroom.server.service_accounts import legacy

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 64


class LastUse:
    """`note` never waits and never fails; the label is written in the background, once a day."""

    def __init__(self, secrets: Registry, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._tasks = tasks.TaskGroup("legacy-token-use", describe_errors=False)
        self._under_way: set[tuple[str, str]] = set()
        self._closed = False

    def note(self, namespace: str, secret: Object) -> None:
        """The token in `secret` was used now."""
        metadata = secret["metadata"]
        today = self._clock.now().strftime("%Y-%m-%d")
        key = (namespace, str(metadata["name"]))
        if (metadata.get("labels") or {}).get(legacy.LAST_USED) == today or key in self._under_way:
            return
        if len(self._under_way) < _AT_ONCE and not self._closed:
            self._under_way.add(key)
            self._tasks.spawn("note", self._write(key, metadata["uid"], today))

    async def close(self) -> None:
        self._closed = True
        await self._tasks.aclose()

    async def _write(self, key: tuple[str, str], uid: str, today: str) -> None:
        def label(secret: Object) -> Object:
            secret["metadata"].setdefault("labels", {})[legacy.LAST_USED] = today
            return secret | {"metadata": {**secret["metadata"], "uid": uid}}

        try:
            await self._secrets.update(*key, label)
        except Exception as error:
            _log.debug("use of the token in %s/%s not noted: %s", *key, type(error).__name__)
        finally:
            self._under_way.discard(key)
