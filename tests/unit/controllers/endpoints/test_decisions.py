"""What the slices and the Endpoints of a Service should be, from the Service and its Pods."""

from strongroom.controllers import actions
from strongroom.controllers.endpoints import members, slices, subsets
from strongroom.machinery.gvk import Object

SERVICE: Object = {
    "metadata": {"name": "web", "namespace": "n", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


def _service(**spec: object) -> Object:
    return {**SERVICE, "spec": {**SERVICE["spec"], **spec}}


def _pod(name: str, *ips: str, ready: bool = True, phase: str = "Running", **spec: object) -> Object:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-02-02T00:00:00Z"}
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [], **spec},
        "status": {
            "phase": phase,
            "podIP": ips[0] if ips else "",
            "podIPs": [{"ip": ip} for ip in ips],
            "conditions": [condition],
        },
    }


def _no_zone(node: str) -> str:
    return ""


def _created(found: list[actions.Action]) -> list[Object]:
    assert all(isinstance(action, actions.Create) for action in found)
    return [action.obj for action in found if isinstance(action, actions.Create)]


def _stored(made: Object) -> Object:
    return {**made, "metadata": {**made["metadata"], "namespace": "n", "uid": made["metadata"]["name"]}}


def test_a_slice_holds_a_hundred_and_making_it_twice_makes_one() -> None:
    pods = [_pod(f"p{n}", f"10.0.{n // 250}.{n % 250 + 1}") for n in range(250)]
    made = _created(slices.decide(SERVICE, pods, [], _no_zone))
    assert sorted(len(piece["endpoints"]) for piece in made) == [50, 100, 100]
    assert len({piece["metadata"]["name"] for piece in made}) == 3
    assert _created(slices.decide(SERVICE, pods, [], _no_zone)) == made
    assert slices.decide(SERVICE, pods, [_stored(piece) for piece in made], _no_zone) == []


def test_slices_that_are_not_wanted_any_more_go() -> None:
    made = _created(slices.decide(SERVICE, [_pod("a", "10.0.0.1")], [], _no_zone))
    changed = _service(ports=[{"port": 80, "targetPort": 9090}])
    create, delete = slices.decide(changed, [_pod("a", "10.0.0.1")], [_stored(made[0])], _no_zone)
    assert isinstance(create, actions.Create)
    assert isinstance(delete, actions.Delete)


def test_slices_of_a_service_that_was_before_go() -> None:
    made = _created(slices.decide(SERVICE, [], [], _no_zone))
    renewed = {**SERVICE, "metadata": {**SERVICE["metadata"], "uid": "v"}}
    found = slices.decide(renewed, [], [_stored(made[0])], _no_zone)
    assert {type(action) for action in found} == {actions.Create, actions.Delete}


def test_only_an_other_time_is_no_change() -> None:
    (made,) = _created(slices.decide(SERVICE, [_pod("a", "10.0.0.1")], [], _no_zone))
    assert made["metadata"]["annotations"] == {members.TRIGGER: "2026-02-02T00:00:00Z"}
    made["metadata"]["annotations"] = {members.TRIGGER: "2020-01-01T00:00:00Z", "other": "kept"}
    assert slices.decide(SERVICE, [_pod("a", "10.0.0.1")], [_stored(made)], _no_zone) == []
    (update,) = slices.decide(SERVICE, [_pod("b", "10.0.0.2")], [_stored(made)], _no_zone)
    assert isinstance(update, actions.Update)
    assert update.obj["metadata"]["annotations"]["other"] == "kept"


def test_a_pod_that_ended_or_has_no_address_is_no_endpoint() -> None:
    pods = [_pod("a", "10.0.0.1", phase="Succeeded"), _pod("b")]
    (made,) = _created(slices.decide(SERVICE, pods, [], _no_zone))
    assert made["endpoints"] == []
    (endpoints,) = _created(subsets.decide(SERVICE, pods, None))
    assert "subsets" not in endpoints


def test_each_family_has_its_slices_and_endpoints_know_the_first() -> None:
    service = _service(ipFamilies=["IPv6", "IPv4"])
    pods = [_pod("a", "10.0.0.1", "fd00::1")]
    made = _created(slices.decide(service, pods, [], _no_zone))
    listed = {piece["addressType"]: piece["endpoints"][0]["addresses"] for piece in made}
    assert listed == {"IPv6": ["fd00::1"], "IPv4": ["10.0.0.1"]}
    (endpoints,) = _created(subsets.decide(service, pods, None))
    assert endpoints["subsets"][0]["addresses"][0]["ip"] == "fd00::1"


def test_an_endpoint_knows_its_zone_and_its_name_in_the_service() -> None:
    pods = [_pod("a", "10.0.0.1", hostname="zero", subdomain="web")]
    (made,) = _created(slices.decide(SERVICE, pods, [], lambda node: f"zone-of-{node}"))
    assert made["endpoints"][0]["zone"] == "zone-of-n1"
    assert made["endpoints"][0]["hostname"] == "zero"


def test_a_named_port_is_looked_up_by_name_and_protocol() -> None:
    service = _service(ports=[{"name": "a", "port": 53, "targetPort": "dns", "protocol": "UDP"}])
    listed = [{"name": "dns", "containerPort": 1}, {"name": "dns", "containerPort": 2, "protocol": "UDP"}]
    container = {"name": "c", "ports": listed}
    assert members.ports(service, _pod("a", containers=[container])) == (members.Port("a", "UDP", 2),)
    assert members.ports(service, _pod("a")) == ()
    sidecar = {**container, "restartPolicy": "Always"}
    assert members.ports(service, _pod("a", initContainers=[sidecar])) == (members.Port("a", "UDP", 2),)


def test_endpoints_hold_a_thousand_ready_ones_first_and_say_when_there_are_more() -> None:
    pods = [_pod(f"p{n}", f"10.0.{n // 250}.{n % 250 + 1}", ready=n % 2 == 0) for n in range(1200)]
    (made,) = _created(subsets.decide(SERVICE, pods, None))
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (600, 400)
    assert made["metadata"]["annotations"]["endpoints.kubernetes.io/over-capacity"] == "truncated"
    assert subsets.decide(SERVICE, pods, _stored(made)) == []
    (update,) = subsets.decide(SERVICE, pods[:10], _stored(made))
    assert isinstance(update, actions.Update)
    assert "endpoints.kubernetes.io/over-capacity" not in update.obj["metadata"]["annotations"]


def test_services_without_a_selector_and_external_names_are_left_alone() -> None:
    assert not members.is_followed(None)
    assert not members.is_followed(_service(selector={}))
    assert not members.is_followed(_service(type="ExternalName"))
    assert members.is_followed(SERVICE)
