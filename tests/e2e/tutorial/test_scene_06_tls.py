"""Scene 6: a TLS Secret from a key and a self-signed certificate."""

import base64
import json
import shutil
from pathlib import Path

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl


def create(name: str, key: Path, cert: Path) -> tuple[str, ...]:
    return ("create", "secret", "tls", name, f"--key={key}", f"--cert={cert}")


def test_whatever_the_files_are_called_the_keys_are_tls_crt_and_tls_key(
    kubectl: Kubectl, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    key, cert = (Path(shutil.copy(path, tmp_path / f"other{path.suffix}.pem")) for path in certificate)
    assert kubectl.ok(*create("nginx-tls-secret", key, cert)) == "secret/nginx-tls-secret created\n"
    expect.check(
        kubectl.ok("get", "secret", "nginx-tls-secret"),
        "NAME  TYPE  DATA  AGE\nnginx-tls-secret  kubernetes.io/tls  2  <age>\n",
    )
    data = json.loads(kubectl.ok("get", "secret", "nginx-tls-secret", "-ojson"))["data"]
    assert {name: base64.b64decode(value) for name, value in data.items()} == {
        "tls.crt": cert.read_bytes(),
        "tls.key": key.read_bytes(),
    }
    expect.check(
        expect.sorted_after(kubectl.ok("describe", "secret", "nginx-tls-secret"), "===="),
        f"""\
Name:         nginx-tls-secret
Namespace:    {kubectl.namespace}
Labels:       <none>
Annotations:  <none>

Type:  kubernetes.io/tls

Data
====
tls.crt:  {cert.stat().st_size} bytes
tls.key:  {key.stat().st_size} bytes
""",
    )


def test_a_pair_that_does_not_match(latest: Kubectl, certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    assert "failed to find any PEM data" in latest.fails(*create("a", Path("/dev/null"), cert))
    manifest = latest.ok(*create("a", key, cert), "--dry-run=client", "-ojson")
    secret = json.loads(manifest)
    secret["data"]["tls.key"] = "bm8ga2V5"
    created = latest("create", "-f", "-", stdin=json.dumps(secret))
    assert created.stdout == "secret/a created\n", str(created)
    assert created.stderr == "Warning: tls: failed to find any PEM data in key input\n"
    del secret["data"]["tls.key"]
    assert latest.fails("replace", "-f", "-", stdin=json.dumps(secret)) == (
        'The Secret "a" is invalid: data[tls.key]: Required value\n'
    )
