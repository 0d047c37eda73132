"""Random applies and edits of a Secret against a model of a few lines: the values, who owns each key."""

import asyncio
import base64
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
EDITOR = "editor"
_KEYS = st.sampled_from("abc")
_VALUES = st.sampled_from(["1", "2"])


class Model:
    """What must be stored."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = f"{SECRETS}/{name}"
        self.values: dict[str, str] = {}
        self.owners: dict[str, set[str]] = {}

    def conflicts(self, manager: str, data: dict[str, str]) -> set[str]:
        return {
            key
            for key, value in data.items()
            if self.values.get(key) != value and self.owners.get(key, set()) - {manager}
        }

    def apply(self, manager: str, data: dict[str, str]) -> None:
        for key in [key for key, owners in self.owners.items() if manager in owners and key not in data]:
            self._lose(key, manager)
            if not self.owners.get(key):
                self.values.pop(key, None)
        for key, value in data.items():
            self._set(key, value, manager)
            self.owners.setdefault(key, set()).add(manager)

    def edit(self, changes: dict[str, str | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.values.pop(key, None)
                self.owners.pop(key, None)
            elif self.values.get(key) != value:
                self._set(key, value, EDITOR)
                self.owners[key] = {EDITOR}

    def _set(self, key: str, value: str, manager: str) -> None:
        if self.values.get(key) != value:
            self.owners.pop(key, None)
        self.values[key] = value

    def _lose(self, key: str, manager: str) -> None:
        self.owners[key].discard(manager)
        if not self.owners[key]:
            del self.owners[key]


_APPLIES = st.tuples(
    st.just("apply"), st.sampled_from(["m", "n"]), st.booleans(), st.dictionaries(_KEYS, _VALUES, min_size=1)
)
_EDITS = st.tuples(
    st.just("edit"), st.just(EDITOR), st.just(True), st.dictionaries(_KEYS, _VALUES | st.none(), min_size=1)
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def shared(runner: asyncio.Runner) -> Iterator[APIServer]:
    """One server for all examples, each of which has a Secret of its own."""
    context = api_server.running()
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


_NAMES = (f"s{number}" for number in itertools.count())


@settings(max_examples=60, deadline=None)
@given(writes=st.lists(_APPLIES | _EDITS, min_size=1, max_size=8))
def test_random_writes(
    runner: asyncio.Runner, shared: APIServer, writes: list[tuple[str, str, bool, dict[str, Any]]]
) -> None:
    runner.run(_play(shared, Model(next(_NAMES)), writes))


async def _play(server: APIServer, model: Model, writes: list[tuple[str, str, bool, dict[str, Any]]]) -> None:
    # Its creator owns the type, so there always is a manager: without any, updates have no owners.
    await server.create_secret(model.name, data={})
    for kind, manager, force, data in writes:
        if kind == "edit":
            await _edit(server, model, data)
        else:
            await _apply(server, model, manager, data, force)
        await _check(server, model)


def _encoded(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value and base64.b64encode(value.encode()).decode() for key, value in data.items()}


async def _edit(server: APIServer, model: Model, data: dict[str, Any]) -> None:
    answer = await server.request(
        "PATCH",
        f"{model.path}?fieldManager={EDITOR}",
        {"data": _encoded(data)},
        content_type="application/merge-patch+json",
    )
    assert answer.status == 200, answer.text
    model.edit(data)


async def _apply(server: APIServer, model: Model, manager: str, data: dict[str, str], force: bool) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": model.name}, "data": _encoded(data)}
    path = f"{model.path}?fieldManager={manager}&force={'true' if force else 'false'}"
    answer = await server.request("PATCH", path, body, content_type="application/apply-patch+yaml")
    expected = model.conflicts(manager, data)
    if expected and not force:
        assert answer.status == 409
        assert {cause["field"] for cause in answer.json["details"]["causes"]} == {
            f".data.{key}" for key in expected
        }
        return
    assert answer.status == 200, answer.text
    model.apply(manager, data)


async def _check(server: APIServer, model: Model) -> None:
    answer = await server.get(model.path)
    assert answer.json.get("data", {}) == _encoded(model.values)
    found: dict[str, set[str]] = {}
    for entry in answer.json["metadata"].get("managedFields", []):
        for element in entry["fieldsV1"].get("f:data", {}):
            if element != ".":
                found.setdefault(element[2:], set()).add(entry["manager"])
    assert found == model.owners
