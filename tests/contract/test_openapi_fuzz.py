"""What the API's own OpenAPI documents allow, and what they do not, sent to the API: whatever comes, the
answer is the API's own, and never an error of the server.

STRONGROOM_FUZZ_EXAMPLES sets how many requests are made up for each operation.
"""

import asyncio
import itertools
import json
import os
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from strongroom.testing import answers, api_server
from strongroom.testing.api_server import APIServer

EXAMPLES = int(os.environ.get("STRONGROOM_FUZZ_EXAMPLES", "2"))
NAMESPACE = "default"
NAMED = "there"
T = TypeVar("T")


class Running:
    """An API server in an event loop of its own, for tests that are no coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = api_server.running()
        self.api: APIServer = self.run(self._server.__aenter__())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def close(self) -> None:
        self.run(self._server.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.close()


async def _documents(api: APIServer) -> Mapping[str, Any]:
    index = (await api.get("/openapi/v3")).json["paths"]
    return {path: (await api.get(entry["serverRelativeURL"])).json for path, entry in index.items()}


async def _exchange(
    api: APIServer, method: str, path: str, query: list[tuple[str, str]], body: bytes, media: str
) -> tuple[int, Mapping[str, str], bytes]:
    headers = {"content-type": media} if media else {}
    if any(name in ("watch", "follow") for name, _ in query) or "/watch/" in path:
        # It may have no end: the head must come, and what comes at once.
        async with api.transport().stream(method, path, query=query, headers=headers, body=body) as stream:
            try:
                async with asyncio.timeout(0.05):
                    return stream.status, stream.headers, b"".join([part async for part in stream.chunks])
            except TimeoutError:
                return stream.status, stream.headers, b""
    answer = await api.transport().request(method, path, query=query, headers=headers, body=body)
    return answer.status, answer.headers, answer.body


def _pairs(query: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    found = []
    for name, value in (query or {}).items():
        for each in value if isinstance(value, list) else [value]:
            text = each if isinstance(each, str) else json.dumps(each, default=str)
            found.append((name, text))
    return found


def _body(body: Any) -> bytes:
    if body is None or isinstance(body, NotSet):
        return b""
    if isinstance(body, bytes):
        return body
    return json.dumps(body, default=str).encode()


def _check(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    assert not answers.is_server_error(status, body), f"{method} {path}: {status} {body[:500]!r}"
    assert b"Traceback" not in body
    if status >= 400 and headers.get("content-type") == "application/json":
        told = orjson.loads(body)
        assert (told["kind"], told["status"], told["code"]) == ("Status", "Failure", status)
        assert told["message"] and (told.get("reason") or status == 500)


def _case(operation: Any, mode: GenerationMode) -> st.SearchStrategy[Any]:
    cases: st.SearchStrategy[Any] = operation.as_strategy(generation_mode=mode)
    return cases


PRUNED = {
    "PodSpec": "containers volumes nodeName imagePullSecrets serviceAccountName restartPolicy",
    "Container": "name image env envFrom volumeMounts",
    "EphemeralContainer": "name image targetContainerName",
    "Volume": "name secret projected",
}
"""Fields that are left of the largest schemas: what is made up from the whole takes minutes, and
test_mutated_objects has the rest."""


def _pruned(document: Any) -> Any:
    for name, kept in PRUNED.items():
        schema = document["components"]["schemas"].get(f"io.k8s.api.core.v1.{name}")
        if schema is not None:
            schema["properties"] = {field: schema["properties"][field] for field in kept.split()}
    return document


GROUPS = (
    "api/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/batch/v1",
    "apis/coordination.k8s.io/v1",
    "apis/delivery.strongroom.dev/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
)


def test_all_groups_are_tried(running: Running) -> None:
    assert {path for path in running.run(_documents(running.api)) if path.count("/")} == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_no_request_is_an_error_of_the_server(running: Running, group: str) -> None:
    """Every second operation is tried with what it allows, the others with what it does not."""
    document = _pruned(running.run(_documents(running.api))[group])
    modes = itertools.cycle((GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    for result, mode in zip(
        schemathesis.openapi.from_dict(document).get_all_operations(), modes, strict=False
    ):
        operation: Any = result.ok()  # type: ignore[union-attr]

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=_case(operation, mode), known=st.tuples(st.booleans(), st.booleans()))
        def attempt(case: Any, known: tuple[bool, bool]) -> None:
            # Half of the names are of what there is: else nearly all answers would be 404.
            parts = dict(case.path_parameters or {})
            if known[0] and "namespace" in parts:
                parts["namespace"] = NAMESPACE
            if known[1] and "name" in parts:
                parts["name"] = NAMED
            case.path_parameters = parts
            path, method = case.formatted_path, case.method.upper()
            answer = _exchange(
                running.api, method, path, _pairs(case.query), _body(case.body), case.media_type or ""
            )
            _check(method, path, *running.run(answer))

        attempt()
