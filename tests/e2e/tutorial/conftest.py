"""What the scenes prepare outside Kubernetes."""

import subprocess
from pathlib import Path

import pytest


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
