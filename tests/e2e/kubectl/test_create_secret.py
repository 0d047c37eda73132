"""`kubectl create secret` in all its forms."""

import base64
import json
from pathlib import Path
from typing import Any

from strongroom.testing.kubectl import Kubectl


def data_of(kubectl: Kubectl, name: str) -> dict[str, bytes]:
    found = json.loads(kubectl.ok("get", "secret", name, "-ojson"))
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


def type_of(kubectl: Kubectl, name: str) -> str:
    return kubectl.ok("get", "secret", name, "-ojsonpath={.type}")


def test_from_files_with_their_own_names_and_given_ones(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "username.txt").write_bytes(b"admin")
    (tmp_path / "password.bin").write_bytes(bytes(range(256)))
    kubectl.ok(
        "create",
        "secret",
        "generic",
        "files",
        "--from-file=./username.txt",
        "--from-file=pass=password.bin",
        cwd=tmp_path,
    )
    assert data_of(kubectl, "files") == {"username.txt": b"admin", "pass": bytes(range(256))}


def test_from_a_directory_and_an_env_file(kubectl: Kubectl, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "b.txt").write_text("2")
    kubectl.ok("create", "secret", "generic", "folder", f"--from-file={folder}")
    assert data_of(kubectl, "folder") == {"a": b"1", "b.txt": b"2"}
    (tmp_path / "env").write_text("# comment\nUSER=admin\nEMPTY=\nQUOTED='x y'\n")
    kubectl.ok("create", "secret", "generic", "env", f"--from-env-file={tmp_path / 'env'}")
    assert data_of(kubectl, "env") == {"USER": b"admin", "EMPTY": b"", "QUOTED": b"'x y'"}


def test_values_keep_every_character(kubectl: Kubectl) -> None:
    value = 'a=b "c" \\ $HOME 口令 \n<>&'
    kubectl.ok("create", "secret", "generic", "odd", f"--from-literal=k={value}")
    assert data_of(kubectl, "odd") == {"k": value.encode()}


def test_docker_registry(kubectl: Kubectl) -> None:
    created = kubectl.ok(
        "create",
        "secret",
        "docker-registry",
        "local-registry",
        "--docker-username=admin",
        "--docker-password=admin@123",
    )
    assert created == "secret/local-registry created\n"
    assert type_of(kubectl, "local-registry") == "kubernetes.io/dockerconfigjson"
    config = json.loads(data_of(kubectl, "local-registry")[".dockerconfigjson"])
    assert config["auths"]["https://index.docker.io/v1/"] == {
        "username": "admin",
        "password": "admin@123",
        "auth": base64.b64encode(b"admin:admin@123").decode(),
    }


def test_docker_configuration_from_a_file(kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"auths":{"hub.example":{"auth":"YTpi"}}}')
    source = f"--from-file=.dockerconfigjson={file}"
    kubectl.ok("create", "secret", "generic", "regcred", source, "--type=kubernetes.io/dockerconfigjson")
    shown = kubectl.ok("get", "secret", "regcred", "--output=jsonpath={.data.\\.dockerconfigjson}")
    assert base64.b64decode(shown) == file.read_bytes()


def test_type_and_immutable(kubectl: Kubectl) -> None:
    kubectl.ok(
        "create",
        "secret",
        "generic",
        "login",
        "--type=kubernetes.io/basic-auth",
        "--from-literal=username=a",
        "--from-literal=password=b",
    )
    assert type_of(kubectl, "login") == "kubernetes.io/basic-auth"


def test_dry_runs_store_nothing(kubectl: Kubectl) -> None:
    def create(how: str) -> Any:
        flags = (f"--dry-run={how}", "-ojson")
        return json.loads(kubectl.ok("create", "secret", "generic", "dry", "--from-literal=k=v", *flags))

    assert create("client")["data"] == {"k": "dg=="}
    checked = create("server")
    assert checked["data"] == {"k": "dg=="} and checked["type"] == "Opaque" and checked["metadata"]["uid"]
    assert "not found" in kubectl.fails("get", "secret", "dry")


def test_append_hash_gives_the_name_that_kubectl_shows_offline(kubectl: Kubectl) -> None:
    arguments = ("create", "secret", "generic", "h", "--from-literal=k=v", "--append-hash", "-oname")
    expected = kubectl.ok(*arguments, "--dry-run=client")
    assert kubectl.ok(*arguments) == expected
    assert kubectl.ok("get", expected.strip(), "-oname") == expected


def test_create_other_kinds_that_are_sent_as_protobuf(kubectl: Kubectl) -> None:
    assert kubectl.ok("create", "configmap", "cm", "--from-literal=a=1") == "configmap/cm created\n"
    assert kubectl.ok("get", "cm", "cm", "-ojsonpath={.data}") == '{"a":"1"}'
    assert kubectl.ok("create", "serviceaccount", "robot") == "serviceaccount/robot created\n"
    assert kubectl.ok("get", "sa", "robot", "-oname") == "serviceaccount/robot\n"
    name = f"{kubectl.namespace}-b"
    assert kubectl.ok("create", "namespace", name) == f"namespace/{name} created\n"
    assert kubectl.ok("delete", "namespace", name) == f'namespace "{name}" deleted\n'
