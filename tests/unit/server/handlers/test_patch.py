import asyncio

import pytest

from strongroom.testing.api_server import Answer, APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/a"
JSON, MERGE, STRATEGIC = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


async def _patch(server: APIServer, patch: object, media: str = MERGE, query: str = "") -> Answer:
    return await server.request("PATCH", SECRET + query, patch, content_type=media)


@pytest.mark.parametrize(
    ("media", "patch"),
    [
        (MERGE, {"data": {"key": None, "new": "eA=="}}),
        (STRATEGIC, {"data": {"key": None, "new": "eA=="}}),
        (JSON, [{"op": "remove", "path": "/data/key"}, {"op": "add", "path": "/data/new", "value": "eA=="}]),
        (MERGE, {"data": {"key": None}, "stringData": {"new": "x"}}),
    ],
)
async def test_kinds_of_patches(server: APIServer, media: str, patch: object) -> None:
    await server.create_secret("a")
    answer = await _patch(server, patch, media)
    assert answer.status == 200
    assert answer.json["data"] == {"new": "eA=="}
    assert "stringData" not in answer.json
    assert (await server.get(SECRET)).json == answer.json


@pytest.mark.parametrize(
    ("media", "patch"),
    [
        (MERGE, '{"metadata":{"x":%s}}'),
        (STRATEGIC, '{"metadata":{"annotations":%s}}'),
        (STRATEGIC, '{"x":%s}'),
        (JSON, '[{"op":"add","path":"/metadata/x","value":%s}]'),
        (JSON, '[{"op":"add","path":"/data","value":%s}]'),
    ],
)
@pytest.mark.parametrize("depth", [300, 600, 1000, 100_000])
async def test_a_patch_that_is_nested_too_deep_is_the_clients_mistake(
    server: APIServer, media: str, patch: str, depth: int
) -> None:
    await server.create_secret("a")
    before = (await server.get(SECRET)).json
    body = (patch % ('{"a":' * depth + "1" + "}" * depth)).encode()
    answer = await _patch(server, body, media)
    assert answer.status in (400, 422) or (await server.get(SECRET)).json == before
    assert answer.status < 500


async def test_missing_object(server: APIServer) -> None:
    assert (await _patch(server, {})).status == 404


@pytest.mark.parametrize(
    "media", ["application/json", "application/cbor", "application/apply-patch+cbor", "text/plain", ""]
)
async def test_unknown_media_type(server: APIServer, media: str) -> None:
    await server.create_secret("a")
    answer = await _patch(server, {"data": {}}, media)
    assert answer.status == 415
    assert answer.json["message"] == "415: Unsupported Media Type"
    assert answer.json["details"] == {}


@pytest.mark.parametrize(
    ("media", "body", "status"),
    [
        (MERGE, b"{", 400),
        (STRATEGIC, b"nothing", 400),
        (JSON, b"{}", 400),
        (JSON, b'[{"op":"test","path":"/data/key","value":"x"}]', 422),
        (JSON, b'[{"op":"remove","path":"/data/no"}]', 422),
        (MERGE, b'{"data":{"k":"%"}}', 422),
        (MERGE, b'{"metadata":{"name":"b"}}', 400),
        (MERGE, b'{"type":"x"}', 422),
    ],
)
async def test_patches_that_do_not_apply_change_nothing(
    server: APIServer, media: str, body: bytes, status: int
) -> None:
    created = await server.create_secret("a")
    answer = await _patch(server, body, media)
    assert answer.status == status, answer.text
    assert (await server.get(SECRET)).json == created


async def test_patch_without_effect_writes_nothing(server: APIServer) -> None:
    created = await server.create_secret("a")
    before = server.cache.revision
    assert (await _patch(server, {"data": {"key": "dmFsdWU="}})).json == created
    assert server.cache.revision == before


