"""The labels of a namespace say what its Pods may ask for."""

from typing import Any

import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.api import resources, schema
from strongroom.server.admission import pod_security
from strongroom.server.admission.plugin import UPDATE, Attributes
from strongroom.server.audit import policy as audit_policy
from strongroom.server.audit.recorder import Recorder
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer
from strongroom.testing.audit import Sink

NAMESPACES = "/api/v1/namespaces"
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True}}


async def _namespace(server: APIServer, **labels: str) -> str:
    named = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    answer = await server.request("POST", NAMESPACES, {"metadata": {"name": "ns", "labels": named}})
    assert answer.status == 201, answer.text
    accounts = f"{NAMESPACES}/ns/serviceaccounts"
    await server.request("POST", accounts, {"metadata": {"name": "default"}})
    return f"{NAMESPACES}/ns/pods"


def _deployment() -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    return {"metadata": {"name": "d"}, "spec": spec}


def _pod(name: str, **spec: object) -> dict[str, Any]:
    container = {"name": "c", "image": "i"}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


async def test_a_pod_beyond_the_enforced_level_is_refused(server: APIServer) -> None:
    pods = await _namespace(server, enforce="baseline")
    refused = await server.request("POST", pods, POD)
    assert refused.status == 403
    assert refused.json["message"] == (
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
    )
    good = {**POD, "spec": {"containers": POD["spec"]["containers"]}}  # type: ignore[index]
    assert (await server.request("POST", pods, good)).status == 201


async def test_warnings_are_sent_and_the_pod_made(server: APIServer) -> None:
    pods = await _namespace(server, warn="baseline", warn_version="v1.30")
    answer = await server.request("POST", pods, POD)
    assert answer.status == 201
    told = 'would violate PodSecurity \\"baseline:v1.30\\": host namespaces (hostNetwork=true)'
    assert answer.headers["warning"] == f'299 - "{told}"'


@pytest.mark.parametrize("kind", ["apps/v1 deployments", "apps/v1 replicasets", "batch/v1 jobs"])
async def test_workloads_are_warned_of_and_not_refused(server: APIServer, kind: str) -> None:
    await _namespace(server, enforce="baseline", warn="baseline")
    group, _, plural = kind.partition(" ")
    body = _deployment()
    if plural == "jobs":
        del body["spec"]["selector"]
        body["spec"]["template"]["spec"] = {**body["spec"]["template"]["spec"], "restartPolicy": "Never"}
    answer = await server.request("POST", f"/apis/{group}/namespaces/ns/{plural}", body)
    assert answer.status == 201, answer.text
    assert "would violate PodSecurity" in answer.headers["warning"]


async def test_every_kind_with_a_template_of_pods_is_known(server: APIServer) -> None:
    plugin = pod_security.PodSecurity(server.catalog[resources.NAMESPACES], server.catalog[resources.PODS])
    known = set()
    for registry in server.catalog:
        kind = registry.resource
        message = schema.for_kind(kind.group, kind.version, kind.kind)
        if message and schema.has_field(message, "spec") and schema.has_field(f"{message}Spec", "template"):
            assert plugin.handles(UPDATE, kind, ""), kind
            known.add(kind.plural)
    assert known >= {"deployments", "replicasets", "jobs"}


async def test_jobs_and_cron_jobs_are_workloads_too(server: APIServer) -> None:
    await _namespace(server, warn="baseline")
    pod = {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True, "restartPolicy": "Never"}
    job = {"template": {"spec": pod}}
    cron_job = {"schedule": "@daily", "jobTemplate": {"spec": job}}
    for plural, spec in (("jobs", job), ("cronjobs", cron_job)):
        path = f"/apis/batch/v1/namespaces/ns/{plural}"
        answer = await server.request("POST", path, {"metadata": {"name": "x"}, "spec": spec})
        assert answer.status == 201, answer.text
        assert "would violate PodSecurity" in answer.headers["warning"]


async def test_who_enforces_is_warned_of_workloads_without_asking_for_it(server: APIServer) -> None:
    """Their Pods will be refused, and nobody would be told."""
    await _namespace(server, enforce="baseline")
    answer = await server.request("POST", "/apis/apps/v1/namespaces/ns/deployments", _deployment())
    assert answer.status == 201
    assert "would violate PodSecurity" in answer.headers["warning"]


async def test_namespaces_without_labels_allow_everything(server: APIServer) -> None:
    answer = await server.request("POST", await _namespace(server), POD)
    assert answer.status == 201
    assert "warning" not in answer.headers


@pytest.mark.parametrize(
    ("label", "value", "text"),
    [
        ("enforce", "strict", "must be one of privileged, baseline, restricted"),
        ("warn-version", "1.30", 'must be \\"latest\\" or \\"v1.x\\"'),
    ],
)
async def test_levels_that_there_are_not_are_refused(
    server: APIServer, label: str, value: str, text: str
) -> None:
    labels = {f"pod-security.kubernetes.io/{label}": value}
    answer = await server.request("POST", NAMESPACES, {"metadata": {"name": "ns", "labels": labels}})
    assert answer.status == 422
    assert f"metadata.labels[pod-security.kubernetes.io/{label}]" in answer.text
    assert text in answer.text


async def _label(server: APIServer, **labels: str | None) -> list[str]:
    """The warnings of a change of the namespace's labels."""
    named = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps({"metadata": {"labels": named}})}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer admin"), (b"content-type", b"application/merge-patch+json")]
    scope = {"type": "http", "method": "PATCH", "path": f"{NAMESPACES}/ns", "query_string": b""}
    await server.app({**scope, "headers": headers}, receive, send)
    assert sent[0]["status"] == 200, sent
    told = [value.decode() for name, value in sent[0]["headers"] if name == b"warning"]
    return [each.removeprefix('299 - "').removesuffix('"').replace('\\"', '"') for each in told]


