"""Every decision of the RBAC authorizer against an oracle written here from the definition of RBAC.

The oracle reads the objects; it shares no code with the authorizer. Cells: subjects x verbs x kinds x scopes
x names.
"""

import itertools
import random
from typing import Any

import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import Decision
from strongroom.server.authorization.rbac import RBACAuthorizer
from strongroom.server.authorization.rbac_index import RBACIndex
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"
NAMESPACES = ("default", "kube-system")
USERS = (
    UserInfo("ann", groups=("dev", "system:authenticated")),
    UserInfo("bob", groups=("ops", "dev", "system:authenticated")),
    UserInfo("dev", groups=("system:authenticated",)),
    UserInfo("system:serviceaccount:default:app", groups=("system:serviceaccounts", "system:authenticated")),
    UserInfo("system:serviceaccount:kube-system:app", groups=("system:authenticated",)),
    UserInfo("", groups=()),
    UserInfo("Ann", groups=("Dev",)),
)
VERBS = ("get", "list", "watch", "create", "update", "delete", "deletecollection", "impersonate", "*")
KINDS = (
    ("", "secrets", ""),
    ("", "pods", ""),
    ("", "pods", "log"),
    ("", "pods", "exec"),
    ("apps", "deployments", "scale"),
    ("apps", "secrets", ""),
    ("rbac.authorization.k8s.io", "roles", ""),
)
NAMES = ("", "a", "b")
PATHS = ("/", "/api", "/api/v1/namespaces/default/secrets", "/metrics", "/metrics/x", "/healthz", "/metricsx")


def allows(rule: dict[str, Any], info: RequestInfo) -> bool:
    """The definition: each part of a rule names the request's, or is `*`."""
    if not {"*", info.verb} & set(rule["verbs"]):
        return False
    if not info.is_resource:
        for url in rule.get("nonResourceURLs", []):
            if url == info.path or (url[-1:] == "*" and info.path[: len(url) - 1] == url[:-1]):
                return True
        return False
    if not {"*", info.group} & set(rule.get("apiGroups", [])):
        return False
    if info.subresource:
        asked = {"*", f"{info.resource}/{info.subresource}", f"*/{info.subresource}"}
    else:
        asked = {"*", info.resource}
    if not asked & set(rule.get("resources", [])):
        return False
    names = rule.get("resourceNames", [])
    return not names or info.name in names


class Oracle:
    def __init__(self, objects: dict[tuple[str, str, str], dict[str, Any]]) -> None:
        self.objects = objects

    def allows(self, user: UserInfo, info: RequestInfo) -> bool:
        for (kind, namespace, _), binding in self.objects.items():
            everywhere = kind == "clusterrolebindings"
            here = kind == "rolebindings" and info.is_resource and namespace and namespace == info.namespace
            if not (everywhere or here) or not self.holds(binding, namespace, user):
                continue
            reference = binding["roleRef"]
            key = ("roles", namespace) if reference["kind"] == "Role" else ("clusterroles", "")
            role = self.objects.get((*key, reference["name"]))
            if role is not None and any(allows(rule, info) for rule in role["rules"]):
                return True
        return False

    def holds(self, binding: dict[str, Any], namespace: str, user: UserInfo) -> bool:
        for subject in binding["subjects"]:
            if subject["kind"] == "User" and subject["name"] == user.name:
                return True
            if subject["kind"] == "Group" and subject["name"] in user.groups:
                return True
            home = subject.get("namespace", namespace)
            if subject["kind"] == "ServiceAccount" and user.name == (
                f"system:serviceaccount:{home}:{subject['name']}"
            ):
                return True
        return False


def random_rule(chance: random.Random, *, cluster: bool) -> dict[str, Any]:
    if cluster and chance.random() < 0.3:
        urls = ("*", "/api", "/metrics", "/metrics/*", "/metrics*", "/healthz")
        return {"verbs": chance.sample((*VERBS, "post"), 2), "nonResourceURLs": chance.sample(urls, 2)}
    resources = ("*", "secrets", "pods", "pods/log", "*/exec", "*/scale", "deployments/scale", "roles")
    rule = {
        "verbs": chance.sample(VERBS, chance.randint(1, 3)),
        "apiGroups": chance.sample(("", "*", "apps", "rbac.authorization.k8s.io"), 2),
        "resources": chance.sample(resources, chance.randint(1, 3)),
    }
    if chance.random() < 0.4:
        rule["resourceNames"] = chance.sample(("a", "b", "c"), chance.randint(1, 2))
    return rule


