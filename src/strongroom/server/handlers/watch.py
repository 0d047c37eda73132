"""GET with `watch`: a stream of events until the client leaves or its time is over."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.api import table
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.generic import Registry
from strongroom.registry.watching import Change, Watch
from strongroom.server import negotiation, routing, watch_counts
from strongroom.server.handlers import forms, options, watch_output
from strongroom.server.handlers.watch_output import Output
from strongroom.server.negotiation import Form
from strongroom.server.node_tokens.watches import NodeWatches
from strongroom.server.request import Request
from strongroom.server.watch_counts import WatchCounts
from strongroom.server.watches import OpenWatch, Watches
from strongroom.telemetry.metrics import Histogram

BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK = 2.0
"""Seconds before the end at which the last bookmark is sent."""
SHORTEST_DEFAULT = 1800
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class WatchHandler:
    """Serves watches; `watches` ends them and tells the time, `of_nodes` ends those of a Node that goes."""

    def __init__(
        self, watches: Watches, of_nodes: NodeWatches, background: tasks.TaskGroup, clock: Clock
    ) -> None:
        self._watches = watches
        self._of_nodes = of_nodes
        self._background = background
        self._clock = clock
        self.counts = WatchCounts()
        """Of the events that all of them send."""

    async def watch(self, request: Request, registry: Registry) -> None:
        form = negotiation.choose(request)
        if form.yaml:
            raise status.not_acceptable(negotiation.WATCH_ACCEPTED)
        if self._watches.closed:
            raise status.service_unavailable("the server is shutting down")
        info = request.info
        wanted = options.watching(request, registry, info.name)
        bookmarks = routing.truthy(request, "allowWatchBookmarks")
        seconds = options.integer(request, "timeoutSeconds") or 0
        if seconds <= 0:
            seconds = int(SHORTEST_DEFAULT * (1 + random.random()))  # noqa: S311 - spreads reconnections
        frames, output = _Frames(request, registry, form), watch_output.of(request)
        try:
            watch = await registry.watch(info.namespace, wanted)
        except status.StatusError as error:
            if error.code != 410:
                raise
            await output.start()
            await output.part(_line("ERROR", error.to_dict()))
            await output.end()
            return
        deadline, sizes = self._clock.monotonic() + seconds, self.counts.of(registry.resource)
        stream = _Stream(output, registry, watch, frames, bookmarks, deadline, sizes)
        opened = OpenWatch(watch, asyncio.current_task())
        self._watches.start(self._background, self._clock)
        self._watches.add(opened)
        node = self._of_nodes.add(request.user, watch)
        gone: asyncio.Task[None] | None = None
        try:
            await stream.begin()
            if self._watches.closed:  # meanwhile the server has begun to end
                await output.end()  # type: ignore[unreachable] # mypy forgets that others ran meanwhile
                return
            gone = self._background.spawn("watch-disconnect", _until_left(output, watch))
            await self._serve(stream, opened)
        finally:
            self._watches.remove(opened)
            self._of_nodes.remove(node, watch)
            watch.close()
            if gone is not None:
                gone.cancel()
        # Granian ends no WebSocket while someone is in receive.
        await asyncio.wait((gone,))
        if gone.cancelled():
            await output.end()

    async def _serve(self, stream: "_Stream", opened: OpenWatch) -> None:
        due = stream.schedule(self._clock.monotonic())
        self._watches.wake_at(opened, due)
        async for batch in stream.watch:
            if batch:
                await stream.send(batch)
            now = self._clock.monotonic()
            if now < due:
                continue
            if now >= stream.deadline:
                break
            await stream.remind(now)
            due = stream.schedule(now)
            self._watches.wake_at(opened, due)


async def _until_left(output: Output, watch: Watch) -> None:
    await output.left()
    watch.close()


class _Stream:
    """One watch's answer."""

    def __init__(
        self,
        output: Output,
        registry: Registry,
        watch: Watch,
        frames: "_Frames",
        bookmarks: bool,
        deadline: float,
        sizes: Histogram,
    ) -> None:
        self.watch = watch
        self.deadline = deadline
        self._output = output
        self._registry = registry
        self._frames = frames
        self._bookmarks = bookmarks
        self._said_last = False
        self._sizes = sizes

    async def begin(self) -> None:
        """The head; the events that stand for what is there; the bookmark that says that this was all."""
        await self._output.start()
        for lines in self._frames.initial(self.watch):
            await self._output.part(lines)
            watch_counts.add(self._sizes, lines, 0)
        if self.watch.from_state and self._bookmarks:
            line = self._frames.bookmark(self.watch.revision, {INITIAL_EVENTS_END: "true"})
            await self._output.part(line)
            watch_counts.add(self._sizes, line, 1)
        self.watch.initial = ()

    async def send(self, batch: Sequence[Change]) -> None:
        lines = self._frames.of(batch)
        await self._output.part(lines)
        watch_counts.add(self._sizes, lines, len(batch))

    async def remind(self, now: float) -> None:
        """A bookmark for who asked for them. Else an empty part: by it a lost connection is noticed."""
        line = self._frames.bookmark(self._registry.revision) if self._bookmarks else b""
        await self._output.part(line)
        if line:
            watch_counts.add(self._sizes, line, 1)
        self._said_last = now >= self.deadline - LAST_BOOKMARK

    def schedule(self, now: float) -> float:
        """When to wake up next: for a bookmark, the last bookmark shortly before the end, the end."""
        if self._said_last:
            return self.deadline
        last = max(self.deadline - LAST_BOOKMARK, now)
        # Spread, so that watches opened together are not due together for ever.
        return min(now + BOOKMARK_SECONDS * (0.75 + 0.5 * random.random()), last)  # noqa: S311


