"""GET of one Secret by a ServiceAccount that one role lets read it: alone, and beside 1,000 roles and as many
bindings.

Rounds take turns, so that a machine whose speed changes does not decide what the roles cost. Where the
processes are known, the time that they spend on an answer is told too: other work on the machine, which takes
from what is answered in a second, adds little to it.
"""

import secrets
import statistics
import time
from typing import Any, NamedTuple

from bench import processes, wrk
from bench.result import Figure
from bench.target import Options, Target
from strongroom.testing import api as plain_api

TITLE = "GET by a ServiceAccount"
NEEDS_NODE = False
ROLES = 1000
ROUNDS = 5
OWN = 20
"""Every so many of the bindings are the reader's own: more roles that are searched for it."""
SETTLE = 3.0
"""Seconds in which controllers take in what was written: that is not what is measured."""

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
_GROUP = "rbac.authorization.k8s.io"


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace, target.api() as api:
        core, rbac = f"/api/v1/namespaces/{namespace}", f"{_RBAC}/{namespace}"
        values = {"username": "YWRtaW4=", "password": "aWt1YmVybmV0ZXM="}
        api.ok("POST", f"{core}/secrets", {"metadata": {"name": "one"}, "data": values})
        api.ok("POST", f"{core}/serviceaccounts", {"metadata": {"name": "reader"}})
        asked = {"spec": {"expirationSeconds": 7200}}
        token = api.ok("POST", f"{core}/serviceaccounts/reader/token", asked)["status"]["token"]
        reader = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
        _grant(api, rbac, "reader", ["secrets"], reader)
        alone, beside = list[_Round](), list[_Round]()
        for _ in range(ROUNDS):
            alone.append(_round(target, options, f"{core}/secrets/one", token))
            names = _crowd(api, rbac, reader)
            beside.append(_round(target, options, f"{core}/secrets/one", token))
            for name in names:
                api.ok("DELETE", f"{rbac}/rolebindings/{name}")
                api.ok("DELETE", f"{rbac}/roles/{name}")
    failures = sum(each.failures for each in (*alone, *beside))
    note, crowd = f"median of {ROUNDS} rounds", f"{TITLE}, {ROLES} roles and bindings"
    pairs = list(zip(beside, alone, strict=True))
    left = [with_.per_second / without.per_second * 100 for with_, without in pairs]
    figures = [
        Figure(TITLE, statistics.median(each.per_second for each in alone), "/s", "higher", failures, note),
        Figure(crowd, statistics.median(each.per_second for each in beside), "/s", "higher", failures, note),
        Figure(f"{crowd}: left of it", statistics.median(left), "%", "higher", failures, _spread(left)),
    ]
    if target.pids:
        more = [(with_.cpu / without.cpu - 1) * 100 for with_, without in pairs]
        cpu = statistics.median(each.cpu for each in alone)
        figures += [
            Figure(f"{TITLE}: processor time", cpu, "us", "lower", failures, note),
            Figure(f"{crowd}: more time", statistics.median(more), "%", "lower", failures, _spread(more)),
        ]
    return figures


class _Round(NamedTuple):
    """`cpu`: microseconds of the processes for an answer."""

    per_second: float
    cpu: float
    failures: int


def _round(target: Target, options: Options, path: str, token: str) -> _Round:
    time.sleep(SETTLE)
    before = processes.cpu_seconds(target.pids)
    load = wrk.run(target, options, "get.lua", path, token=token)
    spent = processes.cpu_seconds(target.pids) - before
    return _Round(load.per_second, spent / load.answers * 1e6, load.failures)


def _crowd(api: plain_api.API, rbac: str, reader: dict[str, Any]) -> list[str]:
    prefix = f"crowd-{secrets.token_hex(3)}"
    names = [f"{prefix}-{number}" for number in range(ROLES)]
    for number, name in enumerate(names):
        other = {"kind": "User", "apiGroup": _GROUP, "name": name}
        _grant(api, rbac, name, ["configmaps", "pods"], other if number % OWN else reader)
    return names


def _grant(api: plain_api.API, rbac: str, name: str, resources: list[str], subject: dict[str, Any]) -> None:
    rule = {"apiGroups": [""], "resources": resources, "verbs": ["get", "list"]}
    api.ok("POST", f"{rbac}/roles", {"metadata": {"name": name}, "rules": [rule]})
    reference = {"apiGroup": _GROUP, "kind": "Role", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    api.ok("POST", f"{rbac}/rolebindings", binding)


def _spread(percents: list[float]) -> str:
    return f"{min(percents):.1f} to {max(percents):.1f} % in {len(percents)} pairs"
