"""Every decision of the RBAC authorizer against an oracle written here from the definition of RBAC.

The oracle reads the objects; it shares no code with the authorizer. Cells: subjects x verbs x kinds x scopes
x names. Objects: random ones, and one of every odd form that the API accepts.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.controllers import cluster_role_aggregation
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
            prefix = url.rstrip("*")
            if url == info.path or (prefix != url and info.path[: len(prefix)] == prefix):
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
            if role is not None and any(allows(rule, info) for rule in self.rules(role)):
                return True
        return False

    def rules(self, role: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Those of its own, or those of all that it aggregates."""
        if "aggregationRule" not in role:
            yield from role["rules"]
            return
        for (kind, _, _), other in self.objects.items():
            labels = other["metadata"].get("labels", {})
            for selector in role["aggregationRule"]["clusterRoleSelectors"]:
                if kind == "clusterroles" and selector["matchLabels"].items() <= labels.items():
                    yield from other["rules"]

    def holds(self, binding: dict[str, Any], namespace: str, user: UserInfo) -> bool:
        for subject in binding.get("subjects") or []:
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
        body = {"metadata": {"name": name, "labels": body.pop("labels", {})}, **body}
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

    async def aggregate(self) -> None:
        """What the controller does."""
        roles = (await self.server.get(f"{RBAC}/clusterroles")).json["items"]
        for role in roles:
            for action in cluster_role_aggregation.decide(role, roles):
                path = f"{RBAC}/clusterroles/{role['metadata']['name']}"
                assert (await self.server.request("PUT", path, action.obj)).status == 200  # type: ignore[union-attr]

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


