import copy

import pytest

from strongroom.api import resources
from strongroom.server.admission.plugin import CREATE, Attributes
from strongroom.server.admission.service_account import ServiceAccount
from strongroom.server.request import ANONYMOUS
from strongroom.testing.api_server import APIServer

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
PODS = "/api/v1/namespaces/default/pods"
SPEC = {"containers": [{"name": "c", "image": "i"}]}


def _attributes(spec: dict[str, object], **metadata: object) -> Attributes:
    pod = {"metadata": {"name": "p", **metadata}, "spec": copy.deepcopy({**SPEC, **spec})}
    return Attributes(CREATE, resources.PODS, "", "default", "p", ANONYMOUS, pod)


async def _never(seconds: float) -> None:
    raise AssertionError("nothing is to be waited for")


async def test_default_account_is_waited_for(server: APIServer) -> None:
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            await server.request("POST", ACCOUNTS, {"metadata": {"name": "default"}})

    attributes = _attributes({})
    await ServiceAccount(server.catalog[resources.SERVICE_ACCOUNTS], sleep).admit(attributes)
    assert len(waits) == 3
    assert attributes.obj is not None
    assert attributes.obj["spec"]["serviceAccountName"] == "default"
    assert attributes.obj["spec"]["serviceAccount"] == "default"


@pytest.mark.parametrize(("name", "waits"), [("default", 10), ("other", 0)])
async def test_missing_account(server: APIServer, name: str, waits: int) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    plugin = ServiceAccount(server.catalog[resources.SERVICE_ACCOUNTS], sleep)
    with pytest.raises(Exception) as refused:
        await plugin.admit(_attributes({"serviceAccountName": name}))
    assert str(refused.value) == (
        f'pods "p" is forbidden: error looking up service account default/{name}: '
        f'serviceaccount "{name}" not found'
    )
    assert len(waited) == waits


async def test_image_pull_secrets_are_lent(server: APIServer) -> None:
    body = {"metadata": {"name": "a"}, "imagePullSecrets": [{"name": "s"}]}
    await server.request("POST", ACCOUNTS, body)
    for own in ([], [{"name": "mine"}]):
        pod = {
            "metadata": {"generateName": "p"},
            "spec": {**SPEC, "serviceAccountName": "a", "imagePullSecrets": own},
        }
        answer = await server.request("POST", PODS, pod)
        assert answer.json["spec"]["imagePullSecrets"] == (own or [{"name": "s"}])


async def test_mirror_pods_have_no_account(server: APIServer) -> None:
    plugin = ServiceAccount(server.catalog[resources.SERVICE_ACCOUNTS], _never)
    annotations = {"kubernetes.io/config.mirror": "x"}
    await plugin.admit(_attributes({}, annotations=annotations))
    with pytest.raises(Exception, match="a mirror pod may not reference service accounts"):
        await plugin.admit(_attributes({"serviceAccountName": "a"}, annotations=annotations))


def test_only_new_pods_are_looked_at(server: APIServer) -> None:
    plugin = ServiceAccount(server.catalog[resources.SERVICE_ACCOUNTS], _never)
    assert plugin.handles(CREATE, resources.PODS, "")
    assert not plugin.handles(CREATE, resources.PODS, "binding")
    assert not plugin.handles("UPDATE", resources.PODS, "")
    assert not plugin.handles(CREATE, resources.SECRETS, "")


async def test_a_pod_gets_a_way_to_the_api_unless_it_or_its_account_declines(server: APIServer) -> None:
    body = {"metadata": {"name": "shut"}, "automountServiceAccountToken": False}
    await server.request("POST", ACCOUNTS, body)
    await server.request("POST", ACCOUNTS, {"metadata": {"name": "open"}})
    for account, own, expected in (
        ("open", None, 1),
        ("shut", None, 0),
        ("shut", True, 1),
        ("open", False, 0),
    ):
        spec: dict[str, object] = {**SPEC, "serviceAccountName": account}
        if own is not None:
            spec["automountServiceAccountToken"] = own
        answer = await server.request("POST", PODS, {"metadata": {"generateName": "p"}, "spec": spec})
        assert answer.status == 201, answer.text
        volumes = answer.json["spec"].get("volumes") or []
        assert [volume["name"][:16] for volume in volumes] == ["kube-api-access-"] * expected
