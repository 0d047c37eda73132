"""Variables of Services: Kubernetes' "Discovering services"."""

from typing import Any

from strongroom.machinery.gvk import Object
from strongroom.node import service_variables


def service(name: str, namespace: str, ip: str, *ports: dict[str, Any]) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "spec": {"clusterIP": ip, "ports": list(ports)}}


def pod(namespace: str = "ns", **spec: object) -> Object:
    return {"metadata": {"namespace": namespace}, "spec": spec}


API = service("kubernetes", "default", "10.96.0.1", {"name": "https", "port": 443, "protocol": "TCP"})
OF_API = {
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    "KUBERNETES_PORT_443_TCP_PORT": "443",
    "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
}


def test_the_api_is_found_from_every_namespace() -> None:
    assert service_variables.variables(pod(), [API]) == OF_API
    assert service_variables.variables(pod(enableServiceLinks=False), [API]) == OF_API


def test_services_of_the_namespace_unless_links_are_declined() -> None:
    mine = service("my-db", "ns", "10.96.7.7", {"port": 53, "protocol": "UDP"}, {"name": "m-x", "port": 80})
    other = service("other", "elsewhere", "10.96.7.8", {"port": 1})
    found = service_variables.variables(pod(), [API, mine, other])
    own = {name: value for name, value in found.items() if not name.startswith("KUBERNETES_")}
    assert own == {
        "MY_DB_SERVICE_HOST": "10.96.7.7",
        "MY_DB_SERVICE_PORT": "53",
        "MY_DB_SERVICE_PORT_M_X": "80",
        "MY_DB_PORT": "udp://10.96.7.7:53",
        "MY_DB_PORT_53_UDP": "udp://10.96.7.7:53",
        "MY_DB_PORT_53_UDP_PROTO": "udp",
        "MY_DB_PORT_53_UDP_PORT": "53",
        "MY_DB_PORT_53_UDP_ADDR": "10.96.7.7",
        "MY_DB_PORT_80_TCP": "tcp://10.96.7.7:80",
        "MY_DB_PORT_80_TCP_PROTO": "tcp",
        "MY_DB_PORT_80_TCP_PORT": "80",
        "MY_DB_PORT_80_TCP_ADDR": "10.96.7.7",
    }
    assert service_variables.variables(pod(enableServiceLinks=False), [API, mine]) == OF_API


def test_headless_services_have_none() -> None:
    assert service_variables.variables(pod(), [service("h", "ns", "None", {"port": 1})]) == {}
    assert service_variables.variables(pod(), [service("e", "ns", "")]) == {}


def test_a_service_of_the_apis_name_in_the_namespace_comes_first() -> None:
    own = service("kubernetes", "ns", "10.96.9.9", {"port": 1})
    for services in ([API, own], [own, API]):
        assert service_variables.variables(pod(), services)["KUBERNETES_SERVICE_HOST"] == "10.96.9.9"
