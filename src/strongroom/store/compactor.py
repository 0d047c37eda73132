"""Forgets old revisions, so that the database does not grow with the number of writes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from strongroom.store import errors
from strongroom.store.engine import Engine

_log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 300.0
"""As kube-apiserver compacts etcd: what is older than one to two intervals is gone."""


class Compactor:
    """Compacts an engine to the revision that was current one interval ago."""

    def __init__(
        self,
        engine: Engine,
        *,
        interval: float = INTERVAL_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._interval = interval
        self._sleep = sleep

    async def run(self) -> None:
        """Until cancelled. An engine that is unavailable is tried again an interval later."""
        known = 0
        while True:
            try:
                current = await self._engine.current_revision()
                if known:
                    await self._engine.compact(known)
                known = current
            except errors.StoreError as error:
                _log.warning("compaction failed: %s", error)
            await self._sleep(self._interval)
