"""The keys of one issuer as last seen, and when they are looked at again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock
from strongroom.server.authentication.oidc import jwks
from strongroom.server.authentication.oidc.config import JWTAuthenticator
from strongroom.server.authentication.oidc.discovery import Unreachable
from strongroom.server.authentication.oidc.jwks import Key

_log = logging.getLogger(__name__)

Fetch = Callable[[JWTAuthenticator], Awaitable[dict[str, tuple[Key, ...]]]]

EVERY: Final = 600.0
"""Seconds after which keys are looked at again, so that one that was withdrawn is not believed for long."""
APART: Final = 10.0
"""Seconds between two fetches at least, whatever tokens ask for."""
PATIENCE: Final = 5.0
"""Seconds that a request waits for a key that may be new."""
WAITING: Final = 128
"""Requests that wait at once; more are refused without waiting."""


class KeySet:
    """`run` keeps the keys; nobody waits for it but by `refreshed`, and not for long."""

    def __init__(self, authenticator: JWTAuthenticator, clock: Clock, fetch: Fetch) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._fetch = fetch
        self._keys: dict[str, tuple[Key, ...]] = {}
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()
        """Is set, and exchanged, when a fetch has ended."""
        self._fetching = False
        self._last = float("-inf")
        self._waiting = 0
        self._failing = ""
        self.ready = False
        """Whether there has been an answer."""

    @property
    def keys(self) -> Mapping[str, tuple[Key, ...]]:
        """By id, as they are now, whenever it is looked at. What has not changed is the same object."""
        return self._keys

    def candidates(self, key_id: str, algorithm: str) -> tuple[str, list[Key]]:
        """The entry's id, and the keys that may have made a signature.

        A token that names no key can only be of the one key there is."""
        if key_id:
            return key_id, jwks.fitting(self._keys.get(key_id, ()), algorithm)
        found = [(name, key) for name, keys in self._keys.items() for key in jwks.fitting(keys, algorithm)]
        return (found[0][0], [found[0][1]]) if len(found) == 1 else ("", [])

    def refreshed(self) -> Awaitable[None] | None:
        """Has the keys fetched and waits for that; None when it was done a moment ago, or too many wait."""
        if self._waiting >= WAITING or (not self._fetching and not self._may_fetch()):
            return None
        self._wanted.set()
        return self._wait(self._fetched)

    async def run(self) -> None:
        """Fetch now, then when a token asks for it, and every now and then. For ever."""
        backoff = Backoff(1.0, APART)
        while True:
            self._fetching = True
            good = await self._refresh()
            self._fetching = False
            done, self._fetched = self._fetched, asyncio.Event()
            self._wanted.clear()
            done.set()
            if good:
                backoff.reset()
            pause = EVERY if good else max(backoff.next(), 1.0)
            try:
                await asyncio.wait_for(self._wanted.wait(), pause)
            except TimeoutError:
                pass

    def _may_fetch(self) -> bool:
        return self._clock.monotonic() - self._last >= APART

    async def _wait(self, fetched: asyncio.Event) -> None:
        self._waiting += 1
        try:
            await asyncio.wait_for(fetched.wait(), PATIENCE)
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    async def _refresh(self) -> bool:
        self._last = self._clock.monotonic()
        try:
            found = await self._fetch(self._authenticator)
        except Exception as error:
            # Whatever it is, keys are to be looked at again: only our own errors have texts to be told.
            why = str(error) if isinstance(error, Unreachable) else type(error).__name__
            if why != self._failing:
                self._failing = why
                _log.warning("oidc: the keys of %s can't be fetched: %s", self._authenticator.url, why)
            return False
        if self._failing or not self.ready:
            _log.info("oidc: the keys of %s are here: %d", self._authenticator.url, len(found))
        self._failing, self.ready = "", True
        same = {name: self._keys[name] for name in found if self._keys.get(name) == found[name]}
        # In place: a verification that is kept holds as long as its key is found here.
        self._keys.clear()
        self._keys |= {**found, **same}
        return True
