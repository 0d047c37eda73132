"""How often an update's error holds each problem: as Kubernetes 1.36 was seen to answer for every kind.

L a label, I the uid, Z a finalizer without a domain."""

import pytest

from strongroom.testing.api_server import APIServer

TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
WORKLOAD = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
SUBJECTS = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}]
REGARDING = {"kind": "Secret", "namespace": "default", "name": "a"}
TIME = "2026-01-02T03:04:05.000000Z"
NEW_EVENT = {
    "eventTime": TIME,
    "reportingController": "example.com/c",
    "reportingInstance": "c-1",
    "action": "Do",
    "reason": "Done",
    "regarding": REGARDING,
    "type": "Normal",
}
CORE, RBAC = "/api/v1", "/apis/rbac.authorization.k8s.io/v1"
SPACE, BATCH, APPS = "namespaces/default", "/apis/batch/v1", "/apis/apps/v1"
PLAIN, THRICE, WHOLE = "L I L I L Z", "L I L I L Z L Z", "L I L L Z I L Z"
PATCH = {"metadata": {"labels": {"a": "-"}, "uid": "other", "finalizers": ["bad"]}}
FIELDS = {"metadata.labels": "L", "metadata.uid": "I", "metadata.finalizers[0]": "Z"}


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        (f"{CORE}/namespaces", {}, {"": WHOLE, "/status": PLAIN}),
        (f"{CORE}/{SPACE}/secrets", {}, {"": THRICE}),
        (f"{CORE}/{SPACE}/configmaps", {}, {"": THRICE}),
        (f"{CORE}/{SPACE}/serviceaccounts", {}, {"": THRICE}),
        (f"{CORE}/{SPACE}/endpoints", {}, {"": THRICE}),
        (f"{CORE}/nodes", {}, {"": WHOLE, "/status": PLAIN}),
        (f"{CORE}/{SPACE}/pods", TEMPLATE, {"": THRICE, "/status": PLAIN, "/ephemeralcontainers": "I I"}),
        (f"{CORE}/{SPACE}/events", {"involvedObject": REGARDING}, {"": "L I L"}),
        (f"/apis/events.k8s.io/v1/{SPACE}/events", NEW_EVENT, {"": PLAIN}),
        (f"{CORE}/{SPACE}/services", {"spec": {"ports": [{"port": 1}]}}, {"": PLAIN, "/status": PLAIN}),
        (f"{CORE}/{SPACE}/resourcequotas", {}, {"": PLAIN, "/status": PLAIN}),
        (
            f"/apis/discovery.k8s.io/v1/{SPACE}/endpointslices",
            {"addressType": "IPv4", "endpoints": []},
            {"": "L I L L Z"},
        ),
        (f"/apis/coordination.k8s.io/v1/{SPACE}/leases", {}, {"": "L I L I L"}),
        (f"{APPS}/{SPACE}/deployments", {"spec": WORKLOAD}, {"": PLAIN, "/status": "I I Z"}),
        (f"{APPS}/{SPACE}/replicasets", {"spec": WORKLOAD}, {"": PLAIN, "/status": PLAIN}),
        (f"{BATCH}/{SPACE}/jobs", {"spec": {"template": TEMPLATE}}, {"/status": PLAIN}),
        (
            f"{BATCH}/{SPACE}/cronjobs",
            {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}}},
            {"": PLAIN, "/status": "L I L"},
        ),
        (f"{RBAC}/{SPACE}/roles", {}, {"": WHOLE}),
        (f"{RBAC}/clusterroles", {}, {"": WHOLE}),
        (f"{RBAC}/{SPACE}/rolebindings", {"roleRef": ROLE, "subjects": SUBJECTS}, {"": WHOLE}),
        (f"{RBAC}/clusterrolebindings", {"roleRef": ROLE, "subjects": SUBJECTS}, {"": WHOLE}),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", {"value": 5}, {"": PLAIN}),
    ],
    ids=lambda value: value.rpartition("/")[2] if isinstance(value, str) else "",
)
async def test_causes_hold_a_problem_as_often_as_it_is_found(
    server: APIServer, path: str, fields: dict[str, object], expected: dict[str, str]
) -> None:
    await server.request("POST", f"{CORE}/{SPACE}/serviceaccounts", {"metadata": {"name": "default"}})
    made = await server.request("POST", path, {"metadata": {"name": "a"}, **fields})
    assert made.status == 201, made.text
    for part, causes in expected.items():
        answer = await server.request(
            "PATCH", f"{path}/a{part}", PATCH, content_type="application/merge-patch+json"
        )
        assert answer.status == 422, answer.text
        found = [FIELDS[cause["field"]] for cause in answer.json["details"]["causes"]]
        assert " ".join(found) == causes, part
        assert answer.json["message"].count("metadata.uid") == 1


async def test_generate_name_of_an_update_is_checked_too(server: APIServer) -> None:
    await server.create_secret("a")
    path = f"{CORE}/{SPACE}/secrets/a"
    patch = {"metadata": {"generateName": "A_"}}
    answer = await server.request("PATCH", path, patch, content_type="application/merge-patch+json")
    assert answer.status == 422
    assert answer.json["message"].startswith(
        'Secret "a" is invalid: metadata.generateName: Invalid value: "A_": a lowercase RFC 1123 subdomain'
    )
    assert len(answer.json["details"]["causes"]) == 1
