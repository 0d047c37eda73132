"""Which programs are found, and the one line that says what is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.node.containerd import tools


def which(*names: str) -> Callable[[str], Path | None]:
    return lambda name: Path("/usr/bin", name) if name in names else None


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    for name in ("bridge", "host-local", "loopback", "portmap"):
        (tmp_path / name).touch(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", (1, 6)),
        (
            "containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376",
            (2, 1),
        ),
        ("containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da", (1, 7)),
        ("", (0, 0)),
    ],
)
def test_version(text: str, version: tuple[int, int]) -> None:
    assert tools.parse_version(text) == version


def test_not_root(plugins: Path) -> None:
    found = tools.look(which("containerd"), [plugins], uid=1000)
    assert str(found) == "running Pods needs root: start strongroom as root, or with --no-node"


def test_everything_is_missing(tmp_path: Path) -> None:
    assert str(tools.look(which(), [tmp_path], uid=0)) == (
        "not installed: containerd, runc, containernetworking-plugins"
        " (on Debian: apt-get install containerd runc containernetworking-plugins)"
    )


def test_containerd_without_its_shim_is_missing(plugins: Path) -> None:
    found = tools.look(which("containerd", "runc"), [plugins], uid=0)
    assert str(found) == "not installed: containerd (on Debian: apt-get install containerd)"


def test_plugins_must_all_be_in_one_directory(tmp_path: Path, plugins: Path) -> None:
    (plugins / "bridge").unlink()
    assert tools.plugin_dir([tmp_path / "nowhere", plugins]) is None
    (plugins / "bridge").touch(0o755)
    assert tools.plugin_dir([tmp_path / "nowhere", plugins]) == plugins


def test_runc_comes_before_crun(plugins: Path, tmp_path: Path) -> None:
    found = tools.look(which("containerd", "containerd-shim-runc-v2", "crun", "runc"), [plugins], uid=0)
    assert not isinstance(found, tools.Missing)
    assert list(found.runtimes) == ["runc", "crun"]


def test_host_ports_need_iptables(plugins: Path) -> None:
    names = ("containerd", "containerd-shim-runc-v2", "runc")
    without = tools.look(which(*names), [plugins], uid=0)
    with_it = tools.look(which(*names, "iptables"), [plugins], uid=0)
    assert not isinstance(without, tools.Missing) and not isinstance(with_it, tools.Missing)
    assert (without.port_mapping, without.masquerade) == (False, False)
    assert (with_it.port_mapping, with_it.masquerade) == (True, True)
