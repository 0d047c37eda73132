"""Request bodies to objects, with Kubernetes' answers to bad ones."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strongroom.api import decoding, resources
from strongroom.machinery.gvk import Resource
from strongroom.machinery.status import StatusError

SECRET = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"n"},"data":{"k":"dg=="}}'
UNRECOGNIZED = "the object provided is unrecognized (must be of type Secret): "
CANARY = "canary-7d1f"
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


def refused(
    body: bytes | str,
    media: str = decoding.JSON,
    resource: Resource = resources.SECRETS,
    field_validation: str = "",
) -> StatusError:
    with pytest.raises(StatusError) as caught:
        decoding.decode(body.encode() if isinstance(body, str) else body, media, resource, field_validation)
    return caught.value


def message(error: StatusError) -> str:
    return str(error.to_dict()["message"])


def decoded(
    body: str, resource: Resource = resources.SECRETS, field_validation: str = ""
) -> decoding.Decoded:
    return decoding.decode(body.encode(), decoding.JSON, resource, field_validation)


@pytest.mark.parametrize("media", ["application/json", "", "Application/JSON; charset=utf-8"])
def test_a_secret_in_json(media: str) -> None:
    found = decoding.decode(SECRET, media, resources.SECRETS)
    assert found.obj == json.loads(SECRET)
    assert list(found.obj) == ["kind", "apiVersion", "metadata", "data"]
    assert found.warnings == []


@pytest.mark.parametrize(
    "body", ["{}", "null", '{"kind":"Secret"}', '{"apiVersion":"v1"}', '{"metadata":null}']
)
def test_kind_version_and_metadata_may_be_absent(body: str) -> None:
    assert list(decoded(body).obj.items()) == [("kind", "Secret"), ("apiVersion", "v1"), ("metadata", {})]


def test_kinds_without_metadata_get_none() -> None:
    options = Resource("", "v1", "", "DeleteOptions")
    body = '{"kind":"DeleteOptions","apiVersion":"policy/v1","gracePeriodSeconds":0,"dryRun":[]}'
    assert decoded(body, options).obj == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "gracePeriodSeconds": 0,
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            '{"kind":"ConfigMap","apiVersion":"v1"}',
            "converting (v1.ConfigMap) to (core.Secret): unknown conversion",
        ),
        (
            '{"kind":"Foo"}',
            'no kind "Foo" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            '{"kind":"Secret","apiVersion":"apps/v1"}',
            'no kind "Secret" is registered for version "apps/v1" in scheme '
            '"pkg/api/legacyscheme/scheme.go:30"',
        ),
    ],
)
def test_another_kind_in_the_body(body: str, text: str) -> None:
    kind = json.loads(body)["kind"]
    error = refused(body)
    assert (error.code, error.reason) == (400, "BadRequest")
    assert message(error) == f'{kind} in version "v1" cannot be handled as a Secret: {text}'


def test_the_same_kind_of_another_group() -> None:
    error = refused('{"kind":"Event","apiVersion":"events.k8s.io/v1"}', resource=resources.EVENTS)
    expected = "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)"
    assert message(error) == expected


@pytest.mark.parametrize(
    ("body", "why", "shown"),
    [
        ("", "couldn't get version/kind; json parse error: unexpected end of JSON input", "<empty>"),
        ("{", "couldn't get version/kind; json parse error: unexpected end of JSON input", "{"),
        (
            '{"metadata":{"name":"abcdefghijk" "x"}}',
            "couldn't get version/kind; json parse error: invalid character '\"' after object key:value pair",
            '{"metadata":{"name":"abcdefghi ...',
        ),
        (
            '{"kind":1}',
            "couldn't get version/kind; json parse error: "
            "json: cannot unmarshal number into Go struct field .kind of type string",
            '{"kind":1}',
        ),
        ('{"apiVersion":"a/b/c"}', "unexpected GroupVersion string: a/b/c", '{"apiVersion":"a/b/c"}'),
        (
            "[]",
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type "
            'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string '
            '"json:\\"kind,omitempty\\"" }',
            "5b5d",
        ),
    ],
)
def test_a_body_that_is_no_object(body: str, why: str, shown: str) -> None:
    error = refused(body)
    assert (error.code, error.reason) == (400, "BadRequest")
    assert message(error) == f"{UNRECOGNIZED}{why} ({shown})"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"stringData":{"a":1}}', "number into Go struct field Secret.stringData of type string"),
        ('{"data":{"a":["x"]}}', "string into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[1,256]}}', "number into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[-1]}}', "number into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[1.5]}}', "number into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[true]}}', "bool into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[[1]]}}', "array into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":[{}]}}', "object into Go struct field Secret.data of type uint8"),
        ('{"data":{"a":{}}}', "object into Go struct field Secret.data of type []uint8"),
        ('{"data":"x"}', "string into Go struct field Secret.data of type map[string][]uint8"),
        ('{"type":{}}', "object into Go struct field Secret.type of type v1.SecretType"),
        ('{"immutable":"true"}', "string into Go struct field Secret.immutable of type bool"),
        (
            '{"metadata":{"labels":{"a":1}}}',
            "number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        ('{"metadata":{"uid":1}}', "number into Go struct field ObjectMeta.metadata.uid of type types.UID"),
    ],
)
def test_wrong_types_in_a_secret(body: str, why: str) -> None:
    expected = f'Secret in version "v1" cannot be handled as a Secret: json: cannot unmarshal {why}'
    assert message(refused(body)) == expected
    assert str(refused(body)) == expected


def test_bytes_may_come_as_an_array_of_numbers() -> None:
    body = b'{"data":{"a":[1,2,255],"b":[],"c":[null,3]}}'
    for media in (decoding.JSON, decoding.YAML):
        found = decoding.decode(body, media, resources.SECRETS).obj["data"]
        assert found == {
            "a": "AQL/",
            "b": "",
            "c": "AAM=",
        }
    binary = decoded('{"binaryData":{"a":[0]}}', resources.CONFIG_MAPS).obj["binaryData"]
    assert binary == {"a": "AA=="}


def test_wrong_types_deep_in_a_deployment() -> None:
    body = '{"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"x","value":1}]}]}}}}'
    assert message(refused(body, resource=DEPLOYMENTS)) == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number into Go '
        "struct field EnvVar.spec.template.spec.containers.env.value of type string"
    )


PROBLEMS = ['unknown field "foo"', 'duplicate field "data.a"', 'unknown field "metadata.x"']
ODD = '{"foo":{"a":1,"a":2},"data":{"a":"","a":"eA=="},"metadata":{"x":{},"name":"a"},"foo":2}'


def test_unknown_and_repeated_fields_warn_in_the_order_of_the_text() -> None:
    found = decoded(ODD)
    assert found.warnings == PROBLEMS
    assert found.obj == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "a"},
        "data": {"a": "eA=="},
    }


def test_strict_refuses_with_all_problems() -> None:
    assert message(refused(ODD, field_validation="Strict")) == (
        f'Secret in version "v1" cannot be handled as a Secret: strict decoding error: {", ".join(PROBLEMS)}'
    )


def test_ignore_drops_them_in_silence() -> None:
    assert decoded(ODD, field_validation="Ignore") == decoding.Decoded(decoded(ODD).obj, [])


def test_paths_of_problems_name_list_indices() -> None:
    body = '{"spec":{"containers":[{"name":"a"},{"name":"b","x":1,"name":"b"}]},"Kind":1}'
    assert decoded(body, resources.PODS).warnings == [
        'unknown field "spec.containers[1].x"',
        'duplicate field "spec.containers[1].name"',
        'unknown field "Kind"',
    ]


def test_free_json_has_no_unknown_and_no_repeated_fields() -> None:
    body = '{"metadata":{"managedFields":[{"fieldsV1":{"f:data":{},"f:data":{}}}]}}'
    assert decoded(body).warnings == []


def test_a_repeated_object_adds_to_the_earlier_one() -> None:
    found = decoded('{"data":{"a":"eA=="},"data":{"b":"eQ=="}}')
    assert found.obj["data"] == {"a": "eA==", "b": "eQ=="}
    assert found.warnings == ['duplicate field "data"']


def test_texts_full_of_quotes_and_colons_are_no_repeated_fields() -> None:
    last = json.dumps({"a": {"b": 'c":d'}, "url": "http://x:80"})
    body = json.dumps({"metadata": {"annotations": {"last": last, "other": "a:b"}}})
    assert decoded(body, field_validation="Strict").warnings == []


def test_yaml() -> None:
    body = b"kind: Secret\nmetadata:\n  name: a\nstringData:\n  b: x\n  a: 'yes'\n  b: z\n  a: w\n"
    body += b"zoo: 1\nfoo: 1\n"
    found = decoding.decode(body, "application/yaml", resources.SECRETS)
    assert found.obj["stringData"] == {"a": "w", "b": "z"}
    assert found.warnings == [
        'line 7: key "b" already set in map',
        'line 8: key "a" already set in map',
        'unknown field "foo"',
        'unknown field "zoo"',
    ]
    assert message(refused("stringData:\n  a: yes\n", "application/yaml")) == (
        'Secret in version "v1" cannot be handled as a Secret: '
        "json: cannot unmarshal bool into Go struct field Secret.stringData of type string"
    )
    assert message(refused("a: b: c", "application/yaml")) == (
        f"{UNRECOGNIZED}yaml: mapping values are not allowed in this context (613a20623a2063)"
    )


@pytest.mark.parametrize("media", ["application/cbor", "text/plain", "application/apply-patch+yaml"])
def test_other_media_types(media: str) -> None:
    error = refused("{}", media)
    assert (error.code, error.reason) == (415, "UnsupportedMediaType")
    assert message(error) == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


KUBECTL: list[tuple[Resource, str, dict[str, Any]]] = [
    (
        resources.SECRETS,  # create secret generic a --from-literal=k=v --from-literal=empty=
        "6b3873000a0c0a027631120653656372657412280a110a016112001a0022002a0032003800420012090a05656d707479120012060a01"
        "6b1201761a001a002200",
        {"metadata": {"name": "a"}, "data": {"empty": "", "k": "dg=="}},
    ),
    (
        resources.SECRETS,  # create secret docker-registry d
        "6b3873000a0c0a0276311206536563726574128f010a110a016412001a0022002a00320038004200125a0a112e646f636b6572636f6e"
        "6669676a736f6e12457b226175746873223a7b22722e6578616d706c65223a7b22757365726e616d65223a2275222c2270617373776f"
        "7264223a2270222c2261757468223a2264547077227d7d7d1a1e6b756265726e657465732e696f2f646f636b6572636f6e6669676a73"
        "6f6e1a002200",
        {
            "metadata": {"name": "d"},
            "data": {
                ".dockerconfigjson": "eyJhdXRocyI6eyJyLmV4YW1wbGUiOnsidXNlcm5hbWUiOiJ1IiwicGFzc3dvcmQi"
                "OiJwIiwiYXV0aCI6ImRUcHcifX19"
            },
            "type": "kubernetes.io/dockerconfigjson",
        },
    ),
    (
        resources.CONFIG_MAPS,  # create configmap c --from-literal=k=v --from-file=bin
        "6b3873000a0f0a0276311209436f6e6669674d617012260a110a016312001a0022002a0032003800420012060a016b1201761a090a03"
        "62696e1202fffe1a002200",
        {"metadata": {"name": "c"}, "data": {"k": "v"}, "binaryData": {"bin": "//4="}},
    ),
    (
        resources.SERVICE_ACCOUNTS,  # create serviceaccount s
        "6b3873000a140a027631120e536572766963654163636f756e7412130a110a017312001a0022002a003200380042001a002200",
        {"metadata": {"name": "s"}},
    ),
    (
        resources.NAMESPACES,  # create namespace n
        "6b3873000a0f0a02763112094e616d65737061636512190a110a016e12001a0022002a0032003800420012001a020a001a002200",
        {"metadata": {"name": "n"}, "spec": {}, "status": {}},
    ),
    (
        DEPLOYMENTS,  # create deployment web --image=nginx --replicas=2 --port=80
        "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412b8010a1f0a0377656212001a0022002a003200380042005a0a0a"
        "0361707012037765621286010802120c0a0a0a0361707012037765621a6c0a1c0a0012001a0022002a003200380042005a0a0a036170"
        "701203776562124c122e0a056e67696e7812056e67696e782a00320a0a001000185022002a0042006a007200800100880100900100a2"
        "01001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a00"
        "2200",
        {
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "containers": [
                            {
                                "name": "nginx",
                                "image": "nginx",
                                "ports": [{"containerPort": 80}],
                                "resources": {},
                            }
                        ]
                    },
                },
                "strategy": {},
            },
            "status": {},
        },
    ),
    (
        Resource("rbac.authorization.k8s.io", "v1", "roles", "Role"),  # create role r --verb=get,list ...
        "6b3873000a240a1c726261632e617574686f72697a6174696f6e2e6b38732e696f2f76311204526f6c65122e0a110a017212001a0022"
        "002a0032003800420012190a036765740a046c69737412001a07736563726574732201781a002200",
        {
            "metadata": {"name": "r"},
            "rules": [
                {
                    "verbs": ["get", "list"],
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": ["x"],
                }
            ],
        },
    ),
    (
        Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),  # create rolebinding rb
        "6b3873000a2b0a1c726261632e617574686f72697a6174696f6e2e6b38732e696f2f7631120b526f6c6542696e64696e67125a0a120a"
        "02726212001a0022002a00320038004200121e0a0e536572766963654163636f756e7412001a0173220764656661756c741a240a1972"
        "6261632e617574686f72697a6174696f6e2e6b38732e696f1204526f6c651a01721a002200",
        {
            "metadata": {"name": "rb"},
            "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "default"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        },
    ),
    (
        Resource("authentication.k8s.io", "v1", "serviceaccounts", "TokenRequest"),  # create token s
        "6b3873000a280a1861757468656e7469636174696f6e2e6b38732e696f2f7631120c546f6b656e5265717565737412200a100a001200"
        "1a0022002a0032003800420012060a016120901c1a040a0012001a002200",
        {
            "metadata": {},
            "spec": {"audiences": ["a"], "expirationSeconds": 3600, "boundObjectRef": None},
            "status": {"token": "", "expirationTimestamp": None},
        },
    ),
    (
        Resource("", "v1", "resourcequotas", "ResourceQuota"),  # create quota q --hard=cpu=1500m,...
        "6b3873000a130a027631120d5265736f7572636551756f746112450a110a017112001a0022002a00320038004200122e0a0e0a036370"
        "7512070a05313530306d0a0f0a066d656d6f727912050a033147690a0b0a04706f647312030a01331a001a002200",
        {
            "metadata": {"name": "q"},
            "spec": {"hard": {"cpu": "1500m", "memory": "1Gi", "pods": "3"}},
            "status": {},
        },
    ),
    (
        Resource("", "v1", "services", "Service"),  # create service clusterip svc --tcp=80:http
        "6b3873000a0d0a027631120753657276696365126c0a1f0a0373766312001a0022002a003200380042005a0a0a036170701203737663"
        "12450a1e0a0738302d6874747012035443501850220a080110001a04687474702800120a0a0361707012037376631a002209436c7573"
        "74657249503a00420052005a00600068001a020a001a002200",
        {
            "metadata": {"name": "svc", "labels": {"app": "svc"}},
            "spec": {
                "ports": [{"name": "80-http", "protocol": "TCP", "port": 80, "targetPort": "http"}],
                "selector": {"app": "svc"},
                "type": "ClusterIP",
            },
            "status": {"loadBalancer": {}},
        },
    ),
]


@pytest.mark.parametrize(("resource", "body", "rest"), KUBECTL)
def test_what_kubectl_create_sends(resource: Resource, body: str, rest: dict[str, Any]) -> None:
    found = decoding.decode(bytes.fromhex(body), decoding.PROTOBUF, resource, "Strict")
    assert found.obj == {"kind": resource.kind, "apiVersion": resource.api_version, **rest}
    assert list(found.obj) == ["kind", "apiVersion", *rest]


def test_protobuf_of_another_kind_or_cut_short() -> None:
    body = bytes.fromhex(KUBECTL[2][1])
    assert message(refused(body, decoding.PROTOBUF)) == (
        'ConfigMap in version "v1" cannot be handled as a Secret: '
        "converting (v1.ConfigMap) to (core.Secret): unknown conversion"
    )
    secret = bytes.fromhex(KUBECTL[0][1]).replace(b"\x12\x28\x0a\x11", b"\x12\x28\x0a\x7f")
    assert message(refused(secret, decoding.PROTOBUF)) == (
        'Secret in version "v1" cannot be handled as a Secret: unexpected EOF'
    )
    assert message(refused("{}", decoding.PROTOBUF)) == (
        f"{UNRECOGNIZED}provided data does not appear to be a protobuf message, "
        "expected prefix [107 56 115 0] ({})"
    )


@given(
    st.binary(max_size=80)
    | st.text(alphabet='{}[]",:kinda1.- \\', max_size=40).map(str.encode)
    | st.builds(lambda at, junk: SECRET[:at] + junk + SECRET[at:], st.integers(0, 90), st.binary(max_size=3)),
    st.sampled_from([decoding.JSON, decoding.YAML, decoding.PROTOBUF]),
    st.sampled_from(["", "Strict", "Ignore"]),
)
@example(b"\xef\xbb\xbf{}", decoding.JSON, "")
@example(b'{"metadata":{"generation":1e999}}', decoding.JSON, "")
@example(b'{"metadata":{"generation":1e30,"deletionGracePeriodSeconds":NaN}}', decoding.JSON, "")
@example(b"[" * 3000 + b"]" * 3000, decoding.JSON, "")
@example(b'{"a":' * 1000 + b"1" + b"}" * 1000, decoding.JSON, "")
@example(b'{"a":1,"a":' + b'{"a":' * 1000 + b"1" + b"}" * 1001, decoding.JSON, "")
@example(b"{a: " * 1001, decoding.YAML, "")
def test_any_body_is_an_object_or_a_400(body: bytes, media: str, field_validation: str) -> None:
    try:
        found = decoding.decode(body, media, resources.SECRETS, field_validation)
    except StatusError as error:
        assert error.code == 400
        assert json.loads(error.body())["message"]
    else:
        assert found.obj["kind"] == "Secret"
        assert isinstance(found.obj["metadata"], dict)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"stringData":{{"k":"{CANARY}',
        f'{{"stringData":{{"k":"{CANARY}"}}',
        f'{{"stringData":{{"k":"{CANARY}"x}}}}',
        f'{{"stringData":"{CANARY}"}}',
        f'{{"stringData":["{CANARY}"]}}',
        f'{{"data":{{"k":{{"x":"{CANARY}"}}}}}}',
        f'{{"foo":"{CANARY}","data":{{"k":"{CANARY}","k":"{CANARY}"}}}}',
        f'["{CANARY}"]',
        f'"{CANARY}"',
    ],
)
def test_no_value_of_a_secret_reaches_an_error_that_is_logged(body: str) -> None:
    for media in (decoding.JSON, decoding.YAML, decoding.PROTOBUF):
        for length in range(len(body) + 1):
            try:
                decoding.decode(body[:length].encode(), media, resources.SECRETS, "Strict")
            except StatusError as error:
                shown = f"{error!s} {error!r} {error.args} {error.message} {vars(error)}"
                assert "canary" not in shown
                assert error.__context__ is None or error.__suppress_context__


def test_patched_documents() -> None:
    patched = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "labels": None}, "foo": 1}
    found, problems = decoding.decode_object(patched, resources.SECRETS)
    assert found == {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}
    assert problems == decoding.check_fields(patched, resources.SECRETS) == ['unknown field "foo"']
    with pytest.raises(StatusError, match=r"Go struct field Secret\.type of type v1\.SecretType"):
        decoding.decode_object({"type": 1}, resources.SECRETS)


@pytest.mark.slow
def test_a_hostile_body_does_not_hold_the_server() -> None:
    spaced = b'{"data" :{' + b",".join(b'"k%d":"eA=="' % n for n in range(50_000)) + b"}}"
    started = time.process_time()
    decoding.decode(spaced, decoding.JSON, resources.SECRETS)
    refused(b"[" + b"1," * 1_500_000 + b"x")
    assert time.process_time() - started < 2
