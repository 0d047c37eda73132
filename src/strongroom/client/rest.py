"""The client: calls on resources of the API, as objects in and out."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

from strongroom.client import requests, watching
from strongroom.client.response import Response, StreamingResponse
from strongroom.client.transport import Transport
from strongroom.client.watching import WatchEvent
from strongroom.machinery.gvk import Object, Resource

_ATTEMPTS = 5
_WATCH_IDLE = 180.0
"""Seconds; bookmarks come every 60, so a silent watch is a dead connection."""


@dataclass(frozen=True, slots=True)
class ListResult:
    """The objects, each with kind and apiVersion, the snapshot's resourceVersion. Objects do not print."""

    items: list[Object]
    resource_version: str

    def __repr__(self) -> str:
        return f"ListResult({len(self.items)} items, resource_version={self.resource_version!r})"


class Client:
    """One identity at one API server.

    Raises machinery.status.StatusError for answers that are not success and transport.ConnectionFailed when
    there was no whole answer. An answer that asks to come back (429 or 503 with Retry-After) is retried a few
    times. Safe for concurrent use in one event loop.
    """

    def __init__(
        self,
        transport: Transport,
        user_agent: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.transport = transport
        self._headers = {"accept": requests.JSON, "user-agent": user_agent}
        self._sleep = sleep

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, metadata_only: bool = False
    ) -> Object:
        """The object; or its metadata alone, as a PartialObjectMetadata."""
        return await self._object(requests.get(resource, name, namespace, metadata_only=metadata_only))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        field_selector: str = "",
        label_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        metadata_only: bool = False,
    ) -> ListResult:
        """All that match; `limit` is the size of the pages they are fetched in (0: all at once)."""
        items: list[Object] = []
        token = ""
        while True:
            options = requests.ListOptions(
                field_selector, label_selector, "" if token else resource_version, limit, token
            )
            asked = requests.list_page(resource, namespace, options, metadata_only=metadata_only)
            page = await self._object(asked)
            head = {"kind": resource.kind, "apiVersion": resource.api_version}
            items += [head | item for item in page.get("items") or ()]
            token = page["metadata"].get("continue", "")
            if not token:
                return ListResult(items, page["metadata"].get("resourceVersion", ""))

    async def count(self, resource: Resource, namespace: str | None = None) -> int:
        """How many objects there are; none of them is fetched but the first's metadata."""
        page = await self._object(requests.first_of(resource, namespace))
        return len(page.get("items") or ()) + (page["metadata"].get("remainingItemCount") or 0)

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str | None = None,
        *,
        subresource: str = "",
        name: str = "",
    ) -> Object:
        """POST to the collection, or to a `subresource` of the object `name`."""
        return await self._object(requests.create(resource, obj, namespace, subresource, name))

    async def update(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """PUT: replaces the object of that name; a resourceVersion in it must be the current one."""
        return await self._object(requests.update(resource, obj, namespace, subresource))

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: object,
        namespace: str | None = None,
        *,
        subresource: str = "",
        content_type: str = requests.STRATEGIC_MERGE,
    ) -> Object:
        return await self._object(requests.patch(resource, name, patch, namespace, subresource, content_type))

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation_policy: str = "",
    ) -> Object:
        """The deleted (or marked) object, or a Status. `uid` and `resource_version` are preconditions.

        `propagation_policy`: Background, Foreground or Orphan; "": the server's default."""
        return await self._object(
            requests.delete(
                resource,
                name,
                namespace,
                grace_period_seconds=grace_period_seconds,
                uid=uid,
                resource_version=resource_version,
                propagation_policy=propagation_policy,
            )
        )

    async def delete_collection(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        field_selector: str = "",
        label_selector: str = "",
        propagation_policy: str = "",
    ) -> Object:
        """Deletes all that match; the list of them, or the Status of success."""
        options = requests.ListOptions(field_selector, label_selector)
        return await self._object(
            requests.delete(resource, None, namespace, options=options, propagation_policy=propagation_policy)
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        field_selector: str = "",
        label_selector: str = "",
        resource_version: str = "",
        bookmarks: bool = True,
        initial_events: bool = False,
        timeout_seconds: int = 0,
        relevant: Callable[[bytes], bool] | None = None,
        linger: float = 0.0,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events as they come, bookmarks among them, until the server ends the watch.

        `relevant` looks at the line of an object that came or changed; when it refuses, the line is neither
        decoded nor given. `linger`: seconds to wait after refused lines, so that the next of them come many
        together, which is cheaper for both sides; not while the initial events come.

        An ERROR event is raised as its StatusError. Leave it early through contextlib.aclosing.
        """
        options = requests.ListOptions(field_selector, label_selector, resource_version)
        request = requests.watch(
            resource,
            namespace,
            options,
            bookmarks=bookmarks,
            initial_events=initial_events,
            timeout_seconds=timeout_seconds,
        )
        splitter = watching.LineSplitter()
        filled = not initial_events
        async with self._stream(request) as answer:
            if answer.status != 200:
                raise requests.error(answer.status, answer.headers, await answer.read())
            async with aclosing(answer.chunks) as chunks:
                async for chunk in chunks:
                    refused = False
                    for line in splitter.feed(chunk):
                        if relevant is not None and watching.is_state(line) and not relevant(line):
                            refused = True
                            continue
                        event = watching.decode(line)
                        filled = filled or watching.ends_initial_events(event)
                        yield event
                    if refused and linger and filled:
                        await self._sleep(linger)

    def _stream(self, request: requests.Request) -> AbstractAsyncContextManager[StreamingResponse]:
        return self.transport.stream(
            request.method,
            request.path,
            query=request.query,
            headers=self._headers,
            idle_timeout=_WATCH_IDLE,
        )

    async def _object(self, request: requests.Request) -> Object:
        response = await self._send(request)
        return requests.decode(response.status, response.headers, response.body)

    async def _send(self, request: requests.Request) -> Response:
        headers = {**self._headers, **request.headers}
        for attempt in range(_ATTEMPTS):
            response = await self.transport.request(
                request.method, request.path, query=request.query, headers=headers, body=request.body
            )
            wait = requests.retry_after(response.headers)
            if not wait or response.status not in (429, 503) or attempt == _ATTEMPTS - 1:
                break
            await self._sleep(wait)
        return response
