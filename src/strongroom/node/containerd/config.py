"""The text of containerd's configuration, for each generation of containerd. No I/O.

Sources: containerd's docs/cri/config.md and docs/PLUGINS.md. Version 2 of the format serves 1.6 and 1.7,
version 3 serves 2.x, where the CRI plugin was split into parts for images, for the runtime and for gRPC.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Value = str | int | bool | list[str]
Table = Mapping[str, "Value | Table"]

_UNUSED = [
    "io.containerd.internal.v1.restart",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
]


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration depends on."""

    version: tuple[int, int]
    root: Path
    state: Path
    socket: Path
    runtimes: Mapping[str, Path]
    """Handler name to program; the first is the default."""
    runtimes_dir: Path
    """Where each runtime keeps its state, in a directory named after its handler."""
    snapshotter: str
    sandbox_image: str
    certs_dir: Path
    network_dir: Path
    plugin_dir: Path
    restrict_oom_score_adj: bool


def render(config: Config) -> str:
    """The whole `config.toml`."""
    version = 3 if config.version >= (2, 0) else 2
    cri = _split_cri(config) if version == 3 else _single_cri(config)
    document: Table = {
        "version": version,
        "root": str(config.root),
        "state": str(config.state),
        "disabled_plugins": _UNUSED,
        "grpc": {"address": str(config.socket)},
        "debug": {"level": "warn"},
        "plugins": {
            **cri,
            "io.containerd.internal.v1.opt": {"path": str(config.root / "opt")},
            **({"io.containerd.nri.v1.nri": {"disable": True}} if config.version >= (1, 7) else {}),
        },
    }
    return "# Written by strongroom at each start.\n" + "".join(_lines(document, ()))


def _runtimes(config: Config) -> Table:
    return {
        name: {
            "runtime_type": "io.containerd.runc.v2",
            "options": {
                "BinaryName": str(program),
                "Root": str(config.runtimes_dir / name),
                "SystemdCgroup": False,
            },
        }
        for name, program in config.runtimes.items()
    }


def _single_cri(config: Config) -> Table:
    return {
        "io.containerd.grpc.v1.cri": {
            "sandbox_image": config.sandbox_image,
            "restrict_oom_score_adj": config.restrict_oom_score_adj,
            "netns_mounts_under_state_dir": True,
            "stream_server_address": "127.0.0.1",
            "stream_server_port": "0",
            "containerd": {
                "snapshotter": config.snapshotter,
                "default_runtime_name": next(iter(config.runtimes)),
                "runtimes": _runtimes(config),
            },
            "cni": {"bin_dir": str(config.plugin_dir), "conf_dir": str(config.network_dir)},
            "registry": {"config_path": str(config.certs_dir)},
        }
    }


def _split_cri(config: Config) -> Table:
    directory = str(config.plugin_dir)
    return {
        "io.containerd.cri.v1.images": {
            "snapshotter": config.snapshotter,
            "pinned_images": {"sandbox": config.sandbox_image},
            "registry": {"config_path": str(config.certs_dir)},
        },
        "io.containerd.cri.v1.runtime": {
            "restrict_oom_score_adj": config.restrict_oom_score_adj,
            "netns_mounts_under_state_dir": True,
            "containerd": {
                "default_runtime_name": next(iter(config.runtimes)),
                "runtimes": _runtimes(config),
            },
            "cni": {
                **({"bin_dirs": [directory]} if config.version >= (2, 1) else {"bin_dir": directory}),
                "conf_dir": str(config.network_dir),
            },
        },
        "io.containerd.grpc.v1.cri": {"stream_server_address": "127.0.0.1", "stream_server_port": "0"},
    }


def _lines(table: Table, path: tuple[str, ...]) -> list[str]:
    """TOML: a table's own values first, then the tables in it under their full names."""
    values = [f"{key} = {_value(value)}\n" for key, value in table.items() if not isinstance(value, Mapping)]
    lines = [f"\n[{'.'.join(_key(part) for part in path)}]\n", *values] if path and values else values
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines(value, (*path, key))
    return lines


def _key(part: str) -> str:
    return json.dumps(part) if "." in part else part


def _value(value: "Value | Table") -> str:
    # What TOML and JSON write alike: strings, integers, booleans, lists.
    return json.dumps(value, ensure_ascii=False)
