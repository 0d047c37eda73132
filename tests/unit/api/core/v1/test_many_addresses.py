"""Repeated addresses of Nodes, Pods and Services are found without holding each against each."""

from strongroom.api.core.v1 import node_validation
from strongroom.api.core.v1.pod import status_update

NUMBER = 2000


class Counted(str):
    """A text that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def _addresses() -> list[Counted]:
    Counted.compared = 0
    return [Counted(f"10.0.{number // 250}.{number % 250}") for number in range(NUMBER)]


def test_of_a_node() -> None:
    listed = [{"type": "InternalIP", "address": address} for address in _addresses()]
    node = {"metadata": {"name": "n"}, "status": {"addresses": [*listed, listed[0]]}}
    (error,) = node_validation.validate_update(node, node)
    assert error.field == f"status.addresses[{NUMBER}]"
    assert Counted.compared < 10 * NUMBER


def test_of_a_pod() -> None:
    addresses = _addresses()
    pod = {
        "metadata": {"name": "p"},
        "spec": {"restartPolicy": "Always", "containers": []},
        "status": {"podIPs": [{"ip": address} for address in (*addresses, addresses[0])]},
    }
    errors = status_update.validate(pod, pod)
    assert f"status.podIPs[{NUMBER}]" in [error.field for error in errors]
    assert Counted.compared < 20 * NUMBER
