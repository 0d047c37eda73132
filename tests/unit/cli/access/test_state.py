"""What is read of a cluster, against a whole API server in memory."""

from collections.abc import AsyncIterator

import pytest

from strongroom.cli.access import report, state, ways
from strongroom.client.rest import Client
from strongroom.machinery.status import StatusError
from strongroom.server.authorization import system_roles
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running


async def _bind(server: APIServer, user: str, rule: dict[str, object]) -> None:
    namespace = f"{RBAC}/namespaces/default"
    role = {"metadata": {"name": user}, "rules": [rule]}
    await server.request("POST", f"{namespace}/roles", role)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": subjects}
    answer = await server.request("POST", f"{namespace}/rolebindings", binding)
    assert answer.status == 201, answer.text


async def test_everyone_is_found_and_no_value_is_read(server: APIServer) -> None:
    await server.create_secret("db", data={"password": "czNjcjN0"})
    await _bind(server, "ann", {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
    await _bind(server, "eve", {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]})
    read = await state.read(Client(server.transport(), "test"), "default", "db")
    found = ways.find(read)
    shown = {str(holder.subject): {way.kind for way in holder.ways} for holder in found}
    assert shown["User ann"] == {"read"}
    assert shown["User eve"] == {"create-pod"}
    assert shown["User system:controller:replicaset-controller"] == {"create-pod"}
    assert "read" in shown["User system:controller:tokens-controller"]
    assert shown["User system:controller:restart-controller"] == {"create-workload"}
    assert "User system:kube-scheduler" not in shown
    assert "czNjcjN0" not in repr(read)
    table = report.table(found)
    assert table.splitlines()[0].split() == ["SUBJECT", "ACCESS", "WAY", "BY"]
    assert "RoleBinding default/ann of Role ann" in table
    document = report.document("default", "db", found)
    eve = next(each for each in document["subjects"] if each["subject"]["name"] == "eve")
    assert (eve["direct"], eve["builtIn"]) == (False, False)


async def test_secrets_that_hold_tokens_are_found_by_their_metadata(server: APIServer) -> None:
    await server.create_secret("db")
    await server.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "app"}})
    token = {"kubernetes.io/service-account.name": "app"}
    held = {"metadata": {"name": "t", "annotations": token}, "type": "kubernetes.io/service-account-token"}
    assert (await server.request("POST", "/api/v1/namespaces/default/secrets", held)).status == 201
    values = {"token-id": "YWJjZGVm", "token-secret": "MDEyMzQ1Njc4OWFiY2RlZg=="}
    await server.create_secret(
        "bootstrap-token-abcdef", "kube-system", type="bootstrap.kubernetes.io/token", data=values
    )
    read = await state.read(Client(server.transport(), "test"), "default", "db")
    assert [(each.namespace, each.name, str(each.of)) for each in read.tokens] == [
        ("default", "t", "ServiceAccount default/app"),
        ("kube-system", "bootstrap-token-abcdef", "Group system:bootstrappers"),
    ]
    assert "MDEyMzQ1" not in repr(read)


async def test_who_may_not_list_secrets_is_told_of_the_other_ways(server: APIServer) -> None:
    await server.create_secret("db")
    kinds = ["serviceaccounts", "pods", "roles", "clusterroles", "rolebindings", "clusterrolebindings"]
    rules = [
        {"apiGroups": ["", "rbac.authorization.k8s.io"], "resources": kinds, "verbs": ["list"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]
    await server.request("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "look"}, "rules": rules})
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "look"}
    binding = {"metadata": {"name": "look"}, "roleRef": reference, "subjects": [subject]}
    assert (await server.request("POST", f"{RBAC}/clusterrolebindings", binding)).status == 201
    read = await state.read(Client(server.transport("nobody"), "test"), "default", "db")
    assert read.tokens == []
    assert any(str(holder.subject) == "User nobody" for holder in ways.find(read))


async def test_a_missing_secret_is_told(server: APIServer) -> None:
    with pytest.raises(StatusError, match='secrets "db" not found'):
        await state.read(Client(server.transport(), "test"), "default", "db")


def test_no_component_is_left_out() -> None:
    assert set(state.COMPONENTS) == set(system_roles.USERS)
