import pytest

from strongroom.machinery.request_info import RequestInfo
from strongroom.server.authorization.rules import Rule


def _info(resource: str, group: str = "", verb: str = "get") -> RequestInfo:
    name, _, subresource = resource.partition("/")
    return RequestInfo(True, verb, "", group, "v1", "n", name, subresource, "x")


@pytest.mark.parametrize(
    ("resources", "asked", "allowed"),
    [
        (("pods",), "pods", True),
        (("pods",), "pods/log", False),
        (("pods/log",), "pods/log", True),
        (("pods/log",), "pods", False),
        (("*/status",), "nodes/status", True),
        (("*/status",), "nodes", False),
        (("*",), "pods/log", True),
        (("*",), "secrets", True),
    ],
)
def test_resources_and_subresources(resources: tuple[str, ...], asked: str, allowed: bool) -> None:
    assert Rule(("get",), ("",), resources).allows(_info(asked)) is allowed


def test_group_and_verb() -> None:
    rule = Rule(("get",), ("apps",), ("deployments",))
    assert rule.allows(_info("deployments", "apps"))
    assert not rule.allows(_info("deployments"))
    assert not rule.allows(_info("deployments", "apps", "list"))
    assert Rule(("*",), ("*",), ("*",)).allows(_info("x", "y", "z"))


def test_paths() -> None:
    rule = Rule(("get",), paths=("/api/*", "/version"))
    assert rule.allows(RequestInfo(False, "get", "/api/v1"))
    assert rule.allows(RequestInfo(False, "get", "/version"))
    assert not rule.allows(RequestInfo(False, "get", "/version/x"))
    assert not rule.allows(RequestInfo(False, "get", "/apis"))
    assert not rule.allows(_info("pods"))
