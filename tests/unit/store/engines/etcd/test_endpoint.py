"""What --store etcd://... may say."""

from pathlib import Path

import pytest

from strongroom.store.engines.etcd.endpoint import EndpointError, parse


def test_members_and_default_port() -> None:
    assert parse("etcd://127.0.0.1").hosts == ("127.0.0.1:2379",)
    found = parse("etcd://10.0.0.1:2379,10.0.0.2:2380,host")
    assert found.hosts == ("10.0.0.1:2379", "10.0.0.2:2380", "host:2379")
    assert not found.tls
    assert parse("etcds://[::1]:2379").hosts == ("[::1]:2379",)


def test_files_and_user(tmp_path: Path) -> None:
    (tmp_path / "ca").write_bytes(b"pem")
    found = parse(f"etcds://h?ca={tmp_path}/ca&user=u&password-file=/nowhere")
    assert found.tls
    assert found.file("ca") == b"pem"
    assert found.file("cert") is None
    with pytest.raises(EndpointError, match="password-file: /nowhere: No such file"):
        found.file("password-file")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sqlite", "is not etcd://HOST:PORT"),
        ("etcd://", "'' is not HOST:PORT"),
        ("etcd://a:b", "'a:b' is not HOST:PORT"),
        ("etcd://a:70000", "'a:70000' is not HOST:PORT"),
        ("etcd://a,", "'' is not HOST:PORT"),
        ("etcd://a/path", "takes neither a path nor a password"),
        ("etcd://user:secret@a", "takes neither a path nor a password"),
        ("etcd://a?what=1", "unknown parameter 'what'"),
        ("etcds://a?cert=c", "cert and key go together"),
        ("etcd://a?user=u", "user and password-file go together"),
        ("etcd://a?ca=c", "are for etcds://"),
    ],
)
def test_what_can_not_be_used_is_named(text: str, problem: str) -> None:
    with pytest.raises(EndpointError, match=problem) as error:
        parse(text)
    assert "secret" not in str(error.value)
