from pathlib import Path

import pytest

from strongroom.cmd import settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:6443", ("127.0.0.1", 6443)),
        ("localhost:7443", ("127.0.0.1", 7443)),
        ("[::1]:6443", ("::1", 6443)),
        (":6443", ("0.0.0.0", 6443)),
    ],
)
def test_listen(text: str, expected: tuple[str, int]) -> None:
    assert settings.parse_listen(text) == expected


@pytest.mark.parametrize(
    "text", ["", "6443", "host:6443", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "1.2.3:4"]
)
def test_listen_that_can_not_be_used_is_named(text: str) -> None:
    with pytest.raises(settings.SettingsError, match="--listen"):
        settings.parse_listen(text)


def test_runtime_endpoint_takes_a_url_or_a_path() -> None:
    assert settings.parse_endpoint("unix:///run/c.sock") == "unix:///run/c.sock"
    assert settings.parse_endpoint("/run/c.sock") == "unix:///run/c.sock"
    assert settings.parse_endpoint(None) is None
    with pytest.raises(settings.SettingsError, match="--runtime-endpoint"):
        settings.parse_endpoint("tcp://1.2.3.4:5")


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a.", "a" * 254])
def test_node_name_that_breaks_the_rules_is_named(name: str) -> None:
    with pytest.raises(settings.SettingsError, match="--node-name"):
        settings.parse_node_name(name)


def test_server_url_of_a_wildcard_address_is_loopback(tmp_path: Path) -> None:
    chosen = settings.resolve(listen=":6443", with_node=False, store="sqlite", data_dir=tmp_path)
    assert chosen.server_url == "https://127.0.0.1:6443"
    chosen = settings.resolve(listen="[::]:6443", with_node=False, store="sqlite", data_dir=tmp_path)
    assert chosen.server_url == "https://[::1]:6443"


def test_kubeconfig_defaults_to_the_first_of_KUBECONFIG(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": f"{tmp_path}/a:{tmp_path}/b"}
    assert settings.default_kubeconfig(environ) == tmp_path / "a"
    assert settings.default_kubeconfig({}) == Path.home() / ".kube" / "config"


def test_each_data_directory_has_a_run_directory_of_its_own(tmp_path: Path) -> None:
    one = settings.default_run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path / "one")
    two = settings.default_run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path / "two")
    assert one != two