class _Frames:
    """Events as lines, in the form that was asked for."""

    def __init__(self, request: Request, registry: Registry, form: Form) -> None:
        self._strategy = registry.strategy
        self._resource = registry.resource
        self._form = form
        self._convert = self._converter(request, form)

    def _converter(self, request: Request, form: Form) -> Callable[[Object], Object] | None:
        if form.kind == forms.TABLE:
            include = forms.include_object(request)
            first = True

            def as_table(obj: Object) -> Object:
                nonlocal first
                meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                made = table.table(self._strategy, [obj], forms.now(), include, meta, with_columns=first)
                first = False
                return {**made, "apiVersion": form.version}

            return as_table
        if form.kind:
            return lambda obj: {**table.partial_metadata(obj), "apiVersion": form.version}
        return None

    def of(self, batch: Sequence[Change]) -> bytes:
        convert = self._convert
        if convert is None:
            return batch[0].frame if len(batch) == 1 else b"".join([change.frame for change in batch])
        return b"".join([_line(change.type, convert(change.entry.decode())) for change in batch])

    def initial(self, watch: Watch) -> Iterator[bytes]:
        if self._convert is None:
            return watch.initial_frames()
        return (_line("ADDED", self._convert(entry.decode())) for entry in watch.initial)

    def bookmark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        obj: Object = {
            "kind": self._resource.kind,
            "apiVersion": self._resource.api_version,
            "metadata": metadata,
        }
        if self._form.kind:
            obj = {**table.partial_metadata(obj), "apiVersion": self._form.version}
        if self._form.kind == forms.TABLE:
            obj = {
                "kind": forms.TABLE,
                "apiVersion": self._form.version,
                "metadata": {"resourceVersion": str(revision)},
                "columnDefinitions": None,
                "rows": [{"cells": [], "object": obj}],
            }
        return _line("BOOKMARK", obj)


def _line(kind: str, obj: Object) -> bytes:
    return orjson.dumps({"type": kind, "object": obj}, option=orjson.OPT_APPEND_NEWLINE)
