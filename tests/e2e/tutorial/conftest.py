"""What the scenes prepare outside Kubernetes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import images
from strongroom.testing import registry as registries


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Key and self-signed certificate as scene 6 makes them: nginx.key, nginx.crt."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "nginx.key", folder / "nginx.crt"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365"]
    subprocess.run(
        [*request, "-subj", "/CN=nginx.example", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return key, cert


@pytest.fixture(scope="session")
def private_registry(
    registry_config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[registries.Registry]:
    """The registries of scenes 11 and 13: HTTPS, and nothing without a password."""
    users = {"admin": "Harbor12345"}
    with registries.Registry(tmp_path_factory.mktemp("private"), users, tls=True) as running:
        running.push("demo/java-demo:v1", images.web(8080, "v1"))
        running.push("demo/java-demo:v2", images.web(8080, "v2"))
        running.push("stree/stree:v1", images.shell())
        names = ["hub.cropy.cn", "registry.cn-zhangjiakou.aliyuncs.com"]
        registries.write_hosts(registry_config, names, running.address, running.ca)
        yield running
