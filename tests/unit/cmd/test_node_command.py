"""`strongroom node`: what it takes on the command line."""

from pathlib import Path
from typing import Any

import pytest

from strongroom.cmd import main, node_command
from strongroom.cmd.settings import SettingsError

HASH = "sha256:" + "ab" * 32
GIVEN: dict[str, Any] = {
    "server": "https://10.0.0.1:6443",
    "token_file": Path("t"),
    "ca_file": None,
    "ca_cert_hash": HASH,
    "data_dir": Path("/d"),
    "node_name": "n1",
    "node_ip": "",
    "port": 10250,
    "heartbeat": "10s",
    "runtime_endpoint": None,
    "registry_config": None,
    "pause_image": "p",
}


def test_defaults() -> None:
    found = node_command.resolve(**GIVEN)
    assert found.api == ("10.0.0.1", 6443)
    assert found.heartbeat == 10.0
    assert node_command.resolve(**GIVEN | {"server": "https://host/"}).api == ("host", 443)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ca_cert_hash": ""}, "--ca-cert-hash or --ca-file"),
        ({"ca_cert_hash": "sha256:12"}, "--ca-cert-hash: not sha256:"),
        ({"server": "http://10.0.0.1"}, "--server: 'http://10.0.0.1' is not https://HOST:PORT"),
        ({"server": "10.0.0.1:6443"}, "--server:"),
        ({"server": "https://"}, "--server:"),
        ({"server": "https://host:0"}, "--server:"),
        ({"server": "https://host:99999"}, "--server:"),
        ({"server": "https://host/path"}, "--server:"),
        ({"server": "https://u:p@host"}, "--server:"),
        ({"node_name": "N_1"}, "--node-name:"),
        ({"node_ip": "host"}, "--node-ip: 'host' is no IPv4 address"),
        ({"heartbeat": "soon"}, "--node-status-update-frequency:"),
        ({"heartbeat": "0"}, "--node-status-update-frequency: must be more than 0s"),
        ({"runtime_endpoint": "x"}, "--runtime-endpoint:"),
    ],
    ids=str,
)
def test_bad_flags_are_told_by_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as told:
        node_command.resolve(**GIVEN | changes)
    assert str(told.value).startswith(text)


def test_an_error_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["node", "--server", "https://h", "--token-file", "t"]) == 2
    assert capsys.readouterr().err == (
        "strongroom: error: --ca-cert-hash or --ca-file: one of them tells this server from an impostor\n"
    )
    assert main.main(["node", "--server", "https://h"]) == 2
    assert "--token-file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["up", "node"])
def test_both_kinds_of_nodes_have_a_limit_of_processes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main.main([command, "--help"])
    assert "--pod-pids-limit" in capsys.readouterr().out
