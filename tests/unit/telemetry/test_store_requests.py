import pytest

from strongroom.telemetry.metrics import Histogram
from strongroom.telemetry.store_requests import CREATE, GET, LIST, StoreRequests

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