EVERY_CORE_GET = {"verbs": ["get"], "apiGroups": [""], "resources": ["*"]}
ODD_RULES: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "pods-star": [{"verbs": ["*"], "apiGroups": [""], "resources": ["pods/*"]}],
    "star-star": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/*"]}],
    "any-log": [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*/log"]}],
    "log-of-one": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"], "resourceNames": ["a"]}],
    "names-star": [{"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["*"]}],
    "names-empty": [{"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": [""]}],
    "names-null": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": None}],
    "star-among": [{"verbs": ["get", "*"], "apiGroups": ["", "*"], "resources": ["secrets", "*"]}],
    "upper": [{"verbs": ["GET"], "apiGroups": [""], "resources": ["Secrets", "SECRETS"]}],
    "part-stars": [{"verbs": ["g*"], "apiGroups": ["ap*"], "resources": ["sec*", "secret*/x", "*secrets"]}],
    "doubled": [EVERY_CORE_GET, EVERY_CORE_GET, {**EVERY_CORE_GET, "resourceNames": ["a"]}],
    "collection": [
        {
            "verbs": ["list", "deletecollection"],
            "apiGroups": [""],
            "resources": ["pods"],
            "resourceNames": ["a"],
        }
    ],
    "paths": [{"verbs": ["get"], "nonResourceURLs": ["/metrics/*", "/api", "/healthz**"]}],
    "any-path": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "root-path": [{"verbs": ["get"], "nonResourceURLs": ["/"]}],
    "odd-paths": [{"verbs": ["get"], "nonResourceURLs": ["/*/v1", "/metric?", "/met*x"]}],
}
ODD_SUBJECTS: tuple[list[dict[str, Any]] | None, ...] = (
    None,
    [],
    [{"kind": "User", "name": "*"}],
    [{"kind": "Group", "name": "*"}],
    [{"kind": "Group", "name": "ann"}],
    [{"kind": "User", "name": "ann"}, {"kind": "User", "name": "ann"}],
    [{"kind": "Group", "name": "system:serviceaccounts"}],
    [{"kind": "User", "name": "system:serviceaccount:kube-system:app"}, {"kind": "Group", "name": "ops"}],
    [{"kind": "ServiceAccount", "name": "app", "namespace": "kube-system"}],
    [{"kind": "ServiceAccount", "name": "app", "namespace": "default"}],
    [{"kind": "ServiceAccount", "name": "app", "namespace": "missing"}],
    [{"kind": "User", "name": "Ann"}, {"kind": "Group", "name": "system:authenticated"}],
)


async def test_every_odd_form_is_decided_as_rbac_defines_it() -> None:
    """Each odd rule with each odd list of subjects: bound everywhere, in its namespace, across namespaces."""
    async with api_server.running() as server:
        world = World(server)
        await world.clear()
        for name, rules in ODD_RULES.items():
            labels = {"to": "most"} if name not in ("star-among", "any-path") else {"to": "few"}
            await world.put("clusterroles", "", name, {"rules": rules, "labels": labels})
            if not any("nonResourceURLs" in rule for rule in rules):
                await world.put("roles", "default", name, {"rules": rules})
        chosen = {"clusterRoleSelectors": [{"matchLabels": {"to": "most"}}, {"matchLabels": {"to": "none"}}]}
        await world.put("clusterroles", "", "aggregated", {"aggregationRule": chosen})
        await world.aggregate()
        names = [*ODD_RULES, "aggregated", "missing"]
        cells = allowed = 0
        for turn, subjects in enumerate(ODD_SUBJECTS):
            for number, name in enumerate(names):
                kind = ("clusterrolebindings", "rolebindings")[(turn + number) % 2]
                home = "" if kind == "clusterrolebindings" else NAMESPACES[number // 2 % 2]
                of = "Role" if home and number % 3 == 0 else "ClusterRole"
                body = {"roleRef": {"kind": of, "name": name}, "subjects": subjects}
                await world.put(kind, home, f"{turn}-{name}", body)
            found = world.check()
            cells, allowed = cells + found[0], allowed + found[1]
            for key in [key for key in world.oracle.objects if key[0].endswith("bindings")]:
                await world.remove(key)
        assert cells >= 2000 and allowed > cells / 100
        assert world.check()[1] == 0, "without bindings nobody may anything"


async def test_what_rbac_has_no_meaning_for_is_refused_when_it_is_written() -> None:
    """So the authorizer never meets it."""
    api = "rbac.authorization.k8s.io"
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    account, user = {"kind": "ServiceAccount", "name": "app"}, {"kind": "User", "name": "x"}
    bindings = "clusterrolebindings"
    async with api_server.running() as server:
        for kind, body, text in (
            ("roles", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/"]}]}, "namespaced rules cannot"),
            ("clusterroles", {"rules": [{**rule, "nonResourceURLs": ["/"]}]}, "cannot apply to both"),
            ("clusterroles", {"rules": [{**rule, "verbs": []}]}, "verbs must contain at least one value"),
            ("clusterroles", {"rules": [{**rule, "apiGroups": []}]}, "at least one api group"),
            ("clusterroles", {"rules": [{**rule, "resources": []}]}, "at least one resource"),
            (bindings, {"subjects": [account]}, "subjects[0].namespace: Required value"),
            (bindings, {"subjects": [{**user, "name": ""}]}, "subjects[0].name: Required"),
            (bindings, {"subjects": [{**user, "kind": "Robot"}]}, "subjects[0].kind: Unsupported"),
            (bindings, {"subjects": [{**user, "apiGroup": "x"}]}, "subjects[0].apiGroup: Unsupported"),
            (
                bindings,
                {"subjects": [{**account, "namespace": "default", "apiGroup": api}]},
                "subjects[0].apiGroup: Unsupported",
            ),
        ):
            reference = {"kind": "ClusterRole", "name": "view", "apiGroup": api}
            sent = {"metadata": {"name": "odd"}, "roleRef": reference, **body}
            scope = "/namespaces/default" if kind == "roles" else ""
            answer = await server.request("POST", f"{RBAC}{scope}/{kind}", sent)
            assert answer.status == 422, (kind, body)
            assert text in answer.json["message"], answer.json["message"]
