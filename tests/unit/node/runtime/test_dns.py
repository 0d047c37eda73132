"""The resolver of a pod."""

from strongroom.machinery.gvk import Object
from strongroom.node.runtime import dns

HOST = "# made by hand\nnameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2 rotate\n"


def of(spec: Object) -> tuple[list[str], list[str], list[str]] | None:
    config = dns.of_pod({"metadata": {}, "spec": spec}, HOST)
    return None if config is None else (list(config.servers), list(config.searches), list(config.options))


def test_the_machine_s_own() -> None:
    assert of({}) is None
    assert of({"dnsPolicy": "ClusterFirst"}) is None


def test_none_is_what_the_pod_says() -> None:
    extra = {"nameservers": ["192.0.2.1"], "searches": ["x"], "options": [{"name": "ndots", "value": "5"}]}
    assert of({"dnsPolicy": "None", "dnsConfig": extra}) == (["192.0.2.1"], ["x"], ["ndots:5"])


def test_additions_to_the_machine_s() -> None:
    extra = {
        "nameservers": ["192.0.2.53", "192.0.2.1"],
        "searches": ["c.example"],
        "options": [{"name": "ndots", "value": "5"}, {"name": "edns0"}],
    }
    assert of({"dnsConfig": extra}) == (
        ["192.0.2.53", "192.0.2.1"],
        ["a.example", "b.example", "c.example"],
        ["ndots:5", "rotate", "edns0"],
    )