async def test_version_in_the_patch_is_a_lock(server: APIServer) -> None:
    created = await server.create_secret("a")
    version = created["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "data": {"k": "eA=="}}
    assert (await _patch(server, body)).status == 200
    answer = await _patch(server, {**body, "data": {"k": "eQ=="}})
    assert answer.status == 409
    assert answer.json["reason"] == "Conflict"


async def test_uid_in_the_patch_is_a_condition(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await _patch(server, {"metadata": {"uid": "other"}, "data": {}}, STRATEGIC)
    assert answer.status == 422
    assert answer.json["message"] == (
        'Secret "a" is invalid: metadata.uid: Invalid value: "other": field is immutable'
    )


MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    ("media", "patch", "shown", "why"),
    [
        (MERGE, {"data": {"k": 5}}, '"data\\":{\\"k\\":5}',
         "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        (JSON, [{"op": "replace", "path": "/data", "value": []}], '"data\\":[]',
         "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string"),
        (STRATEGIC, {"data": {"k": 5}}, '"map[data:map[k:5]]"', "cannot convert int64 to string"),
        (STRATEGIC, {"data": []}, '"map[data:[]]"', "cannot restore map from slice"),
        (STRATEGIC, {"immutable": "x"}, '"map[immutable:x]"', "unrecognized type: bool"),
        (STRATEGIC, {"binaryData": {"b": "%"}}, '"map[binaryData:map[b:%]]"',
         "error decoding from json: illegal base64 data at input byte 0"),
        (STRATEGIC, {"metadata": 5}, '"map[metadata:5]"', "cannot restore struct from: int64"),
    ],
)  # fmt: skip
async def test_what_is_no_object_any_more(
    server: APIServer, media: str, patch: object, shown: str, why: str
) -> None:
    await server.request("POST", MAPS, {"metadata": {"name": "a"}, "data": {"k": "v"}})
    answer = await server.request("PATCH", f"{MAPS}/a", patch, content_type=media)
    assert answer.status == 422
    (cause,) = answer.json["details"]["causes"]
    assert cause["field"] == "patch"
    assert shown in cause["message"]
    assert cause["message"].endswith(f": {why}")
    assert (await server.get(f"{MAPS}/a")).json["data"] == {"k": "v"}


@pytest.mark.parametrize("media", [MERGE, STRATEGIC])
@pytest.mark.parametrize("patch", [{"data": {"k": 5}}, {"foo": "c2hvd24="}])
async def test_who_patches_a_secret_does_not_read_it_in_the_error(
    server: APIServer, media: str, patch: object
) -> None:
    await server.create_secret("a")
    answer = await _patch(server, patch, media, "?fieldValidation=Strict")
    assert answer.status == 422
    assert '"<secret contents redacted>"' in answer.json["message"]
    assert not any(text in answer.text for text in ("dmFsdWU=", "c2hvd24="))


async def test_a_strategic_patch_makes_no_other_kind(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await _patch(server, {"kind": "ConfigMap", "apiVersion": "v2"}, STRATEGIC)
    assert (answer.status, answer.json["kind"], answer.json["apiVersion"]) == (200, "Secret", "v1")


async def test_patches_at_once_are_all_kept(server: APIServer) -> None:
    await server.create_secret("a")
    answers = await asyncio.gather(*(_patch(server, {"data": {f"k{n}": ""}}) for n in range(12)))
    assert {answer.status for answer in answers} == {200}
    assert set((await server.get(SECRET)).json["data"]) == {"key", *(f"k{n}" for n in range(12))}


async def test_unknown_field(server: APIServer) -> None:
    await server.create_secret("a")
    warned = await _patch(server, {"foo": 1})
    assert warned.status == 200
    assert warned.headers["warning"] == '299 - "unknown field \\"foo\\""'
    refused = await _patch(server, {"foo": 1}, query="?fieldValidation=Strict")
    assert refused.status == 422
    assert refused.json["message"].startswith(' "" is invalid: patch: Invalid value: ')
    assert refused.json["message"].endswith('strict decoding error: unknown field "foo"')


async def test_force_is_for_apply(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await _patch(server, {"data": {}}, query="?force=true")
    assert answer.status == 422
    assert answer.json["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
    )


async def test_immutable_secret(server: APIServer) -> None:
    await server.create_secret("a", immutable=True)
    answer = await _patch(server, {"data": {"key": ""}})
    assert answer.status == 422
    assert answer.json["details"]["causes"] == [
        {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: field is immutable when `immutable` is set",
            "field": "data",
        }
    ]
    assert (await _patch(server, {"metadata": {"labels": {"a": "b"}}})).status == 200


async def test_last_finalizer_patched_away(server: APIServer) -> None:
    await server.request("POST", SECRETS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
    await server.request("DELETE", SECRET)
    assert (await _patch(server, {"metadata": {"finalizers": None}})).status == 200
    assert (await server.get(SECRET)).status == 404


async def test_status_of_a_namespace(server: APIServer) -> None:
    path = "/api/v1/namespaces/default"
    body = {"status": {"conditions": []}, "spec": {"finalizers": []}, "metadata": {"labels": {"a": "b"}}}
    answer = await server.request("PATCH", f"{path}/status", body, content_type=MERGE)
    assert answer.status == 200
    assert answer.json["spec"] == {"finalizers": ["kubernetes"]}


@pytest.mark.parametrize("media", [MERGE, STRATEGIC])
async def test_warnings_go_with_a_refusal_too(server: APIServer, media: str) -> None:
    await server.create_secret("a")
    answer = await _patch(server, {"foo": 1, "type": "x"}, media)
    assert answer.status == 422
    assert answer.headers["warning"] == '299 - "unknown field \\"foo\\""'


async def test_equal_owners_of_a_patch_are_warned_of_in_words_of_their_own(server: APIServer) -> None:
    await server.create_secret("a")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    answer = await _patch(server, {"metadata": {"ownerReferences": [owner, owner]}})
    assert answer.json["metadata"]["ownerReferences"] == [owner]
    assert "contains duplicate entries after mutating admission happens; API" in answer.headers["warning"]


@pytest.mark.parametrize(
    ("media", "message"),
    [
        (MERGE, "error decoding patch: unexpected end of JSON input"),
        (STRATEGIC, "unexpected end of JSON input"),
        (JSON, "error decoding patch: unexpected end of JSON input"),
    ],
)
async def test_a_patch_that_is_cut_short(server: APIServer, media: str, message: str) -> None:
    await server.create_secret("a")
    answer = await server.request("PATCH", SECRET, b"{", content_type=media)
    assert (answer.status, answer.json["message"]) == (400, message)
