"""CPU and memory as cgroups count them, and who is killed first."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.runtime import qos, resources

MEMORY = 4 * 1024**3


def pod(**amounts: Object) -> Object:
    return {"metadata": {}, "spec": {"containers": [{"name": "c", "resources": amounts}]}}


def test_limits_and_requests() -> None:
    whole = pod(limits={"cpu": "1", "memory": "2Gi"}, requests={"cpu": "500m", "memory": "512Mi"})
    found = resources.of_container(whole, whole["spec"]["containers"][0], MEMORY)
    assert (found.cpu_period, found.cpu_quota, found.cpu_shares) == (100000, 100000, 512)
    assert found.memory_limit_in_bytes == 2 * 1024**3
    assert found.oom_score_adj == 875


def test_nothing_asked_for() -> None:
    whole = pod()
    found = resources.of_container(whole, whole["spec"]["containers"][0], MEMORY)
    assert (found.cpu_quota, found.cpu_shares, found.memory_limit_in_bytes) == (0, 2, 0)
    assert found.oom_score_adj == 1000


def test_a_limit_without_a_request_is_the_request() -> None:
    whole = pod(limits={"cpu": "2"})
    assert resources.of_container(whole, whole["spec"]["containers"][0], MEMORY).cpu_shares == 2048


@pytest.mark.parametrize(("milli", "expected"), [(0, 0), (1, 1000), (500, 50000)])
def test_quota(milli: int, expected: int) -> None:
    assert resources.quota(milli) == expected


@pytest.mark.parametrize(("milli", "expected"), [(0, 2), (1000, 1024), (10**9, 262144)])
def test_shares(milli: int, expected: int) -> None:
    assert resources.shares(milli) == expected


def test_guaranteed_pods_are_kept_to_the_last() -> None:
    amounts = {"cpu": "1", "memory": "1Gi"}
    whole = pod(limits=amounts, requests=amounts)
    assert qos.oom_score(whole, whole["spec"]["containers"][0], MEMORY) == -997
    burst = pod(requests={"memory": "100Gi"})
    assert qos.oom_score(burst, burst["spec"]["containers"][0], MEMORY) == 3
    assert qos.class_of({"status": {"qosClass": "Burstable"}, **pod()}) == "Burstable"


def container(policies: Object | None = None, **amounts: Object) -> Object:
    return {"name": "c", "resources": amounts, "resizePolicy": policies or []}


def test_a_note_tells_of_cpu_and_memory_alone() -> None:
    spec = container(requests={"memory": "1Mi", "cpu": "1", "a.b/c": "1"}, limits={"a.b/c": "1"})
    assert resources.note(spec) == '{"requests":{"cpu":"1","memory":"1Mi"}}'
    assert resources.note({"name": "c"}) == resources.note(container()) == "{}"


def test_what_a_container_has_is_what_was_noted() -> None:
    stated = {"limits": {"cpu": "2"}, "requests": {"cpu": "2", "a.b/c": "1"}}
    assert resources.held(stated, "") == stated
    assert resources.held(stated, '{"requests":{"cpu":"1"}}') == {"requests": {"a.b/c": "1", "cpu": "1"}}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ([], False),
        ([{"resourceName": "cpu", "restartPolicy": "NotRequired"}], False),
        ([{"resourceName": "cpu", "restartPolicy": "RestartContainer"}], True),
        ([{"resourceName": "memory", "restartPolicy": "RestartContainer"}], False),
    ],
)
def test_the_policy_of_what_changed_says_whether_it_restarts(policy: Object, expected: bool) -> None:
    spec = container(policy, limits={"cpu": "2", "memory": "1Mi"})
    before = resources.note(container(limits={"cpu": "1", "memory": "1Mi"}))
    assert resources.restarts(spec, before) is expected
