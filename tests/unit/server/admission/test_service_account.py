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
    assert plugin.handles("UPDATE", resources.PODS, "ephemeralcontainers")
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


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, "may not reference secrets"),
        ({"imagePullSecrets": [{"name": "s"}]}, "may not reference secrets"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "may not use ServiceAccountToken volume projections",
        ),
    ],
)
async def test_mirror_pods_use_no_secrets_and_tokens(
    server: APIServer, spec: dict[str, object], text: str
) -> None:
    plugin = ServiceAccount(server.catalog[resources.SERVICE_ACCOUNTS], _never)
    with pytest.raises(Exception, match=f"a mirror pod {text}"):
        await plugin.admit(_attributes(spec, annotations={"kubernetes.io/config.mirror": "x"}))


TAIL = "is not allowed because service account a does not reference that"
REFERENCE = f'secret.secretName="s" {TAIL} secret'
ENV = {"env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}
FROM = {"envFrom": [{"secretRef": {"name": "s"}}]}
C = {"name": "c", "image": "i"}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            f'volume with secret.secretName="s" {TAIL}',
        ),
        (
            {"containers": [{**C, **ENV}]},
            f'container c with envVar E referencing secret.secretName="s" {TAIL}',
        ),
        (
            {"containers": [{**C, **FROM}]},
            f'container c with envFrom referencing secret.secretName="s" {TAIL}',
        ),
        (
            {"initContainers": [{**C, "name": "i", **ENV}]},
            f"init container i with envVar E referencing {REFERENCE}",
        ),
        ({"imagePullSecrets": [{"name": "s"}]}, f'imagePullSecrets[0].name="s" {TAIL} imagePullSecret'),
    ],
)
async def test_an_account_that_wants_its_secrets_listed_lends_its_pods_no_other(
    server: APIServer, spec: dict[str, object], text: str
) -> None:
    annotations = {"kubernetes.io/enforce-mountable-secrets": "true"}
    account = {"metadata": {"name": "a", "annotations": annotations}, "automountServiceAccountToken": False}
    assert (await server.request("POST", ACCOUNTS, account)).status == 201
    pod = {"metadata": {"name": "p"}, "spec": {**SPEC, "serviceAccountName": "a", **spec}}
    refused = await server.request("POST", PODS, pod)
    assert refused.status == 403
    assert refused.json["message"].startswith(f'pods "p" is forbidden: {text}')
    listed = {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "s"}]}
    assert (await server.request("PUT", f"{ACCOUNTS}/a", {**account, **listed})).status == 200
    assert (await server.request("POST", PODS, pod)).status == 201


async def test_a_container_that_is_added_later_is_held_to_the_list_too(server: APIServer) -> None:
    annotations = {"kubernetes.io/enforce-mountable-secrets": "true"}
    account = {"metadata": {"name": "a", "annotations": annotations}, "automountServiceAccountToken": False}
    await server.request("POST", ACCOUNTS, account)
    pod = {"metadata": {"name": "p"}, "spec": {**SPEC, "serviceAccountName": "a"}}
    assert (await server.request("POST", PODS, pod)).status == 201
    added = {"spec": {"ephemeralContainers": [{**C, "name": "e", **FROM}]}}
    merge = "application/strategic-merge-patch+json"
    refused = await server.request("PATCH", f"{PODS}/p/ephemeralcontainers", added, content_type=merge)
    assert refused.status == 403
    assert "ephemeral container e with envFrom referencing secret.secretName" in refused.json["message"]
