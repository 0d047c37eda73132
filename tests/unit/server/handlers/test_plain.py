"""Whatever is sent, the short way of plain Secrets and the general way of all kinds come to the same:
answers, warnings, stored bytes and what watchers are sent. A content type that no client sends takes the
general one. What is changed of Secrets that were read: `test_plain_whole`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.testing import both_ways
from strongroom.testing.api_server import Answer
from strongroom.testing.both_ways import SECRETS, Both, Counted

BASE64 = ("", "YQ==", "YWI=", "YWJj", "aWt1YmVybmV0ZXM=")
NOT_BASE64: tuple[object, ...] = (
    "YR==",
    "YWJ=",
    "YQ",
    "YQ=",
    "YQ===",
    "YQ==\n",
    " YQ==",
    "Y:==",
    "é",
    "YQ==YQ==",
    None,
    7,
    {},
    True,
)
DATA_KEYS = ("k", "username", "password", "tls.crt", "_-.", "k:1", ".k", "..k", "k k", "", "é", "k" * 254)
NAMES = ("a", "b-1", "c.d", "C", "-e", "f.", "g_", "", "h" * 254, "i:j", 'k"', None, 5, ["a"])
TYPES = ("Opaque", "example.com/of-mine", 'é"\\', "helm.sh/release.v1", "", None, 3)
TYPES_WITH_RULES = ("kubernetes.io/tls", "kubernetes.io/basic-auth", "kubernetes.io/dockerconfigjson")
AGENTS = ("", "kubectl/v1", "kubectl/v2", "é/1", "a" * 200, "\x01b")

texts = st.sampled_from(("", "a", "é", "a:b", '\ud7ff\n"', "ikubernetes"))
good_data = st.dictionaries(st.sampled_from(DATA_KEYS[:4]), st.sampled_from(BASE64), max_size=3)
any_data = st.dictionaries(st.sampled_from(DATA_KEYS), st.sampled_from((*BASE64, *NOT_BASE64)), max_size=3)
any_text = st.dictionaries(st.sampled_from(DATA_KEYS), st.one_of(texts, st.none(), st.integers()), max_size=3)
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just("x"), st.just([]), st.just({}), any_data
)
METADATA = (
    *("namespace", "labels", "annotations", "generateName", "uid", "resourceVersion", "finalizers"),
    *("managedFields", "creationTimestamp", "Name", "unknown"),
)
SOMETHING_GOOD = {
    "namespace": st.sampled_from(("default", "", "other")),
    "labels": st.just({"a": "b"}),
    "annotations": st.just({"a": "b"}),
    "generateName": st.just("g-"),
    "resourceVersion": st.sampled_from(("", "0", "1")),
    "managedFields": st.just([]),
}


@st.composite
def secrets(draw: st.DrawFn) -> bytes:
    """A request's body: plain, or a few steps away from it."""
    metadata: dict[str, Any] = {"name": draw(st.sampled_from(NAMES[:3]))}
    obj: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    obj["data"] = draw(good_data)
    if draw(st.booleans()):
        obj["stringData"] = draw(st.dictionaries(st.sampled_from(DATA_KEYS[:4]), texts, max_size=2))
    if draw(st.booleans()):
        obj["type"] = draw(st.sampled_from(TYPES[:4]))
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        _spoil(draw, obj, metadata)
    fields = list(obj.items())
    if draw(st.booleans()):
        fields = draw(st.permutations(fields))
    return _text(draw, fields)


