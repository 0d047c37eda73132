"""Lists: which snapshot, which part of it, and the token for the rest.

A list is answered from the watch cache. A page after the first belongs to the snapshot of the first, which is
read from the store when the resource has changed since.
"""

from collections.abc import Sequence
from typing import NamedTuple

from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.registry import continue_token
from strongroom.registry.options import ListOptions
from strongroom.registry.selection import Selection
from strongroom.store import entry as entries
from strongroom.store.errors import Compacted, FutureRevision
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import Entry, ResourceCache, WatchCache

FRESH_TIMEOUT = 3.0
"""Seconds that a read waits for a revision that is not there yet."""

EXPIRED_LIST = "The resourceVersion for the provided list is too old."
_EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


class Page(NamedTuple):
    """Part of a list, in key order. `revision`: the snapshot's. `remaining` is None when it isn't known."""

    entries: Sequence[Entry]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


async def wait_for(cache: WatchCache, revision: int) -> None:
    """Until the cache has reached `revision`. Raises StatusError 504 when that takes too long."""
    if revision <= cache.revision:
        return
    try:
        await cache.wait_for(revision, FRESH_TIMEOUT)
    except FutureRevision:
        text = f"Too large resource version: {revision}, current: {cache.revision}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise status.timeout(text, {"causes": [cause]}, retry_after=1) from None


class Reader:
    """Lists one resource."""

    def __init__(
        self, strategy: Strategy, cache: WatchCache, rows: ResourceCache, objects: ObjectStore
    ) -> None:
        self._strategy = strategy
        self._cache = cache
        self._rows = rows
        self._objects = objects

    async def read(self, namespace: str, options: ListOptions) -> Page:
        """The page that `options` ask for. Raises StatusError 400, 410 and 504."""
        selection = Selection(self._strategy, namespace, options.labels, options.fields)
        start, wanted, exact = "", options.resource_version, options.exact
        if options.continue_token:
            if wanted:
                raise status.bad_request("specifying resource version is not allowed when using continue")
            start, wanted = continue_token.decode(options.continue_token, selection.prefix)
            exact = wanted != continue_token.INCONSISTENT
            wanted = wanted if exact else None
        if wanted:
            await wait_for(self._cache, wanted)
        limit = options.limit if wanted != 0 else 0  # what may come from any state comes whole
        if wanted and (exact or limit):
            # While the resource stood still, the snapshot is what the cache holds.
            if self._rows.revision > wanted:
                return await self._older(selection, start, limit, wanted, options.continue_token != "")
            return self._current(selection, start, limit, wanted)
        return self._current(selection, start, limit, self._cache.revision)

    def _current(self, selection: Selection, start: str, limit: int, revision: int) -> Page:
        if selection.key is not None:
            entry = self._rows.get(selection.key)
            found: Sequence[Entry] = (entry,) if entry is not None and selection.key >= start else ()
            return _selected(selection, found, 0, revision)
        if not selection.everything:
            return _selected(selection, self._rows.entries(selection.prefix, start=start), limit, revision)
        found = self._rows.entries(selection.prefix, start=start, limit=limit)
        if not limit or len(found) < limit:
            return Page(found, revision)
        return _page(selection, found, self._rows.count(selection.prefix, start=start), revision)

    async def _older(
        self, selection: Selection, start: str, limit: int, revision: int, continued: bool
    ) -> Page:
        """From the snapshot at `revision`, which the cache has moved on from."""
        wanted = limit if selection.everything else 0
        try:
            found = await self._objects.range(selection.prefix, start=start, limit=wanted, revision=revision)
        except Compacted:
            if not continued:
                raise status.expired(EXPIRED_LIST) from None
            last = start.removesuffix("\x00")
            token = continue_token.encode(last, selection.prefix, continue_token.INCONSISTENT)
            raise status.expired(_EXPIRED_CONTINUE, token) from None
        page = [entries.from_stored(self._rows.layout, stored) for stored in found.items]
        if selection.everything:
            return _page(selection, page, found.count, revision)
        return _selected(selection, page, limit, revision)


def _page(selection: Selection, found: Sequence[Entry], total: int, revision: int) -> Page:
    if total <= len(found):
        return Page(found, revision)
    token = continue_token.encode(found[-1].key, selection.prefix, revision)
    return Page(found, revision, token, total - len(found))


def _selected(selection: Selection, found: Sequence[Entry], limit: int, revision: int) -> Page:
    chosen: list[Entry] = []
    for entry in found:
        if selection.everything or selection.matches(entry.decode()):
            if limit and len(chosen) == limit:
                token = continue_token.encode(chosen[-1].key, selection.prefix, revision)
                return Page(chosen, revision, token)
            chosen.append(entry)
    return Page(chosen, revision)
