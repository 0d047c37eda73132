"""Files with variables: their form, and that no link leads out of the volume."""

import os
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import env, env_file

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
    assert env_file.value(TEXT, key) == found
    assert env_file.value(TEXT.replace(b"\n", b"\r\n"), key) == found


@pytest.mark.parametrize(
    "line",
    [b"A", b"='x'", b"A ='x'", b"A=x", b"A=", b'A="x"', b"A='x' y", b"A='x", b"A='x\n"],
)
def test_a_line_of_another_form_is_an_error_unless_the_key_stands_before_it(line: bytes) -> None:
    with pytest.raises(env_file.EnvFileError):
        env_file.value(line + b"\n", "K")
    assert env_file.value(b"K='v'\n" + line, "K") == b"v"


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
    facts = env.PodFacts(file=lambda volume, path: content if (volume, path) == ("v", "f") else None)
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
    assert error.value.__suppress_context__
