import pytest

from strongroom.telemetry.metrics import Histogram
from strongroom.telemetry.store_requests import CREATE, FROM_STORAGE, GET, LIST, StoreRequests

KINDS = {
    "/registry/secrets/": ("", "secrets"),
    "/registry/deployments/": ("apps", "deployments"),
    "/registry/services/specs/": ("", "services"),
    "/registry/services/endpoints/": ("", "endpoints"),
}


def _shown(requests: StoreRequests, name: str) -> dict[str, float]:
    families = {family.name: family for family in requests.families()}
    assert families[name].labels == ("operation", "group", "resource")
    return {
        " ".join(filter(None, labels)): value.total if isinstance(value, Histogram) else value
        for labels, value in families[name].samples
    }


def test_requests_by_operation_and_kind() -> None:
    requests = StoreRequests(KINDS)
    requests.done(CREATE, "/registry/secrets/default/canary", 0.25)
    requests.done(CREATE, "/registry/secrets/default/canary", 0.5, failed=True)
    requests.done(LIST, "/registry/secrets/", 1.0)
    requests.done(GET, "/registry/deployments/default/a", 1.0)
    assert _shown(requests, "etcd_requests_total") == {
        "create secrets": 2,
        "list secrets": 1,
        "get apps deployments": 1,
    }
    assert _shown(requests, "etcd_request_duration_seconds")["create secrets"] == 0.75
    assert _shown(requests, "etcd_request_errors_total") == {"create secrets": 1}


@pytest.mark.parametrize(("key", "kind"), [("specs", "services"), ("endpoints", "endpoints")])
def test_kinds_that_share_the_beginning_of_their_prefixes(key: str, kind: str) -> None:
    requests = StoreRequests(KINDS)
    requests.done(GET, f"/registry/services/{key}/default/a", 1.0)
    assert _shown(requests, "etcd_requests_total") == {f"get {kind}": 1}


@pytest.mark.parametrize("key", ["/registry/others/a", "/strongroom/a", "/registry/services/x", "/registry/"])
def test_what_is_of_no_kind_is_not_counted(key: str) -> None:
    requests = StoreRequests(KINDS)
    requests.done(GET, key, 1.0)
    assert _shown(requests, "etcd_requests_total") == {}


SECRET = "/registry/secrets/default/a"
TRANSFORMED = "apiserver_storage_transformation_operations_total"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b"k8s:enc:kms:v2:own:\x0a\x01canary", " k8s:enc:kms:v2:own:"),
        (b"k8s:enc:aesgcm:v1:key1:canary", " k8s:enc:aesgcm:v1:"),
        (b"k8s:enc:aescbc:v1:key1:canary", " k8s:enc:aescbc:v1:"),
        (b"k8s:enc:secretbox:v1:key1:canary", " k8s:enc:secretbox:v1:"),
        (b'{"data":{"a":"canary"}}', ""),
        (b"k8s:enc:kms:v2:canary\xff:", ""),
        (b"k8s:enc:canary:canary:canary:canary:", ""),
        (b"k8s:enc:", ""),
    ],
)
def test_transformations_name_the_provider_and_nothing_of_the_value(stored: bytes, shown: str) -> None:
    requests = StoreRequests(KINDS)
    requests.sealed(SECRET, stored)
    requests.transformed(FROM_STORAGE, SECRET, (stored, stored, stored))
    requests.transformed(FROM_STORAGE, SECRET, (stored,), failed=True)
    requests.transformed(FROM_STORAGE, "/registry/others/a", (stored,))
    family = {each.name: each for each in requests.families()}[TRANSFORMED]
    assert {" ".join(filter(None, labels)): value for labels, value in family.samples} == {
        f"secrets to_storage{shown} OK": 1,
        f"secrets from_storage{shown} OK": 3,
        f"secrets from_storage{shown} Unknown": 1,
    }


def test_each_value_is_counted_for_the_provider_that_wrote_it() -> None:
    requests = StoreRequests(KINDS)
    for provider in (
        b"kms:v2:old",
        b"kms:v2:old",
        b"kms:v2:new",
        b"aesgcm:v1:k",
        b"kms:v2:new",
        b"kms:v2:old",
    ):
        requests.sealed(SECRET, b"k8s:enc:" + provider + b":canary")
    requests.sealed(SECRET, b"{}")
    requests.sealed("/registry/services/specs/a/b", b"k8s:enc:kms:v2:new:x")
    requests.sealed("/registry/services/endpoints/a/b", b"k8s:enc:kms:v2:new:x")
    family = {each.name: each for each in requests.families()}[TRANSFORMED]
    assert {(labels[0], labels[2]): value for labels, value in family.samples} == {
        ("secrets", "k8s:enc:kms:v2:old:"): 3,
        ("secrets", "k8s:enc:kms:v2:new:"): 2,
        ("secrets", "k8s:enc:aesgcm:v1:"): 1,
        ("secrets", ""): 1,
        ("services", "k8s:enc:kms:v2:new:"): 1,
        ("endpoints", "k8s:enc:kms:v2:new:"): 1,
    }
