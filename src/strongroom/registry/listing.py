"""Lists: which snapshot, which part of it, and the token for the rest.

A list is answered from the watch cache. A page after the first belongs to the snapshot of the first: the cache's
present state with the changes since then undone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.registry import continue_token
from strongroom.registry.options import ListOptions
from strongroom.registry.selection import Selection
from strongroom.store.errors import Compacted
from strongroom.store.watch_cache import Entry, ResourceCache, WatchCache

FRESH_TIMEOUT = 3.0
"""Seconds that a read waits for a revision that is not there yet."""

EXPIRED_LIST = "The resourceVersion for the provided list is too old."
_EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
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
    except TimeoutError:
        text = f"Too large resource version: {revision}, current: {cache.revision}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise status.timeout(text, {"causes": [cause]}, retry_after=1) from None


async def read(
    cache: WatchCache, rows: ResourceCache, strategy: Strategy, namespace: str, options: ListOptions
) -> Page:
    """The page that `options` ask for. Raises StatusError 400, 410 and 504."""
    selection = Selection(strategy, namespace, options.labels, options.fields)
    start, wanted, exact = "", options.resource_version, options.exact
    if options.continue_token:
        if wanted:
            raise status.bad_request("specifying resource version is not allowed when using continue")
        start, wanted = continue_token.decode(options.continue_token, selection.prefix)
        exact = wanted != continue_token.INCONSISTENT
        if not exact:
            wanted = None
    if wanted:
        await wait_for(cache, wanted)
    revision = cache.revision
    limit = options.limit if wanted != 0 else 0
    if wanted and (exact or limit) and wanted < revision:
        entries = _as_of(rows, selection.prefix, wanted, start, bool(options.continue_token))
        revision = wanted
    elif selection.key is not None:
        entry = rows.get(selection.key)
        entries = (entry,) if entry is not None else ()
    else:
        entries = rows.entries(selection.prefix)
    if start:
        entries = entries[bisect_left(entries, start, key=_key) :]
    return _cut(selection, entries, revision, limit)


def _key(entry: Entry) -> str:
    return entry.key


def _cut(selection: Selection, entries: Sequence[Entry], revision: int, limit: int) -> Page:
    if not selection.everything:
        chosen = []
        for entry in entries:
            if selection.matches(entry.decode()):
                if limit and len(chosen) == limit:
                    return Page(chosen, revision, continue_token.encode(chosen[-1].key, selection.prefix, revision))
                chosen.append(entry)
        return Page(chosen, revision)
    if not limit or len(entries) <= limit:
        return Page(entries, revision)
    page = entries[:limit]
    token = continue_token.encode(page[-1].key, selection.prefix, revision)
    return Page(page, revision, token, len(entries) - limit)


def _as_of(rows: ResourceCache, prefix: str, revision: int, start: str, continued: bool) -> Sequence[Entry]:
    """The entries of an older snapshot. Raises StatusError 410 when the history does not reach so far."""
    try:
        events = rows.events_since(revision)
    except Compacted:
        if not continued:
            raise status.expired(EXPIRED_LIST) from None
        token = continue_token.encode(start.removesuffix("\x00"), prefix, continue_token.INCONSISTENT)
        raise status.expired(_EXPIRED_CONTINUE, token) from None
    changed = {event.entry.key: None for event in events if event.entry.key.startswith(prefix)}
    if not changed:
        return rows.entries(prefix)
    # The state before the first change of each key is what the snapshot held.
    before: dict[str, Entry | None] = {}
    for event in events:
        if event.entry.key in changed:
            before.setdefault(event.entry.key, event.previous)
    kept = [entry for entry in rows.entries(prefix) if entry.key not in changed]
    kept += [entry for entry in before.values() if entry is not None]
    kept.sort(key=_key)
    return kept
