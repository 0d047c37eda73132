"""Values of Secrets in the environment: marks for what is stored, and their way back into the process."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from strongroom.node import env
from strongroom.node.containerd import runtime_wrapper, secret_env
from strongroom.node.env import Environment
from strongroom.testing import canary

HARD = [
    b"plain",
    b"",
    b'quotes " and \\ backslashes \\n',
    b"a/b&c&&\\1\\&|^$*.[x]",
    b"line one\nline two\r\n\ttabbed\x01\x1f",
    "snow \N{SNOWMAN} \N{GRINNING FACE}".encode(),
    b"$(touch /tmp/x) `id` $HOME 'single'",
    b"strongroom:secret:1:",
    b"x" * 100_000,
]


class Runtime:
    """A stand-in for an OCI runtime behind the wrapper: notes its arguments and the file it would read."""

    def __init__(self, directory: Path) -> None:
        self.values = secret_env.SecretEnv(directory / "values")
        self.bundle = directory / "bun dle"
        self.bundle.mkdir()
        self.called = directory / "called"
        program = directory / "real runtime"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.called}\nexit 7\n')
        program.chmod(0o755)
        self.wrapper = directory / "wrapper"
        text = runtime_wrapper.render(program, values=directory / "values", oom_kills=directory / "oom")
        self.wrapper.write_text(text)
        self.wrapper.chmod(0o755)

    def write(self, name: str, environment: Environment, args: list[str]) -> Path:
        # As containerd writes it: one line, and no way to say what is not UTF-8.
        variables = [f"{key}={value.decode()}" for key, value in environment.values.items()]
        path = self.bundle / name
        path.write_text(json.dumps({"process": {"env": variables, "args": args}}))
        path.chmod(0o640)
        return path

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.wrapper, *map(str, arguments)], capture_output=True, text=True, check=False
        )

    def create(self, container_id: str) -> "subprocess.CompletedProcess[str]":
        first = ("--root", "/create", "--log", "/exec", "--log-format", "json", "create")
        return self.run(*first, "--bundle", self.bundle, "--pid-file", "/x", container_id)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path)


def environment(*values: bytes) -> Environment:
    names = {f"S{number}": value for number, value in enumerate(values)}
    return Environment({"PATH": b"/bin", **names}, frozenset(names))


def process(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["process"]
    return found


def test_what_is_stored_holds_no_value() -> None:
    value = canary.new()
    shown, _ = secret_env.SecretEnv(Path("/none")).hide(environment(value.encode()))
    assert not canary.in_bytes(repr(dict(shown.values)).encode(), [value])
    assert shown.values["PATH"] == b"/bin"
    assert list(shown.values) == ["PATH", "S0"]


def test_without_secrets_nothing_is_hidden(tmp_path: Path) -> None:
    values = secret_env.SecretEnv(tmp_path / "values")
    given = Environment({"A": b"1"})
    assert values.hide(given) == (given, b"")
    values.put("id", b"")
    assert values.containers() == []


@pytest.mark.parametrize("value", HARD, ids=range(len(HARD)))
def test_values_come_back_as_they_were(runtime: Runtime, value: bytes) -> None:
    shown, hidden = runtime.values.hide(environment(value, b"other"))
    runtime.values.put("id", hidden)
    args = env.expand_all(["echo", "-$(S1)-"], shown)
    path = runtime.write("config.json", shown, args)
    assert runtime.create("id").returncode == 7
    assert process(path)["env"] == ["PATH=/bin", f"S0={value.decode()}", "S1=other"]
    assert process(path)["args"] == ["echo", "-other-"]
    assert runtime.called.read_text().split("\n")[-2] == "id"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in runtime.bundle.iterdir()] == ["config.json"]


def test_more_than_ten_values_are_told_apart(runtime: Runtime) -> None:
    values = [f"value-{number}".encode() for number in range(12)]
    shown, hidden = runtime.values.hide(environment(*values))
    runtime.values.put("id", hidden)
    path = runtime.write("config.json", shown, [])
    runtime.create("id")
    assert process(path)["env"][1:] == [f"S{n}=value-{n}" for n in range(12)]


def test_an_exec_sees_them_too(runtime: Runtime) -> None:
    shown, hidden = runtime.values.hide(environment(b"secret"))
    runtime.values.put("id", hidden)
    path = runtime.write("process", shown, [])
    assert runtime.run("--root", "/r", "exec", "--process", path, "--detach", "id").returncode == 7
    assert process(path)["env"][1] == "S0=secret"


def test_values_are_those_of_the_container_alone(runtime: Runtime) -> None:
    shown, _ = runtime.values.hide(environment(b"mine"))
    _, others = runtime.values.hide(environment(b"other's"))
    runtime.values.put("id", others)
    path = runtime.write("process", shown, [])
    runtime.run("exec", "--process", path, "id")
    assert "other's" not in path.read_text()


def test_a_container_is_not_created_without_its_values(runtime: Runtime) -> None:
    shown, _ = runtime.values.hide(environment(b"secret"))
    runtime.write("config.json", shown, [])
    done = runtime.create("id")
    assert (done.returncode, done.stderr) == (1, "the values of Secrets for the environment are not there\n")
    assert not runtime.called.exists()


@pytest.mark.parametrize(
    "arguments",
    [("--root", "/r", "delete", "--force", "id"), ("--version",), ("--root", "/a b", "kill", "id", "9"), ()],
)
def test_other_calls_pass_as_they_are(runtime: Runtime, arguments: tuple[str, ...]) -> None:
    runtime.values.put("id", b"s/a/b/\n")
    assert runtime.run(*arguments).returncode == 7
    assert runtime.called.read_text() == "".join(f"{each}\n" for each in arguments or ("",))


def test_only_root_reads_them_and_they_go_with_the_container(tmp_path: Path) -> None:
    values = secret_env.SecretEnv(tmp_path / "values")
    for container in ("a", "b", "c"):
        values.put(container, b"s/x/y/\n")
    assert stat.S_IMODE((tmp_path / "values").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "values" / "a").stat().st_mode) == 0o600
    values.remove("a")
    values.remove("a")
    assert sorted(values.containers()) == ["b", "c"]
    values.put("new", b"s/x/y/\n")
    values.keep_only(["c"], ["b", "c"])
    assert sorted(values.containers()) == ["c", "new"]
