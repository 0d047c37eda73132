"""How a Pod's requests add up."""

import pytest

from strongroom.api.core.v1.pod import totals
from strongroom.controllers.scheduling import pod_use
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object


def _container(cpu: str = "", *, memory: str = "", limits: str = "", **more: object) -> Object:
    requests = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
    resources: Object = {"requests": requests}
    if limits:
        resources["limits"] = {"cpu": limits}
    return {"resources": resources, **more}


def _cpu(**spec: object) -> int:
    """Millicores of the whole Pod."""
    return pod_use.of({"spec": spec}).requests.get("cpu", 0) // 1_000_000


def test_containers_add_up() -> None:
    spec = {"containers": [_container("100m", memory="1Gi"), _container("1", memory="512Mi"), {}]}
    requests = pod_use.of({"spec": spec}).requests
    assert requests == {
        "cpu": quantity.parse("1100m").nanos,
        "memory": quantity.parse("1.5Gi").nanos,
    }


@pytest.mark.parametrize(("init", "expected"), [("500m", 500), ("200m", 300)])
def test_the_largest_init_container_counts_when_it_is_more_than_all_containers(
    init: str, expected: int
) -> None:
    containers = [_container("100m"), _container("200m")]
    assert _cpu(initContainers=[_container(init), _container("50m")], containers=containers) == expected


def test_a_sidecar_counts_with_the_containers_and_with_the_init_containers_after_it() -> None:
    sidecar = _container("100m", restartPolicy="Always")
    assert _cpu(initContainers=[sidecar], containers=[_container("100m")]) == 200
    assert _cpu(initContainers=[sidecar, _container("500m")], containers=[_container("100m")]) == 600
    assert _cpu(initContainers=[_container("500m"), sidecar], containers=[_container("100m")]) == 500


def test_a_limit_without_a_request_is_one() -> None:
    assert _cpu(containers=[_container(limits="300m")]) == 300
    assert _cpu(containers=[_container("100m", limits="300m")]) == 100


def test_overhead_is_added_and_requests_of_the_pod_replace_the_sum() -> None:
    containers = [_container("100m")]
    assert _cpu(containers=containers, overhead={"cpu": "50m"}) == 150
    assert _cpu(containers=containers, resources={"requests": {"cpu": "1"}}) == 1000


def test_host_ports_are_found() -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    more = [{"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"}]
    use = pod_use.of({"spec": {"containers": [{"ports": ports}, {"ports": more}]}})
    assert use.ports == {("0.0.0.0", "TCP", 8080), ("10.0.0.1", "UDP", 53)}


def test_an_amount_that_does_not_parse_counts_as_nothing() -> None:
    assert totals.amounts({"cpu": "much", "memory": 5, "pods": "110"}) == {
        "memory": 5 * quantity.NANO,
        "pods": 110 * quantity.NANO,
    }
    assert totals.amounts(None) == {}


def test_a_pod_without_a_spec_takes_nothing() -> None:
    assert pod_use.of({}) == pod_use.PodUse({})