def _spoil(draw: st.DrawFn, obj: dict[str, Any], metadata: dict[str, Any]) -> None:
    what = draw(st.integers(0, 10))
    if what == 0:
        metadata["name"] = draw(st.sampled_from(NAMES))
    elif what == 1:
        field = draw(st.sampled_from(METADATA))
        metadata[field] = draw(st.one_of(SOMETHING_GOOD.get(field, ANYTHING), ANYTHING))
    elif what == 2:
        data = obj.get("data")
        obj["data"] = {**(data if isinstance(data, dict) else {}), draw(st.sampled_from(DATA_KEYS)): "YQ=="}
    elif what == 10:
        obj["data"] = {"k": draw(st.sampled_from(NOT_BASE64))}
    elif what == 3:
        obj["stringData"] = draw(any_text)
    elif what == 4:
        obj["type"] = draw(st.sampled_from((*TYPES, *TYPES_WITH_RULES)))
    elif what == 5:
        obj.pop(draw(st.sampled_from(sorted(obj))), None)
    elif what == 6:
        obj[draw(st.sampled_from(("immutable", "unknown", "Kind", *obj)))] = draw(ANYTHING)
    elif what == 7:
        obj["kind"] = draw(st.sampled_from(("Secret", "ConfigMap", "secret", "", None)))
    elif what == 8:
        obj["apiVersion"] = draw(st.sampled_from(("v1", "v2", "apps/v1", "", None)))
    elif what == 9:
        obj["immutable"] = draw(st.booleans())


def _text(draw: st.DrawFn, fields: list[tuple[str, Any]]) -> bytes:
    """JSON as somebody may have written it: with blanks, a key that comes twice, or an end too early."""
    parts = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in fields]
    how = draw(st.sampled_from(("plain",) * 6 + ("blanks", "twice", "cut", "none", "escaped")))
    if how == "twice" and parts:
        parts.append(draw(st.sampled_from(parts)))
    text = "{" + ",".join(parts) + "}"
    if how == "blanks":
        text = text.replace(":", " : ").replace("{", "{\n")
    elif how == "cut":
        text = text[:-1]
    elif how == "none":
        text = draw(st.sampled_from(("", "null", "[]", "{}", "1", '"x"', "\x00")))
    elif how == "escaped":
        text = text.replace("a", "\\u0061")
    return text.encode("utf-8", "surrogatepass")


HEAD = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}
updates = st.fixed_dictionaries(
    {key: st.just(value) for key, value in HEAD.items()},
    optional={
        "type": st.sampled_from(("Opaque", "Opaque", "example.com/other", "kubernetes.io/tls")),
        "data": st.dictionaries(st.sampled_from(("k", "l")), st.sampled_from(BASE64[:3]), max_size=2),
        "stringData": st.dictionaries(
            st.sampled_from(("k", "m")), st.sampled_from(("", "a", "b")), max_size=1
        ),
        "immutable": st.booleans(),
    },
)
# Those that change a value and nothing else.
values = st.sampled_from(
    [{**HEAD, field: {"k": value}} for field in ("data", "stringData") for value in BASE64[1:3]]
)
other_types = st.sampled_from([{**HEAD, "data": {"k": "YQ=="}, "type": kind} for kind in TYPES[1:3]])
some = st.one_of(values, values, other_types, updates).map(lambda obj: json.dumps(obj).encode())
Step = tuple[str, bytes, str, int]
agents = st.sampled_from((*AGENTS[1:2] * 12, *AGENTS))


def steps(
    methods: st.SearchStrategy[str], bodies: st.SearchStrategy[bytes], by: st.SearchStrategy[str] = agents
) -> st.SearchStrategy[Step]:
    return st.tuples(methods, bodies, by, st.integers(0, 2))


POST, PUT, SAME = st.just("POST"), st.just("PUT"), st.just("kubectl/v1")
creations = st.lists(steps(POST, secrets()), min_size=1, max_size=3)
plain_first = st.tuples(steps(POST, some, SAME), st.lists(steps(PUT, some, SAME), min_size=1, max_size=5))
anything = st.lists(
    steps(st.sampled_from(("POST", "PUT", "PUT", "DELETE")), secrets()), min_size=2, max_size=5
)
overwritten = plain_first.map(lambda drawn: [drawn[0], *drawn[1]])
requests = st.one_of(creations, overwritten, overwritten, anything)


def _name(body: bytes) -> str:
    try:
        name = json.loads(body)["metadata"]["name"]
    except (ValueError, KeyError, TypeError):
        return "a"
    return name if isinstance(name, str) and name in NAMES[:3] else "a"


