"""Which credentials are for which image."""

import base64

import orjson
import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.images import credentials
from strongroom.node.images.credentials import Credential


def config_json(**auths: Object) -> Object:
    document = orjson.dumps({"auths": auths})
    data = {".dockerconfigjson": base64.b64encode(document).decode()}
    return {"type": "kubernetes.io/dockerconfigjson", "data": data}


def auth(text: str, *, padded: bool = True) -> Object:
    encoded = base64.b64encode(text.encode()).decode()
    return {"auth": encoded if padded else encoded.rstrip("=")}


def found(repository: str, *pull_secrets: Object) -> list[tuple[str, str]]:
    ring = credentials.keyring(pull_secrets)
    return [(item.username, item.password) for item in credentials.find(ring, repository)]


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("https://index.docker.io/v1/", "index.docker.io"),
        ("http://h:5000", "h:5000"),
        ("h/v2/", "h"),
        ("h/v2/team", "h/team"),
        ("h/v1beta/x", "h/v1beta/x"),
        ("h/a/b", "h/a/b"),
    ],
)
def test_keys(server: str, key: str) -> None:
    assert credentials.normalize(server) == key


@pytest.mark.parametrize(
    ("key", "repository", "matches"),
    [
        ("hub.cropy.cn", "hub.cropy.cn/demo/java", True),
        ("hub.cropy.cn/demo", "hub.cropy.cn/demo/java", True),
        ("hub.cropy.cn/dem", "hub.cropy.cn/demo/java", True),
        ("hub.cropy.cn/other", "hub.cropy.cn/demo/java", False),
        ("*.cropy.cn", "hub.cropy.cn/x", True),
        ("*.cn", "hub.cropy.cn/x", False),
        ("h[a-z]b.cropy.cn", "hub.cropy.cn/x", True),
        ("h[^u]b.cropy.cn", "hub.cropy.cn/x", False),
        ("hub.cropy.cn:443", "hub.cropy.cn/x", False),
        ("hub.cropy.cn:5000", "hub.cropy.cn:5000/x", True),
        ("HUB.cropy.cn", "hub.cropy.cn/x", False),
        ("[::1]:5000", "[::1]:5000/x", False),
    ],
)
def test_matching(key: str, repository: str, matches: bool) -> None:
    assert credentials.matches(key, repository) is matches


def test_auth_wins_over_username_and_password() -> None:
    entry = auth("admin:Harbor:12345") | {"username": "x", "password": "y", "email": "e"}
    assert found("h.io/x", config_json(**{"h.io": entry})) == [("admin", "Harbor:12345")]
    assert found("h.io/x", config_json(**{"h.io": auth("a:b", padded=False)})) == [("a", "b")]
    plain = {"username": "x", "password": "y"}
    assert found("h.io/x", config_json(**{"h.io": plain})) == [("x", "y")]


def test_all_that_match_are_tried_the_most_exact_first() -> None:
    pull_secret = config_json(
        **{"h.io": auth("whole:1"), "h.io/team": auth("team:2"), "h.io/team/app": auth("app:3")}
    )
    assert [name for name, _ in found("h.io/team/app", pull_secret)] == ["app", "team", "whole"]


def test_secrets_are_joined_in_order_and_repeats_dropped() -> None:
    first, second = config_json(**{"h.io": auth("a:1")}), config_json(**{"https://h.io": auth("b:2")})
    old = {"type": "kubernetes.io/dockercfg"}
    old["data"] = {".dockercfg": base64.b64encode(orjson.dumps({"h.io": auth("c:3")})).decode()}  # type: ignore[assignment]
    assert [name for name, _ in found("h.io/x", first, second, first, old)] == ["a", "b", "c"]


def test_docker_hub_by_its_old_name() -> None:
    hub = config_json(**{"https://index.docker.io/v1/": auth("me:pw")})
    assert found("docker.io/library/nginx", hub) == [("me", "pw")]
    assert found("quay.io/nginx", hub) == []


def test_other_secrets_have_no_credentials() -> None:
    assert found("h.io/x", {"type": "Opaque", "data": {".dockerconfigjson": "e30="}}) == []


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"auths":[]}', '{"auths":{"h":1}}', '{"auths":{"h":{"auth":"!"}}}']
)
def test_what_cannot_be_read_is_told_without_its_text(text: str) -> None:
    data = {".dockerconfigjson": base64.b64encode(text.encode()).decode()}
    pull_secret = {"type": "kubernetes.io/dockerconfigjson", "data": data}
    if text == '{"auths":[]}':
        assert credentials.keyring([pull_secret]) == {}
        return
    with pytest.raises(credentials.CredentialsError) as error:
        credentials.keyring([pull_secret])
    assert text not in str(error.value)


def test_auth_without_a_colon() -> None:
    with pytest.raises(credentials.CredentialsError, match="must be formatted as base64"):
        credentials.keyring([config_json(h=auth("nocolon"))])


def test_a_credential_does_not_print_its_password() -> None:
    assert "hunter2" not in repr(Credential("u", "hunter2"))
