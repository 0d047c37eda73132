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


KEEP: Final = 500_000
"""Revisions that are kept at most, however young: some 0.7 GB of Secrets that were written over."""

LOOK_SECONDS: Final = 10.0
"""How often they are counted."""


class Compactor:
    """Compacts an engine to the revision that was current one interval ago.

    `keep`: and sooner, so that no more than that many revisions stay; 0: by age alone, which is for others to
    decide where several servers share a store."""

    def __init__(
        self,
        engine: Engine,
        *,
        interval: float = INTERVAL_SECONDS,
        keep: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._interval = interval
        self._keep = keep
        self._sleep = sleep

    async def run(self) -> None:
        """Until cancelled. An engine that is unavailable is tried again at the next look."""
        known, compacted = 0, 0
        step = min(LOOK_SECONDS, self._interval) if self._keep else self._interval
        age = self._interval
        while True:
            try:
                current = await self._engine.current_revision()
                wanted = current - self._keep if self._keep else 0
                if age >= self._interval:
                    wanted, known, age = max(wanted, known), current, 0.0
                if wanted > compacted:
                    await self._engine.compact(wanted)
                    compacted = wanted
            except errors.StoreError as error:
                _log.warning("compaction failed: %s", error)
            await self._sleep(step)
            age += step
