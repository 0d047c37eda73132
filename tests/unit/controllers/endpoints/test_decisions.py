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


def _endpoints(service: Object, *pods: Object, present: Object | None = None) -> Object:
    (made,) = _created(subsets.decide(service, pods, present))
    return made


def test_endpoints_tell_addresses_ports_nodes_names_and_pods() -> None:
    service = _service(ports=[{"name": "http", "port": 80, "targetPort": 8080}])
    named = _pod("a", "10.0.0.2", hostname="zero", subdomain="web")
    unbound = _pod("b", "10.0.0.1", ready=False, nodeName="")
    target = {"kind": "Pod", "namespace": "n"}
    assert _endpoints(service, named, unbound)["subsets"] == [
        {
            "addresses": [
                {
                    "ip": "10.0.0.2",
                    "hostname": "zero",
                    "nodeName": "n1",
                    "targetRef": {**target, "name": "a", "uid": "a"},
                }
            ],
            "notReadyAddresses": [{"ip": "10.0.0.1", "targetRef": {**target, "name": "b", "uid": "b"}}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ]
    assert _endpoints(SERVICE, named)["subsets"][0]["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_pods_that_terminate_are_no_endpoints_unless_the_service_wants_all() -> None:
    ending = _pod("a", "10.0.0.1", ready=False)
    ending["metadata"]["deletionTimestamp"] = "now"
    assert "subsets" not in _endpoints(SERVICE, ending)
    (subset,) = _endpoints(_service(publishNotReadyAddresses=True), ending)["subsets"]
    assert [address["ip"] for address in subset["addresses"]] == ["10.0.0.1"]


def test_a_pod_without_the_port_is_no_endpoint_but_a_service_may_have_none() -> None:
    pod = _pod("a", "10.0.0.1")
    assert "subsets" not in _endpoints(_service(ports=[{"port": 80, "targetPort": "http"}]), pod)
    (subset,) = _endpoints(_service(ports=[], clusterIP="None"), pod)["subsets"]
    assert "ports" not in subset


def test_endpoints_of_a_headless_service_say_so_and_of_others_not() -> None:
    headless = _endpoints(_service(clusterIP="None"))
    assert headless["metadata"]["labels"] == {
        "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        "service.kubernetes.io/headless": "",
    }
    labelled = {**SERVICE, "metadata": {**SERVICE["metadata"], "labels": {members.HEADLESS: "", "a": "b"}}}
    assert _endpoints(labelled)["metadata"]["labels"] == {
        "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        "a": "b",
    }


def test_endpoints_change_when_addresses_or_labels_or_their_completeness_do() -> None:
    pod = _pod("a", "10.0.0.1")
    stored = _stored(_endpoints(SERVICE, pod))
    assert subsets.decide(SERVICE, [pod], stored) == []
    changed = {**SERVICE, "metadata": {**SERVICE["metadata"], "labels": {"a": "b"}}}
    said = {**stored["metadata"], "annotations": {"endpoints.kubernetes.io/over-capacity": "truncated"}}
    for service, pods, present in (
        (SERVICE, [_pod("a", "10.0.0.2")], stored),
        (changed, [pod], stored),
        (SERVICE, [pod], {**stored, "metadata": said}),
    ):
        (update,) = subsets.decide(service, pods, present)
        assert isinstance(update, actions.Update)


def test_a_thousand_addresses_are_not_too_many() -> None:
    pods = [_pod(f"p{n}", f"10.0.{n // 250}.{n % 250 + 1}") for n in range(1000)]
    made = _endpoints(SERVICE, *pods, _pod("late", "10.9.0.1", ready=False))
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), "notReadyAddresses" in subset) == (1000, False)
    assert "endpoints.kubernetes.io/over-capacity" in made["metadata"]["annotations"]
    made = _endpoints(SERVICE, *pods)
    assert "endpoints.kubernetes.io/over-capacity" not in made["metadata"]["annotations"]
