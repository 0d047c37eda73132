"""Files with variables: their form, and that no link leads out of the volume."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import env, env_file
from strongroom.testing import node as nodes

TEXT = b"""# comment

  A='one' # more
B='a "quoted" $B \\n'
C='first
second=#
'
D= 'not it'
A='two'
"""


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("A", b"one"),
        ("B", b'a "quoted" $B \\n'),
        ("C", b"first\nsecond=#\n"),
        ("D", b""),
        ("second", b""),
        ("Z", b""),
    ],
)
def test_value(key: str, found: bytes) -> None:
    assert env_file.values(TEXT, [key]) == {key: found}
    assert env_file.values(TEXT.replace(b"\n", b"\r\n"), [key]) == {key: found}


@pytest.mark.parametrize(
    "line",
    [b"A", b"='x'", b"A ='x'", b"A=x", b"A=", b'A="x"', b"A='x' y", b"A='x", b"A='x\n"],
)
def test_a_line_of_another_form_is_an_error_unless_the_key_stands_before_it(line: bytes) -> None:
    assert env_file.values(line + b"\n", ["K"]) == {"K": None}
    assert env_file.values(b"K='v'\n" + line, ["K", "L"]) == {"K": b"v", "L": None}


def test_read(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"x")
    (tmp_path / "inside").symlink_to("d/f")
    assert env_file.read(tmp_path, "d/f") == env_file.read(tmp_path, "/inside") == b"x"
    assert env_file.read(tmp_path, "missing") is None


@pytest.mark.parametrize("path", ["../other", "out", "up/other", "d", "pipe", "large"])
def test_nothing_but_a_file_of_the_volume_is_read(tmp_path: Path, path: str) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "other").write_bytes(b"K='no'")
    (volume / "out").symlink_to(tmp_path / "other")
    (volume / "up").symlink_to("..")
    (volume / "d").mkdir()
    os.mkfifo(volume / "pipe")
    with (volume / "large").open("wb") as file:
        file.truncate(env_file.SIZE_MAX + 1)
    with pytest.raises(env_file.EnvFileError):
        env_file.read(volume, path)


class Objects:
    def secret(self, namespace: str, name: str) -> Object | None:
        return None

    def config_map(self, namespace: str, name: str) -> Object | None:
        return None


def build(content: bytes | None, **more: object) -> env.Environment:
    reference = {"volumeName": "v", "path": "f", "key": "K", **more}
    container = {"name": "c", "env": [{"name": "A", "valueFrom": {"fileKeyRef": reference}}]}
    said = env_file.values(content or b"", ["K"])
    facts = env.PodFacts(files={env_file.Reference("v", "f", key): value for key, value in said.items()})
    return env.build({"metadata": {"name": "p", "namespace": "n"}}, container, Objects(), facts)


def test_a_variable_from_a_file_is_kept_like_a_secret() -> None:
    found = build(b"K='v'")
    assert found.values == {"A": b"v"}
    assert found.secret == {"A"}


def test_a_variable_that_is_not_there() -> None:
    for content in (None, b"J='v'"):
        assert build(content, optional=True).values == {}
        with pytest.raises(env.EnvError, match=r'^environment variable key "K" not found in file "f"$'):
            build(content)


def test_an_error_shows_nothing_of_the_file() -> None:
    with pytest.raises(env.EnvError, match=r"^couldn't parse env file$") as error:
        build(b"hunter2")
    assert "hunter2" not in repr(env.PodFacts(files={env_file.Reference("v", "f", "K"): b"hunter2"}))
    assert error.value.__context__ is None


def test_a_file_is_gone_through_once_however_many_variables_are_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes(b"A='1'\nB='2'\nbad\nC='3'\n")
    (tmp_path / "d").mkdir()
    read: list[str] = []
    really = env_file.read

    def noted(volume: Path, path: str) -> bytes | None:
        read.append(path)
        return really(volume, path)

    monkeypatch.setattr(env_file, "read", noted)
    keys = [("f", "A"), ("f", "B"), ("f", "C"), ("f", "A"), ("gone", "A"), ("d", "A")]
    sources = [{"fileKeyRef": {"volumeName": "v", "path": path, "key": key}} for path, key in keys]
    container: Object = {"env": [{"name": "X", "valueFrom": source} for source in sources]}
    container["env"] += [{"name": "Y", "value": "y"}, {"name": "Z", "valueFrom": {"fieldRef": {}}}]
    found = env_file.find(env_file.references(container), lambda _: tmp_path)
    assert {(path, key): value for (_, path, key), value in found.items()} == {
        ("f", "A"): b"1",
        ("f", "B"): b"2",
        ("f", "C"): None,
        ("gone", "A"): b"",
        ("d", "A"): None,
    }
    assert read == ["f", "gone", "d"]


async def test_a_long_file_holds_up_nothing_else_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    really = env_file.find

    def noted(
        wanted: list[env_file.Reference], volume: Callable[[str], Path]
    ) -> dict[env_file.Reference, bytes | None]:
        threads.append(threading.current_thread())
        return really(wanted, volume)

    monkeypatch.setattr(env_file, "find", noted)
    key = {"volumeName": "v", "path": "f", "key": "K", "optional": True}
    container = {"env": [{"name": "A", "valueFrom": {"fileKeyRef": key}}]}
    async with nodes.running(tmp_path) as node:
        node.put_pod(volumes=[{"name": "v", "emptyDir": {}}], container=container)
        await node.until(node.is_ready)
    assert threads
    assert threading.main_thread() not in threads