async def _send(both: Both, method: str, body: bytes, agent: str, seconds: int) -> tuple[Answer, Answer]:
    path = SECRETS if method == "POST" else f"{SECRETS}/{_name(body)}"
    return await both.send(method, path, body, agent, seconds)


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with both_ways.running() as servers:
        yield servers


def test_the_short_way_comes_to_what_the_general_way_comes_to() -> None:
    async def run(sent: list[Step], both: Both) -> None:
        for step in sent:
            await _send(both, *step)
        await both.compare_all()
        await both.forget()

    with asyncio.Runner() as runner:
        context = both_ways.running()
        servers = runner.run(context.__aenter__())

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
        @given(requests)
        def same(sent: list[Step]) -> None:
            runner.run(run(sent, servers))

        same()
        runner.run(context.__aexit__(None, None, None))


BODY = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"YQ=="}}'
OWNERS = b'[{"apiVersion":"v1","kind":"Secret","name":"b","uid":"c"}]'
OTHER = BODY.replace(b"YQ", b"Yg")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch.setattr)


async def test_plain_secrets_take_the_short_way(both: Both, short: Counted) -> None:
    for written, (method, body) in enumerate((("POST", BODY), ("PUT", OTHER), ("PUT", BODY)), 1):
        one, other = await _send(both, method, body, "kubectl/v1", 1)
        assert one.status == (201 if method == "POST" else 200)
        assert one.response.body == other.response.body
        assert short.writes == written


@pytest.mark.parametrize(
    "change",
    [
        (b'"name":"a"', b'"name":"a","labels":{"x":"-y"}'),
        (b'"name":"a"', b'"name":"a","labels":{"x":null}'),
        (b'"name":"a"', b'"name":"a","labels":{"-x":"y"}'),
        (b'"name":"a"', b'"name":"a","labels":{"x":"y","x":"y"}'),
        (b'"name":"a"', b'"name":"a","annotations":{"/x":"y"}'),
        (b'"name":"a"', b'"name":"a","annotations":{"x":7}'),
        (b'"name":"a"', b'"name":"a","annotations":{"x":"' + b"y" * 70_000 + b'"}'),
        (b'"name":"a"', b'"name":"a","annotations":{"x":"' + b"y" * 262_144 + b'"}'),
        (b'"name":"a"', b'"name":"a","finalizers":["a/b"]'),
        (
            b'"name":"a"',
            b'"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"a","name":"b","uid":"c"}]',
        ),
        (b'"name":"a"', b'"name":"a","uid":"u"'),
        (b'"name":"a"', b'"name":"a","resourceVersion":"1"'),
        (b'"name":"a"', b'"name":"a","managedFields":[]'),
        (b'"name":"a"', b'"name":"a","creationTimestamp":"2020-01-01T00:00:00Z"'),
        (b'"k":"YQ=="', b'"k":"YQ==","k":"Yg=="'),
        (b'"name":"a"', b'"name":"a","namespace":"other"'),
        (b'"data"', b'"immutable":true,"data"'),
        (b'"data"', b'"type":"kubernetes.io/basic-auth","data"'),
        (b"YQ==", b"YR=="),
        (b'"a"', b'"A"'),
    ],
)
async def test_others_do_not(both: Both, short: Counted, change: tuple[bytes, bytes]) -> None:
    one, other = await _send(both, "POST", BODY.replace(*change), "kubectl/v1", 1)
    assert one.response.body == other.response.body
    assert not short.writes


@pytest.mark.parametrize(
    "change",
    [
        (b'"data"', b'"type":"example.com/other","data"'),
        (b'"data"', b'"immutable":true,"data"'),
        (b'"name":"a"', b'"name":"a","uid":"other"'),
        (b'"name":"a"', b'"name":"a","resourceVersion":"1"'),
        (b'"name":"a"', b'"name":"a","managedFields":[{}]'),
        (b'"name":"a"', b'"name":"a","managedFields":[]'),
        (b'"name":"a"', b'"name":"a","managedFields":7'),
        (b'"name":"a"', b'"name":"a","creationTimestamp":"2020"'),
        (b'"name":"a"', b'"name":"a","resourceVersion":"1","resourceVersion":""'),
        (b'"name":"a"', b'"name":"a","finalizers":["a/b"]'),
        (b"YQ==", b"YQ=="),
    ],
)
async def test_what_may_be_refused_or_changes_nothing_does_not(
    both: Both, short: Counted, change: tuple[bytes, bytes]
) -> None:
    await _send(both, "POST", BODY, "kubectl/v1", 1)
    value = (b"", b"") if change[0] == b"YQ==" else (b"YQ==", b"Yg==")
    await _send(both, "PUT", BODY.replace(*value).replace(*change), "kubectl/v1", 1)
    assert short.writes == 1