def random_subject(chance: random.Random, *, cluster: bool) -> dict[str, Any]:
    api = {"apiGroup": "rbac.authorization.k8s.io"}
    return chance.choice(
        [
            {"kind": "User", "name": "ann", **api},
            {"kind": "User", "name": "bob", **api},
            {"kind": "Group", "name": "dev", **api},
            {"kind": "Group", "name": "ops", **api},
            {"kind": "User", "name": "system:serviceaccount:default:app", **api},
            {"kind": "ServiceAccount", "name": "app", "namespace": "default"},
            {"kind": "ServiceAccount", "name": "app", **({"namespace": "kube-system"} if cluster else {})},
        ]
    )


class World:
    def __init__(self, server: APIServer) -> None:
        self.server = server
        self.oracle = Oracle({})
        self.authorizer = RBACAuthorizer(RBACIndex(server.catalog))

    async def clear(self) -> None:
        for kind in ("clusterrolebindings", "clusterroles"):
            assert (await self.server.request("DELETE", f"{RBAC}/{kind}")).status == 200

    async def put(self, kind: str, namespace: str, name: str, body: dict[str, Any]) -> None:
        scope = f"/namespaces/{namespace}" if namespace else ""
        key = (kind, namespace, name)
        body = {"metadata": {"name": name}, **body}
        if key in self.oracle.objects:
            answer = await self.server.request("PUT", f"{RBAC}{scope}/{kind}/{name}", body)
        else:
            answer = await self.server.request("POST", f"{RBAC}{scope}/{kind}", body)
        assert answer.status in (200, 201), answer.text
        self.oracle.objects[key] = body

    async def remove(self, key: tuple[str, str, str]) -> None:
        kind, namespace, name = key
        scope = f"/namespaces/{namespace}" if namespace else ""
        assert (await self.server.request("DELETE", f"{RBAC}{scope}/{kind}/{name}")).status == 200
        del self.oracle.objects[key]

    async def populate(self, chance: random.Random) -> None:
        for number in range(4):
            rules = [random_rule(chance, cluster=True) for _ in range(2)]
            await self.put("clusterroles", "", f"c{number}", {"rules": rules})
            for namespace in NAMESPACES:
                rules = [random_rule(chance, cluster=False)]
                await self.put("roles", namespace, f"r{number}", {"rules": rules})
        for number in range(4):
            subjects = [random_subject(chance, cluster=True) for _ in range(chance.randint(0, 2))]
            reference = {"kind": "ClusterRole", "name": chance.choice(("c0", "c1", "gone"))}
            body = {"roleRef": reference, "subjects": subjects}
            await self.put("clusterrolebindings", "", f"b{number}", body)
            for namespace in NAMESPACES:
                subjects = [random_subject(chance, cluster=False) for _ in range(chance.randint(0, 3))]
                kind = chance.choice(("Role", "ClusterRole"))
                name = chance.choice(("r", "c")) + str(chance.randint(0, 3))
                body = {"roleRef": {"kind": kind, "name": name}, "subjects": subjects}
                await self.put("rolebindings", namespace, f"b{number}", body)

    def check(self) -> tuple[int, int]:
        """Compares all cells; how many, and how many of them were allowed."""
        cells = allowed = 0
        infos = [
            RequestInfo(True, verb, "", group, "v1", namespace, resource, subresource, name)
            for verb, (group, resource, subresource), namespace, name in itertools.product(
                VERBS, KINDS, ("", *NAMESPACES), NAMES
            )
        ]
        infos += [RequestInfo(False, verb, path) for verb in ("get", "post") for path in PATHS]
        for user, info in itertools.product(USERS, infos):
            expected = self.oracle.allows(user, info)
            decided = self.authorizer.authorize(user, info)
            assert (decided.decision is Decision.ALLOW) is expected, (user, info, decided)
            assert decided.decision is not Decision.DENY
            cells, allowed = cells + 1, allowed + expected
        return cells, allowed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_every_cell_is_decided_as_rbac_defines_it(seed: int) -> None:
    chance = random.Random(seed)
    async with api_server.running() as server:
        world = World(server)
        await world.clear()
        await world.populate(chance)
        cells, allowed = world.check()
        assert cells >= 2000
        assert cells / 100 < allowed < cells * 0.9, "a matrix of one colour shows nothing"
        # The same questions again, answered from what is remembered, after every kind of change.
        for _ in range(2):
            for key in chance.sample(sorted(world.oracle.objects), 3):
                await world.remove(key)
            rules = [random_rule(chance, cluster=True)]
            await world.put("clusterroles", "", "c0", {"rules": rules})
            await world.put("clusterroles", "", "gone", {"rules": rules})
            world.check()
