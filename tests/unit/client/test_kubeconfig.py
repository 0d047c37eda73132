"""Kubeconfig files are read, and merged without harm."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.client import kubeconfig

ACCESS = kubeconfig.Access("https://127.0.0.1:6443", b"PEM", "t0ken")
OTHER = """\
apiVersion: v1
kind: Config
current-context: other
clusters:
- name: other
  cluster: {server: https://other.example, insecure-skip-tls-verify: true}
contexts:
- name: other
  context: {cluster: other, user: other, namespace: no}
users:
- name: other
  user:
    auth-provider:
      name: oidc
      config: {expiry: 2026-01-02T03:04:05Z, answer: yes, n: 0777, m: 12:30, version: 1.5, count: 7, no: }
preferences: {colors: true}
"""


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_a_new_file_is_private_and_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    kubeconfig.merge(path, "strongroom", ACCESS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kubeconfig.load(path) == ACCESS
    assert _load(path) == {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [
            {
                "name": "strongroom",
                "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "UEVN"},
            }
        ],
        "users": [{"name": "strongroom", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "strongroom", "context": {"cluster": "strongroom", "user": "strongroom"}}],
        "current-context": "strongroom",
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["config"]


def test_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.touch(mode=0o644)
    kubeconfig.merge(path, "strongroom", ACCESS)
    assert kubeconfig.load(path) == ACCESS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_else_the_file_holds_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHER)
    kubeconfig.merge(path, "strongroom", ACCESS)
    merged = _load(path)
    assert merged["current-context"] == "strongroom"
    assert merged["preferences"] == {"colors": True}
    assert merged["clusters"][0] == {
        "name": "other",
        "cluster": {"server": "https://other.example", "insecure-skip-tls-verify": True},
    }
    assert merged["contexts"][0]["context"]["namespace"] == "no"
    assert merged["users"][0]["user"]["auth-provider"]["config"] == {
        "expiry": "2026-01-02T03:04:05Z",
        "answer": "yes",
        "n": "0777",
        "m": "12:30",
        "version": 1.5,
        "count": 7,
        "no": None,
    }


def test_our_own_entry_is_replaced_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, "strongroom", kubeconfig.Access("https://old", b"OLD", "old"))
    kubeconfig.merge(path, "later", kubeconfig.Access("https://later", b"", "later", "space"))
    kubeconfig.merge(path, "strongroom", ACCESS)
    assert kubeconfig.load(path) == ACCESS
    assert kubeconfig.load(path, "later") == kubeconfig.Access("https://later", b"", "later", "space")
    merged = _load(path)
    for part in ("clusters", "users", "contexts"):
        assert [entry["name"] for entry in merged[part]] == ["strongroom", "later"]


def test_lists_that_are_null_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("apiVersion: v1\nclusters: null\nusers: null\ncontexts: null\n")
    kubeconfig.merge(path, "strongroom", ACCESS)
    assert kubeconfig.load(path) == ACCESS


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text(OTHER)
    link.symlink_to(target)
    kubeconfig.merge(link, "strongroom", ACCESS)
    assert link.is_symlink()
    assert kubeconfig.load(target) == ACCESS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_users_file_to_its_user(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHER)
    os.chown(path, 1234, 1234)
    kubeconfig.merge(path, "strongroom", ACCESS)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1234)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("users: [{token: s3cret}, }", "not valid YAML at line 1"),
        ("token: \x00s3cret", "not valid YAML"),
        ("- s3cret", "not a Config"),
        ("kind: Pod\ntoken: s3cret", "not a Config of apiVersion v1"),
        ("users: {s3cret: 1}", "users is not a list of named entries"),
        ("clusters: [s3cret]", "clusters is not a list of named entries"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(kubeconfig.KubeconfigError) as caught:
        kubeconfig.merge(path, "strongroom", ACCESS)
    assert str(caught.value).startswith(f"kubeconfig {path}: {problem}")
    assert "s3cret" not in str(caught.value)
    assert path.read_text() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(OTHER)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        kubeconfig.merge(path, "strongroom", ACCESS)
    assert path.read_text() == OTHER
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


_FILE = """\
current-context: {current}
clusters:
- name: c
  cluster: {cluster}
users:
- name: u
  user: {user}
contexts:
- name: x
  context: {{cluster: c, user: u}}
- name: lost
  context: {{cluster: gone, user: u}}
"""


def _write(
    path: Path, current: str = "x", cluster: str = "{server: https://s}", user: str = "{token: t}"
) -> Path:
    path.write_text(_FILE.format(current=current, cluster=cluster, user=user))
    return path


def test_authority_and_token_may_be_files_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(b"PEM")
    (tmp_path / "token").write_text("t0ken\n")
    path = _write(
        tmp_path / "config",
        cluster="{server: https://s, certificate-authority: ca.crt}",
        user="{tokenFile: token}",
    )
    assert kubeconfig.load(path) == kubeconfig.Access("https://s", b"PEM", "t0ken")


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"current": '""'}, "no current-context is set"),
        ({"current": "y"}, "no context is named 'y'"),
        ({"current": "lost"}, "no cluster is named 'gone'"),
        ({"cluster": "{}"}, "the cluster of context x has no server"),
        ({"user": "{username: a}"}, "the user has no token"),
        ({"user": "{tokenFile: gone}"}, "gone: No such file"),
        (
            {"cluster": "{server: s, certificate-authority-data: '?'}"},
            "certificate-authority-data is not base64",
        ),
        (
            {"cluster": "{server: s, insecure-skip-tls-verify: true}"},
            "insecure-skip-tls-verify is not supported",
        ),
    ],
)
def test_an_access_that_is_not_whole_is_named(tmp_path: Path, parts: dict[str, str], problem: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match=problem):
        kubeconfig.load(_write(tmp_path / "config", **parts))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="gone: No such file"):
        kubeconfig.load(tmp_path / "gone")


def test_a_token_does_not_print() -> None:
    assert "t0ken" not in repr(ACCESS)