async def test_who_raises_the_level_is_told_which_pods_violate_it(server: APIServer) -> None:
    pods = await _namespace(server)
    for name in ("b", "a", "c"):
        assert (await server.request("POST", pods, _pod(name, hostNetwork=True))).status == 201
    privileged = {"name": "c", "image": "i", "securityContext": {"privileged": True}}
    worse = _pod("z", hostPID=True, containers=[privileged])
    assert (await server.request("POST", pods, worse)).status == 201
    assert (await server.request("POST", pods, _pod("good"))).status == 201
    assert await _label(server, enforce="baseline") == [
        'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 2 other pods): host namespaces",
        "z: host namespaces, privileged",
    ]
    assert await _label(server, warn="restricted") == [], "nothing new is enforced"
    assert await _label(server, enforce="privileged") == []
    assert await _label(server, enforce="baseline", enforce_version="v1.30") != []
    assert (await _label(server, enforce_version="v1.31"))[0].endswith('"baseline:v1.31"'), "another version"


async def test_a_level_that_is_lowered_or_kept_warns_of_nothing(server: APIServer) -> None:
    pods = await _namespace(server, enforce="restricted", warn="privileged")
    assert (await server.request("POST", pods, POD)).status == 403
    await _label(server, enforce="privileged")
    assert (await server.request("POST", pods, POD)).status == 201
    assert await _label(server, enforce="restricted") != []
    assert await _label(server, enforce="baseline") == []


async def test_a_large_namespace_is_looked_at_in_part_and_that_is_told(server: APIServer) -> None:
    pods = await _namespace(server)
    for number in range(4):
        assert (await server.request("POST", pods, _pod(f"p{number}", hostIPC=True))).status == 201
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": True}
    for number in range(2):
        pod = _pod(f"a{number}", hostNetwork=True)
        pod["metadata"]["ownerReferences"] = [owner]
        assert (await server.request("POST", pods, pod)).status == 201
    times = iter([0.0, 0.2, 0.4, 0.6, 0.8, 1.2])
    plugin = pod_security.PodSecurity(
        server.catalog[resources.NAMESPACES], server.catalog[resources.PODS], lambda: next(times)
    )
    old = {"metadata": {"name": "ns", "labels": {}}}
    new = {"metadata": {"name": "ns", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    user = api_server.TOKENS[api_server.ADMIN]
    asked = Attributes(UPDATE, resources.NAMESPACES, "", "", "ns", user, new, old)
    await plugin.admit(asked)
    assert asked.warnings == [
        "new PodSecurity enforce level only checked against the first 5 of 6 existing pods",
        'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
        "a0 (and 4 other pods): host namespaces",
    ]


async def test_a_changed_image_is_looked_at_again_and_other_changes_are_not(server: APIServer) -> None:
    pods = await _namespace(server)
    assert (await server.request("POST", pods, POD)).status == 201
    await _label(server, enforce="baseline")
    merge = "application/strategic-merge-patch+json"
    label = {"metadata": {"labels": {"a": "b"}}}
    assert (await server.request("PATCH", f"{pods}/p", label, content_type=merge)).status == 200
    image = {"spec": {"containers": [{"name": "c", "image": "j"}]}}
    refused = await server.request("PATCH", f"{pods}/p", image, content_type=merge)
    assert refused.status == 403
    assert 'violates PodSecurity "baseline:latest"' in refused.json["message"]


async def test_labels_that_were_wrong_before_do_not_hinder_other_changes(server: APIServer) -> None:
    """They may stand there from before, or from another cluster's backup."""
    plugin = pod_security.PodSecurity(server.catalog[resources.NAMESPACES], server.catalog[resources.PODS])
    labels = {"pod-security.kubernetes.io/enforce": "strict"}
    old = {"metadata": {"name": "ns", "labels": labels}}
    new = {"metadata": {"name": "ns", "labels": {**labels, "a": "b"}}}
    user = api_server.TOKENS[api_server.ADMIN]
    await plugin.admit(Attributes(UPDATE, resources.NAMESPACES, "", "", "ns", user, new, old))


async def test_violations_are_on_record_by_upstreams_keys() -> None:
    sink = Sink()
    async with api_server.running(recorder=Recorder(audit_policy.DEFAULT, sink, FakeClock())) as server:
        pods = await _namespace(server, audit="baseline", audit_version="v1.30")
        sink.lines.clear()
        assert (await server.request("POST", pods, POD)).status == 201
        (event,) = sink.events
        told = 'would violate PodSecurity "baseline:v1.30": host namespaces (hostNetwork=true)'
        assert event["annotations"]["pod-security.kubernetes.io/audit-violations"] == told
        assert event["annotations"]["pod-security.kubernetes.io/enforce-policy"] == "privileged:latest"
        sink.lines.clear()
        deployments = "/apis/apps/v1/namespaces/ns/deployments"
        answer = await server.request("POST", deployments, _deployment())
        assert answer.status == 201 and "warning" not in answer.headers
        annotations = sink.events[0]["annotations"]
        assert annotations["pod-security.kubernetes.io/audit-violations"] == told
        assert "pod-security.kubernetes.io/enforce-policy" not in annotations
        await _label(server, enforce="baseline")
        sink.lines.clear()
        assert (await server.request("POST", pods, _pod("q", hostPID=True))).status == 403
        annotations = sink.events[0]["annotations"]
        assert annotations["pod-security.kubernetes.io/enforce-policy"] == "baseline:latest"
        assert "hostPID=true" in annotations["pod-security.kubernetes.io/audit-violations"]
