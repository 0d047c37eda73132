"""The official Python client's asynchronous face."""

from collections.abc import AsyncIterator

import pytest
from kubernetes.aio import client, config, watch
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.stream import WsApiClient

from strongroom.testing import manifests


@pytest.fixture
async def core(kubeconfig: str) -> AsyncIterator[client.CoreV1Api]:
    async with await config.new_client_from_config(kubeconfig) as made:
        yield client.CoreV1Api(made)


async def test_the_life_of_a_secret(core: client.CoreV1Api, namespace: str) -> None:
    made = await core.create_namespaced_secret(namespace, manifests.secret("a", {"k": "v"}))
    assert made.data == {"k": "dg=="}
    patched = await core.patch_namespaced_secret("a", namespace, {"data": {"m": "bQ=="}})
    assert patched.data == {"k": "dg==", "m": "bQ=="}
    async with watch.Watch() as events:
        async for event in events.stream(core.list_namespaced_secret, namespace, timeout_seconds=20):
            assert (event["type"], event["object"].metadata.name) == ("ADDED", "a")
            break
    await core.delete_namespaced_secret("a", namespace)
    with pytest.raises(ApiException) as missing:
        await core.read_namespaced_secret("a", namespace)
    assert missing.value.status == 404


async def test_exec(core: client.CoreV1Api, kubeconfig: str, namespace: str) -> None:
    await core.create_namespaced_pod(namespace, manifests.pod("p"))
    async with watch.Watch() as events:
        async for event in events.stream(core.list_namespaced_pod, namespace, timeout_seconds=40):
            conditions = event["object"].status.conditions or []
            if ("Ready", "True") in [(entry.type, entry.status) for entry in conditions]:
                break
    settings = client.Configuration()
    await config.load_kube_config(kubeconfig, client_configuration=settings)
    async with WsApiClient(settings) as sockets:
        shown = await client.CoreV1Api(sockets).connect_get_namespaced_pod_exec(
            "p", namespace, command=["echo", "hello"], stdout=True, stderr=True, stdin=False, tty=False
        )
    assert shown == "hello\n"
