"""The labels of a namespace say what its Pods may ask for."""

import pytest

from strongroom.testing.api_server import APIServer

NAMESPACES = "/api/v1/namespaces"
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True}}


async def _namespace(server: APIServer, **labels: str) -> str:
    named = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    answer = await server.request("POST", NAMESPACES, {"metadata": {"name": "ns", "labels": named}})
    assert answer.status == 201, answer.text
    accounts = f"{NAMESPACES}/ns/serviceaccounts"
    await server.request("POST", accounts, {"metadata": {"name": "default"}})
    return f"{NAMESPACES}/ns/pods"


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


async def test_workloads_are_warned_of_and_not_refused(server: APIServer) -> None:
    await _namespace(server, enforce="baseline", warn="baseline")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/ns/deployments"
    answer = await server.request("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    assert answer.status == 201, answer.text
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
