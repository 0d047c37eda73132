"""The controller of restarts sees the Secrets of workloads that asked for it, and nothing more."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.apps.v1.restart_on_change import ANNOTATION
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SECRETS = "/api/v1/namespaces/default/secrets"
WATCH = f"{SECRETS}?fieldSelector=metadata.name="
CONTROLLER = "restart-controller"


async def _deployment(server: APIServer, name: str, secret: str, wants: str = "true") -> None:
    labels = {"app": name}
    variable = {"name": "X", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}}
    deployment = {
        "metadata": {"name": name, "annotations": {ANNOTATION: wants}},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "i", "env": [variable]}]},
            },
        },
    }
    answer = await server.request("POST", DEPLOYMENTS, deployment)
    assert answer.status == 201, answer.text


async def _may_read(server: APIServer, path: str) -> bool:
    answer: Any = await server.get(path, token=CONTROLLER)
    assert answer.status in (200, 403), answer.text
    return bool(answer.status == 200)


async def test_restart_controller_reads_only_secrets_of_workloads_that_opted_in(server: APIServer) -> None:
    for name in ("wanted", "refused", "unused"):
        await server.create_secret(name)
    assert not await _may_read(server, f"{SECRETS}/wanted")
    await _deployment(server, "a", "wanted")
    await _deployment(server, "b", "refused", "false")
    assert await _may_read(server, f"{SECRETS}/wanted")
    assert await _may_read(server, f"{WATCH}wanted")
    for path in (f"{SECRETS}/refused", f"{SECRETS}/unused", f"{WATCH}unused", SECRETS, "/api/v1/secrets"):
        assert not await _may_read(server, path), path
    other = "/api/v1/namespaces/kube-system/secrets?fieldSelector=metadata.name=wanted"
    assert not await _may_read(server, other), "another namespace"


async def test_it_loses_what_it_may_when_the_workload_opts_out_or_goes(server: APIServer) -> None:
    await server.create_secret("s")
    await _deployment(server, "a", "s")
    assert await _may_read(server, f"{SECRETS}/s")
    media = "application/merge-patch+json"
    out = {"metadata": {"annotations": {ANNOTATION: None}}}
    await server.request("PATCH", f"{DEPLOYMENTS}/a", out, content_type=media)
    assert not await _may_read(server, f"{SECRETS}/s")
    await server.request(
        "PATCH", f"{DEPLOYMENTS}/a", {"metadata": {"annotations": {ANNOTATION: "true"}}}, content_type=media
    )
    assert await _may_read(server, f"{SECRETS}/s")
    await server.request("DELETE", f"{DEPLOYMENTS}/a")
    assert not await _may_read(server, f"{SECRETS}/s")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{SECRETS}/s"),
        ("PATCH", f"{SECRETS}/s"),
        ("DELETE", f"{SECRETS}/s"),
        ("POST", SECRETS),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("GET", "/api/v1/namespaces/default/configmaps/s"),
        ("POST", DEPLOYMENTS),
        ("DELETE", f"{DEPLOYMENTS}/a"),
    ],
)
async def test_it_writes_no_secret_and_makes_no_pod(server: APIServer, method: str, path: str) -> None:
    await server.create_secret("s")
    await _deployment(server, "a", "s")
    assert (await server.request(method, path, {}, token=CONTROLLER)).status == 403


async def test_nobody_else_reads_by_it(server: APIServer) -> None:
    await server.create_secret("s")
    await _deployment(server, "a", "s")
    for token in ("nobody", "controllers", "deployment-controller", "node-n1"):
        assert (await server.get(f"{SECRETS}/s", token=token)).status == 403


async def test_one_deployment_that_cannot_be_read_keeps_no_other_from_its_restarts() -> None:
    engine = MemoryEngine()
    async with api_server.running(engine) as server:
        await server.create_secret("wanted")
        await _deployment(server, "a", "wanted")
        assert await _may_read(server, f"{SECRETS}/wanted")
        await engine.create(resources.DEPLOYMENTS.key("default", "bad"), b"damaged")
        await server.create_secret("after-it-came")
        assert await _may_read(server, f"{SECRETS}/wanted")
        assert not await _may_read(server, f"{SECRETS}/after-it-came")
