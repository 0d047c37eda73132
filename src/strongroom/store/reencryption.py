"""Writes again what an older key or provider encrypted, beside the writers that are at work."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from strongroom.store import errors
from strongroom.store.objects import ObjectStore, Stored, StoredRange

PAGE: Final = 256
"""Objects read, and written at once: what the event loop does in one go takes some milliseconds."""

UNREADABLE_NAMED: Final = 20
"""Keys that a report names; it counts the rest."""


@dataclass(slots=True)
class Progress:
    """Of `reencrypt`: objects looked at, written again, and those that did not open and were left alone."""

    checked: int = 0
    rewritten: int = 0
    unreadable: int = 0
    named: list[str] = field(default_factory=list)
    """Keys of the first ones that did not open."""


async def reencrypt(
    objects: ObjectStore, prefixes: Sequence[str], report: Callable[[Progress], None]
) -> Progress:
    """Write every object under `prefixes` that is stale, on the condition that nobody else has written it.

    What was being created when it began may be stale when it returns: whoever must know calls it again, which
    is cheap, as what is done is not done twice. So it can also be cut short. Superseded revisions stay until
    they are compacted. `report` is called after each page. Raises Unavailable."""
    progress = Progress()
    for prefix in prefixes:
        page: StoredRange | None = await _page(objects, prefix, prefix)
        while page is not None:
            stale = [found for found in page.items if found.stale and not found.error]
            # In one turn of the loop: the engine commits them together. The next page is read meanwhile.
            written, following = await asyncio.gather(
                asyncio.gather(*(_rewrite(objects, found) for found in stale)),
                _following(objects, prefix, page),
            )
            progress.checked += len(page.items)
            progress.rewritten += sum(written)
            for found in page.items:
                if found.error:
                    progress.unreadable += 1
                    if len(progress.named) < UNREADABLE_NAMED:
                        progress.named.append(found.key)
            report(progress)
            page = following
    return progress


async def _page(objects: ObjectStore, prefix: str, start: str) -> StoredRange:
    return await objects.range(prefix, start=start, limit=PAGE, exact_count=False)


async def _following(objects: ObjectStore, prefix: str, page: StoredRange) -> StoredRange | None:
    """The page after `page`; None: it is the last."""
    if len(page.items) == page.count:
        return None
    return await _page(objects, prefix, page.items[-1].key + "\0")


async def _rewrite(objects: ObjectStore, found: Stored) -> bool:
    """False: it is not stale any more, or gone."""
    current: Stored | None = found
    while current is not None and current.stale and not current.error:
        try:
            await objects.update(current.key, current.data, current.revision)
        except errors.RevisionConflict:
            current = await objects.get(found.key)
        else:
            return True
    return False
