"""A small API server in memory, behind the Transport protocol: for tests of clients, controllers, the node.

It keeps what those rely on (revisions, conflicts, watches with initial events and bookmarks, graceful
deletion, subresources) and nothing else: no validation, no defaults beyond those of namespaces, no selectors
but fields by equality. It can be cut off, made forgetful and told to fail.
"""

import asyncio
import copy
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from strongroom.api import resources as resource_names
from strongroom.client.response import ConnectionFailed, Headers, Response, StreamingResponse
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.status import StatusError

Query = Sequence[tuple[str, str]]
_NO_HEADERS: Headers = {}
_TIME = "2026-01-02T03:04:05Z"
_CREATED_BY_PUT = frozenset({resource_names.LEASES, resource_names.SECRET_DELIVERIES})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was made."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class _Target:
    resource: Resource
    namespace: str
    name: str
    subresource: str


@dataclass(slots=True, eq=False)
class _Watch:
    target: _Target
    fields: dict[str, str]
    lines: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    broken: bool = False


class FakeAPI:
    """Serves `resources`. Implements client.transport.Transport.

    `fail` is called with each request before it is done; what it raises (StatusError: answered;
    ConnectionFailed: raised) happens instead.
    """

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.revision = 1
        self.calls: list[Call] = []
        self.fail: Callable[[Call], None] | None = None
        self.watch_lists = True
        """Whether a watch may ask for initial events; older servers refuse."""
        self._resources = {(r.api_version, r.plural): r for r in resources}
        self._objects: dict[Resource, dict[tuple[str, str], Object]] = {r: {} for r in resources}
        self._history: list[tuple[int, Resource, str, Object]] = []
        self._oldest = 0
        self._watches: set[_Watch] = set()
        self._uids = itertools.count(1)
        self._names = itertools.count(1)

    # What tests do to it

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        return self._objects[resource].get((namespace, name))

    def names(self, resource: Resource, namespace: str = "") -> list[str]:
        return sorted(name for space, name in self._objects[resource] if space == namespace)

    def put(self, resource: Resource, obj: Object) -> Object:
        """Create or replace, as somebody else would."""
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        key = (metadata.get("namespace", ""), metadata["name"])
        old = self._objects[resource].get(key)
        if old is not None:
            metadata.setdefault("uid", old["metadata"]["uid"])
            metadata.setdefault("creationTimestamp", old["metadata"]["creationTimestamp"])
            return self._store(resource, key, obj, "MODIFIED")
        metadata.setdefault("uid", f"uid-{next(self._uids)}")
        metadata.setdefault("creationTimestamp", _TIME)
        if resource.plural == "namespaces":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            obj.setdefault("status", {}).setdefault("phase", "Active")
        return self._store(resource, key, obj, "ADDED")

    def remove(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Delete for good, as somebody else would."""
        obj = self._objects[resource].pop((namespace, name))
        self._record(resource, "DELETED", copy.deepcopy(obj))

    def cut(self) -> None:
        """Break all watches, as a lost connection does."""
        for watch in list(self._watches):
            watch.broken = True
            watch.lines.put_nowait(None)

    def end_watches(self) -> None:
        """End all watches as a server does after their time."""
        for watch in list(self._watches):
            watch.lines.put_nowait(None)

    def forget(self) -> None:
        """Drop history: a watch from an earlier revision is answered 410."""
        self._history.clear()
        self._oldest = self.revision

    def bookmark(self) -> None:
        """Send every watch a bookmark."""
        for watch in self._watches:
            watch.lines.put_nowait(_bookmark(watch.target.resource, self.revision))

    @property
    def watchers(self) -> int:
        return len(self._watches)

    @property
    def writes(self) -> list[Call]:
        """Requests that were no reads."""
        return [call for call in self.calls if call.is_write]

    # Transport

    async def request(
        self, method: str, path: str, *, query: Query = (), headers: Headers = _NO_HEADERS, body: bytes = b""
    ) -> Response:
        await asyncio.sleep(0)
        try:
            call = self._called(method, path, query, headers, body)
            target = self._target(path)
            code, answer = getattr(self, f"_{method.lower()}")(target, call)
        except StatusError as error:
            return Response(error.code, {"content-type": "application/json"}, error.body())
        return Response(code, {"content-type": "application/json"}, orjson.dumps(answer))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Headers = _NO_HEADERS,
        body: bytes = b"",
        idle_timeout: float | None = None,
    ) -> AsyncIterator[StreamingResponse]:
        await asyncio.sleep(0)
        try:
            call = self._called(method, path, query, headers, body)
            watch = self._watch(self._target(path), call)
        except StatusError as error:
            yield StreamingResponse(error.code, {}, _chunks(error.body()))
            return
        self._watches.add(watch)
        try:
            yield StreamingResponse(200, {"content-type": "application/json"}, _lines(watch))
        finally:
            self._watches.discard(watch)

    async def aclose(self) -> None:
        self.cut()

    def _called(self, method: str, path: str, query: Query, headers: Headers, body: bytes) -> Call:
        call = Call(method, path, dict(query), dict(headers), orjson.loads(body) if body else None)
        self.calls.append(call)
        if self.fail is not None:
            self.fail(call)
        return call

    def _target(self, path: str) -> _Target:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        version, rest = (parts[1], parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and (version, rest[2]) in self._resources:
            namespace, rest = rest[1], rest[2:]
        resource = self._resources.get((version, rest[0]))
        if resource is None:
            raise status.unknown_path()
        rest += ["", ""]
        return _Target(resource, namespace, rest[1], rest[2])

    # Verbs

    def _get(self, target: _Target, call: Call) -> tuple[int, Object]:
        if target.name:
            return 200, self._present(target)
        matching = _field_matcher(call.query)
        items = [obj for _, obj in self._in(target) if matching(obj)]
        metadata = {"resourceVersion": str(self.revision)}
        items = [{key: obj[key] for key in obj if key not in ("kind", "apiVersion")} for obj in items]
        return 200, {
            "kind": f"{target.resource.kind}List",
            "apiVersion": "v1",
            "metadata": metadata,
            "items": items,
        }

    def _post(self, target: _Target, call: Call) -> tuple[int, Object]:
        obj = call.body
        if target.subresource == "binding":
            pod = copy.deepcopy(self._present(target))
            if pod["spec"].get("nodeName"):
                raise status.conflict(target.resource, target.name, "pod is already assigned to a node")
            pod["spec"]["nodeName"] = obj["target"]["name"]
            _merge(pod, {"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}})
            self._store(target.resource, (target.namespace, target.name), pod, "MODIFIED")
            return 201, {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "code": 201,
            }
        metadata = obj["metadata"]
        if target.resource.namespaced:
            metadata.setdefault("namespace", target.namespace)
        if "name" not in metadata:
            metadata["name"] = f"{metadata['generateName']}{next(self._names)}"
        if (target.namespace, metadata["name"]) in self._objects[target.resource]:
            raise status.already_exists(target.resource, metadata["name"])
        return 201, self.put(target.resource, obj)

    def _put(self, target: _Target, call: Call) -> tuple[int, Object]:
        if target.resource in _CREATED_BY_PUT and self.get(*_place(target)) is None:
            return 201, self.put(target.resource, call.body)
        old = self._present(target)
        obj = call.body
        expected = obj["metadata"].get("resourceVersion")
        if expected and expected != old["metadata"]["resourceVersion"]:
            raise status.conflict(target.resource, target.name)
        if target.subresource == "finalize" and not obj["spec"].get("finalizers"):
            self.remove(target.resource, target.name)
            return 200, obj
        if target.subresource == "status":
            obj = {**copy.deepcopy(old), "status": obj.get("status", {})}
        return 200, self.put(target.resource, obj)

    def _patch(self, target: _Target, call: Call) -> tuple[int, Object]:
        obj = copy.deepcopy(self._present(target))
        expected = (call.body.get("metadata") or {}).get("resourceVersion")
        if expected and expected != obj["metadata"]["resourceVersion"]:
            raise status.conflict(target.resource, target.name)
        _merge(obj, call.body)
        return 200, self.put(target.resource, obj)

    def _delete(self, target: _Target, call: Call) -> tuple[int, Object]:
        if target.name:
            return 200, self._delete_one(target, call.body or {})
        for (namespace, name), _ in self._in(target):
            self._delete_one(_Target(target.resource, namespace, name, ""), {})
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _delete_one(self, target: _Target, options: Object) -> Object:
        obj = copy.deepcopy(self._present(target))
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != obj["metadata"]["uid"]:
            raise status.conflict(target.resource, target.name, "the UID in the precondition does not match")
        graceful = target.resource.plural == "pods" and obj["spec"].get("nodeName")
        if target.resource.plural == "namespaces":
            obj["status"]["phase"] = "Terminating"
        elif not obj["metadata"].get("finalizers") and (
            not graceful or options.get("gracePeriodSeconds") == 0
        ):
            self.remove(target.resource, target.name, target.namespace)
            return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        obj["metadata"].setdefault("deletionTimestamp", _TIME)
        return self.put(target.resource, obj)

    # Storage

    def _in(self, target: _Target) -> list[tuple[tuple[str, str], Object]]:
        found = self._objects[target.resource].items()
        return sorted((k, o) for k, o in found if not target.namespace or k[0] == target.namespace)

    def _present(self, target: _Target) -> Object:
        obj = self._objects[target.resource].get((target.namespace, target.name))
        if obj is None:
            raise status.not_found(target.resource, target.name)
        return obj

    def _store(self, resource: Resource, key: tuple[str, str], obj: Object, event: str) -> Object:
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
        self._objects[resource][key] = obj
        self._record(resource, event, obj)
        return obj

    def _record(self, resource: Resource, event: str, obj: Object) -> None:
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        self._history.append((self.revision, resource, event, copy.deepcopy(obj)))
        for watch in self._watches:
            if _matches(watch, resource, obj):
                watch.lines.put_nowait(_event(event, obj))

    def _watch(self, target: _Target, call: Call) -> _Watch:
        watch = _Watch(target, _fields(call.query))
        since = call.query.get("resourceVersion", "")
        if call.query.get("sendInitialEvents") == "true":
            if not self.watch_lists:
                raise status.bad_request("sendInitialEvents is forbidden for watch")
            for _, obj in self._in(target):
                if _matches(watch, target.resource, obj):
                    watch.lines.put_nowait(_event("ADDED", obj))
            watch.lines.put_nowait(_bookmark(target.resource, self.revision, initial_events_end=True))
        elif since and int(since) < self._oldest:
            error = status.expired(f"too old resource version: {since} ({self._oldest})")
            watch.lines.put_nowait(_event("ERROR", error.to_dict()))
            watch.lines.put_nowait(None)
        elif since:
            for revision, resource, event, obj in self._history:
                if revision > int(since) and _matches(watch, resource, obj):
                    watch.lines.put_nowait(_event(event, obj))
        return watch


def _place(target: _Target) -> tuple[Resource, str, str]:
    return target.resource, target.name, target.namespace


def _event(kind: str, obj: Object) -> bytes:
    return orjson.dumps({"type": kind, "object": obj}, option=orjson.OPT_APPEND_NEWLINE)


def _bookmark(resource: Resource, revision: int, *, initial_events_end: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if initial_events_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return _event(
        "BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    )


def _fields(query: dict[str, str]) -> dict[str, str]:
    selector = query.get("fieldSelector", "")
    return dict(part.split("=", 1) for part in selector.split(",") if part)


def _field_matcher(query: dict[str, str]) -> Callable[[Object], bool]:
    fields = _fields(query)
    return lambda obj: all(_field(obj, path) == value for path, value in fields.items())


def _field(obj: Any, path: str) -> str:
    for part in path.split("."):
        obj = obj.get(part, "") if isinstance(obj, dict) else ""
    return str(obj)


def _matches(watch: _Watch, resource: Resource, obj: Object) -> bool:
    target = watch.target
    if resource != target.resource:
        return False
    if target.namespace and obj["metadata"].get("namespace") != target.namespace:
        return False
    return all(_field(obj, path) == value for path, value in watch.fields.items())


def _merge(obj: Any, patch: Any) -> None:
    """A merge patch, with lists of conditions merged by their type."""
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(obj.setdefault(key, {}), value)
        elif value is None:
            obj.pop(key, None)
        elif key == "conditions":
            by_type = {condition["type"]: condition for condition in obj.get(key) or []}
            for condition in value:
                by_type[condition["type"]] = {**by_type.get(condition["type"], {}), **condition}
            obj[key] = list(by_type.values())
        else:
            obj[key] = value


async def _chunks(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _lines(watch: _Watch) -> AsyncGenerator[bytes, None]:
    while (line := await watch.lines.get()) is not None:
        yield line
    if watch.broken:
        raise ConnectionFailed("the connection was cut")
