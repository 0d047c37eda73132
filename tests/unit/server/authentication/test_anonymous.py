import pytest

from strongroom.server.authentication.anonymous import AnonymousAuthenticator
from strongroom.server.request import ANONYMOUS


@pytest.mark.parametrize("path", ["/livez", "/readyz/ping", "/healthz", "/version", "/version/"])
def test_open_paths(path: str) -> None:
    assert AnonymousAuthenticator().authenticate({}, path) == ANONYMOUS


@pytest.mark.parametrize(
    "path", ["/", "/api", "/livezz", "/versions", "/readyz2/x", "/metrics", "/openapi/v3"]
)
def test_closed_paths(path: str) -> None:
    assert AnonymousAuthenticator().authenticate({}, path) is None
