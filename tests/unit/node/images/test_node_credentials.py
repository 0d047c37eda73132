"""The node's own credentials: which file holds, and that a broken one is no secret's end."""

import json
import logging
from pathlib import Path

import pytest

from strongroom.node.images import credentials, node_credentials
from strongroom.node.images.credentials import Credential
from strongroom.node.images.node_credentials import NodeCredentials


def config(password: str, *, legacy: bool = False) -> str:
    entries = {"registry.example": {"username": "node", "password": password}}
    return json.dumps(entries if legacy else {"auths": entries, "credsStore": "desktop"})


def used(node: NodeCredentials) -> list[str]:
    return [found.password for found in credentials.find(node.keyring(), "registry.example/app")]


def test_where_the_kubelet_looks() -> None:
    found = node_credentials.places(None, Path("/data"), {"HOME": "/root"})
    assert [str(path) for path in found] == [
        "/data/config.json",
        "/var/lib/kubelet/config.json",
        "/root/.docker/config.json",
        "/.docker/config.json",
        "/data/.dockercfg",
        "/var/lib/kubelet/.dockercfg",
        "/root/.dockercfg",
        "/.dockercfg",
    ]
    assert node_credentials.places(Path("/mine.json"), Path("/data"), {}) == [Path("/mine.json")]


def test_the_first_that_can_be_read_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [
        tmp_path / "none.json",
        tmp_path / "broken.json",
        tmp_path / "good.json",
        tmp_path / ".dockercfg",
    ]
    files[1].write_text('{"auths": {"registry.example": {"auth": "hunter2!"}}}')
    files[2].write_text(config("second"))
    files[3].write_text(config("third", legacy=True))
    node = NodeCredentials(files)
    with caplog.at_level(logging.WARNING):
        assert used(node) == ["second"]
        assert used(node) == ["second"]
    assert [record.getMessage() for record in caplog.records] == [
        f"credentials for registries in {files[1]} are not used: "
        "unable to decode an auth field of a registry configuration"
    ]
    files[2].unlink()
    assert used(node) == ["third"]


def test_a_new_password_is_used_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    node = NodeCredentials([file])
    assert node.keyring() == {}
    for password in ("old", "new"):
        file.write_text(config(password))
        assert used(node) == [password]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": []}', '{"auths": {"a": "b"}}', "null"])
def test_a_file_that_is_none_gives_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    assert NodeCredentials([file]).keyring() == {}


def test_an_auth_field_is_read_as_in_secrets(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"auths": {"https://registry.example:5000/v2/": {"auth": "YTpiOmM"}}}')
    assert NodeCredentials([file]).keyring() == {"registry.example:5000": (Credential("a", "b:c"),)}
