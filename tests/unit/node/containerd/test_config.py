"""containerd's configuration: what each generation of containerd is told, read back as TOML."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from strongroom.node.containerd import config


def rendered(version: tuple[int, int], **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "version": version,
        "root": Path("/d/containerd"),
        "state": Path("/r/state"),
        "socket": Path("/r/containerd.sock"),
        "runtimes": {"crun": Path("/usr/bin/crun"), "runc": Path("/usr/sbin/runc")},
        "runtimes_dir": Path("/r/runtimes"),
        "snapshotter": "native",
        "sandbox_image": "registry.k8s.io/pause:3.10",
        "certs_dir": Path("/d/certs.d"),
        "network_dir": Path("/d/cni"),
        "plugin_dir": Path("/usr/lib/cni"),
        "restrict_oom_score_adj": True,
        **changes,
    }
    return tomllib.loads(config.render(config.Config(**values)))


def test_1_6_has_one_cri_plugin() -> None:
    document = rendered((1, 6))
    cri = document["plugins"]["io.containerd.grpc.v1.cri"]
    assert document["version"] == 2
    assert cri["sandbox_image"] == "registry.k8s.io/pause:3.10"
    assert cri["restrict_oom_score_adj"] is True
    assert cri["containerd"]["snapshotter"] == "native"
    assert cri["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/d/cni"}
    assert cri["registry"] == {"config_path": "/d/certs.d"}
    assert "io.containerd.nri.v1.nri" not in document["plugins"]


def test_1_7_is_not_joined_to_the_nri_socket_of_the_machine() -> None:
    assert rendered((1, 7))["plugins"]["io.containerd.nri.v1.nri"] == {"disable": True}


@pytest.mark.parametrize("version", [(2, 0), (2, 1), (2, 3)])
def test_2_x_has_the_cri_plugin_in_parts(version: tuple[int, int]) -> None:
    document = rendered(version)
    plugins = document["plugins"]
    assert document["version"] == 3
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"] == {
        "sandbox": "registry.k8s.io/pause:3.10"
    }
    assert plugins["io.containerd.cri.v1.images"]["registry"] == {"config_path": "/d/certs.d"}
    assert plugins["io.containerd.cri.v1.images"]["snapshotter"] == "native"
    assert plugins["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is True
    assert "sandbox_image" not in plugins["io.containerd.grpc.v1.cri"]


def test_plugin_directories_became_a_list_in_2_1() -> None:
    def of(version: tuple[int, int]) -> Any:
        return rendered(version)["plugins"]["io.containerd.cri.v1.runtime"]["cni"]

    assert of((2, 0))["bin_dir"] == "/usr/lib/cni"
    assert of((2, 1))["bin_dirs"] == ["/usr/lib/cni"]


@pytest.mark.parametrize(
    ("version", "plugin"), [((1, 6), "io.containerd.grpc.v1.cri"), ((2, 0), "io.containerd.cri.v1.runtime")]
)
def test_the_first_runtime_is_the_default_and_each_keeps_its_own_state(
    version: tuple[int, int], plugin: str
) -> None:
    containerd = rendered(version)["plugins"][plugin]["containerd"]
    assert containerd["default_runtime_name"] == "crun"
    assert containerd["runtimes"]["runc"]["options"] == {
        "BinaryName": "/usr/sbin/runc",
        "Root": "/r/runtimes/runc",
        "SystemdCgroup": False,
    }
    assert containerd["runtimes"]["crun"]["options"]["Root"] == "/r/runtimes/crun"


@pytest.mark.parametrize("version", [(1, 6), (2, 1)])
def test_nothing_lies_outside_our_directories(version: tuple[int, int]) -> None:
    document = rendered(version)
    assert (document["root"], document["state"]) == ("/d/containerd", "/r/state")
    assert document["grpc"] == {"address": "/r/containerd.sock"}
    assert document["plugins"]["io.containerd.internal.v1.opt"] == {"path": "/d/containerd/opt"}


def test_odd_characters_in_a_path_are_quoted() -> None:
    odd = Path('/d/a "b" \\ [c].=d')
    assert rendered((1, 6), root=odd)["root"] == str(odd)