@pytest.mark.parametrize(
    "change",
    [
        (b'"data":{', b'"data":{"more":"YQ==",'),
        (b'"k"', b'"l"'),
        (b'"name":"a"', b'"name":"a","labels":{"x":"y","a":"b"}'),
        (b'"name":"a"', b'"name":"a","annotations":{"x":"y"},"resourceVersion":"0"'),
    ],
)
async def test_keys_labels_and_annotations_change_the_short_way(
    both: Both, short: Counted, change: tuple[bytes, bytes]
) -> None:
    await _send(both, "POST", BODY, "kubectl/v1", 1)
    for body in (BODY.replace(*change), BODY):
        one, other = await _send(both, "PUT", body, "kubectl/v1", 1)
        assert one.response.body == other.response.body
    assert short.writes == 3


async def test_an_update_by_another_manager_is_noted(both: Both, short: Counted) -> None:
    await _send(both, "POST", BODY, "kubectl/v1", 1)
    one, other = await _send(both, "PUT", OTHER, "helm/v3", 1)
    assert one.response.body == other.response.body
    assert len(one.json["metadata"]["managedFields"]) == 2
    assert short.writes == 2


async def test_a_namespace_with_a_quota_goes_the_general_way(both: Both, short: Counted) -> None:
    for server in both.servers:
        quota = {"metadata": {"name": "q"}, "spec": {"hard": {"secrets": "0"}}}
        answer = await server.request("POST", "/api/v1/namespaces/default/resourcequotas", quota)
        status = {**answer.json, "status": {"hard": {"secrets": "0"}, "used": {"secrets": "0"}}}
        path = "/api/v1/namespaces/default/resourcequotas/q/status"
        assert (await server.request("PUT", path, status)).status == 200
    one, other = await _send(both, "POST", BODY, "kubectl/v1", 1)
    assert one.status == 403
    assert one.response.body == other.response.body
    assert not short.writes


async def test_a_namespace_that_ends_or_is_not_there_takes_none(both: Both, short: Counted) -> None:
    server = both.servers[0]
    await server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ending"}})
    path = "/api/v1/namespaces/ending/secrets"
    for number in range(2):
        body = BODY.replace(b'"a"', b'"a%d"' % number)
        assert (await server.request("POST", path, body)).status == 201
    await server.request("DELETE", "/api/v1/namespaces/ending")
    for namespace, code in (("ending", 403), ("absent", 404)):
        answer = await server.request("POST", f"/api/v1/namespaces/{namespace}/secrets", BODY)
        assert answer.status == code
    assert short.writes == 2


async def test_of_many_who_create_the_same_one_succeeds(both: Both, short: Counted) -> None:
    server = both.servers[0]
    answers = await asyncio.gather(*(server.request("POST", SECRETS, BODY) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]
    assert short.writes == 1


async def test_no_update_is_lost_among_many(both: Both) -> None:
    """Each is answered with its own value, at a revision of its own."""
    server = both.servers[0]
    await server.request("POST", SECRETS, BODY)
    bodies = [
        BODY.replace(b'"data":{"k":"YQ=="}', b'"stringData":{"k":"%d"}' % number) for number in range(20)
    ]
    answers = await asyncio.gather(*(server.request("PUT", f"{SECRETS}/a", body) for body in bodies))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["metadata"]["resourceVersion"] for answer in answers}) == 20
    assert len({answer.json["data"]["k"] for answer in answers}) == 20
