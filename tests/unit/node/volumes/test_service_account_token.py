"""The token's file: who may read it, and what of the source reaches the request."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.volumes import service_account_token
from strongroom.node.volumes.payload import File


class Sources:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def secret(self, namespace: str, name: str) -> Object | None:
        raise AssertionError("not asked for")

    config_map = secret

    def service_account_token(self, pod: Object, audience: str, seconds: int) -> str:
        self.asked.append((audience, seconds))
        return "t0ken"


def pod(*users: int | None, **context: int) -> Object:
    containers = [
        {"name": f"c{index}", **({} if user is None else {"securityContext": {"runAsUser": user}})}
        for index, user in enumerate(users)
    ]
    return {"metadata": {"uid": "u"}, "spec": {"securityContext": context, "containers": containers}}


@pytest.mark.parametrize(
    ("of", "mode", "owner"),
    [
        (pod(None), 0o644, None),
        (pod(1000), 0o600, 1000),
        (pod(None, runAsUser=7), 0o600, 7),
        (pod(1000, None), 0o644, None),
        (pod(1000, 1001), 0o644, None),
        (pod(1000, None, runAsUser=1000), 0o600, 1000),
        (pod(None, fsGroup=5), 0o600, None),
    ],
)
def test_token_is_for_the_containers_user_alone_where_there_is_one(
    of: Object, mode: int, owner: int | None
) -> None:
    files = service_account_token.files({"path": "token"}, of, Sources(), 0o644)
    assert files == {"token": File(b"t0ken", mode, owner)}


def test_audience_and_lifetime_are_those_of_the_source() -> None:
    sources = Sources()
    source = {"path": "a/b", "audience": "vault", "expirationSeconds": 700}
    assert list(service_account_token.files(source, pod(None), sources, 0o644)) == ["a/b"]
    service_account_token.files({"path": "token"}, pod(None), sources, 0o644)
    assert sources.asked == [("vault", 700), ("", 3600)]
