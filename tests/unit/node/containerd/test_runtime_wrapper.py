"""What stands in for the OCI runtime notes whether a container had no memory left, before its group goes."""

import subprocess
from pathlib import Path

import pytest

from strongroom.node.containerd import runtime_wrapper
from strongroom.node.containerd.oom_kills import OOMKills

V1 = "memory/strongroom/poduid/{}/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
V2 = "strongroom/poduid/{}/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill {}\noom_group_kill 0\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A wrapper around a runtime that removes all control groups, as `delete` does."""
    runtime = tmp_path / "run time"
    runtime.write_text(f'#!/bin/sh\nrm -rf "{tmp_path}/c groups"; exit 7\n')
    runtime.chmod(0o755)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        runtime_wrapper.render(
            runtime, values=tmp_path / "none", oom_kills=tmp_path / "o om", cgroups=tmp_path / "c groups"
        )
    )
    wrapper.chmod(0o755)
    return wrapper


def group(tmp_path: Path, version: tuple[str, str], container_id: str, count: int) -> None:
    path = tmp_path / "c groups" / version[0].format(container_id)
    path.parent.mkdir(parents=True)
    path.write_text(version[1].format(count))


def run(program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    first = ("--root", "/r", "--log", "/delete", "--log-format", "json")
    return subprocess.run([program, *first, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("flags", [(), ("--force",)])
def test_an_oom_kill_is_noted_before_the_group_is_removed(
    tmp_path: Path, program: Path, version: tuple[str, str], flags: tuple[str, ...]
) -> None:
    group(tmp_path, version, "greedy", 1)
    group(tmp_path, version, "modest", 0)
    group(tmp_path, version, "other", 2)
    done = run(program, "delete", *flags, "greedy")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    assert OOMKills(tmp_path / "o om").containers() == ["greedy"]


@pytest.mark.parametrize("version", [V1, V2], ids=["v1", "v2"])
def test_who_had_memory_enough_is_not_noted(tmp_path: Path, program: Path, version: tuple[str, str]) -> None:
    group(tmp_path, version, "modest", 0)
    assert run(program, "delete", "modest").returncode == 7
    assert run(program, "delete", "without-a-group").stderr == ""
    assert OOMKills(tmp_path / "o om").containers() == []


def test_other_calls_look_at_no_group(tmp_path: Path, program: Path) -> None:
    group(tmp_path, V1, "greedy", 1)
    assert run(program, "kill", "greedy", "9").returncode == 7
    assert OOMKills(tmp_path / "o om").containers() == []


def test_notes_go_with_their_containers(tmp_path: Path) -> None:
    for name in ("a", "b", "new"):
        (tmp_path / name).touch()
    kills = OOMKills(tmp_path)
    kills.keep_only(["a"], ["a", "b"])
    assert sorted(kills.containers()) == ["a", "new"]
    assert (kills.happened("a"), kills.happened("b")) == (True, False)
