"""Scene 10: credentials of a registry, from flags, from a manifest and from a file."""

import base64
import json
from pathlib import Path

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

TYPE = "kubernetes.io/dockerconfigjson"
JSONPATH = "--output=jsonpath={.data.\\.dockerconfigjson}"


def config_of(kubectl: Kubectl, name: str) -> object:
    return json.loads(base64.b64decode(kubectl.ok("get", "secret", name, JSONPATH)))


def test_from_flags(kubectl: Kubectl) -> None:
    flags = ("--docker-username=admin", "--docker-password=admin@123")
    created = kubectl.ok("create", "secret", "docker-registry", "local-registry", *flags)
    assert created == "secret/local-registry created\n"
    auth = base64.b64encode(b"admin:admin@123").decode()
    entry = {"username": "admin", "password": "admin@123", "auth": auth}
    assert config_of(kubectl, "local-registry") == {"auths": {"https://index.docker.io/v1/": entry}}
    expect.check(
        kubectl.ok("describe", "secret", "local-registry"),
        f"""\
Name:         local-registry
Namespace:    {kubectl.namespace}
Labels:       <none>
Annotations:  <none>

Type:  kubernetes.io/dockerconfigjson

Data
====
.dockerconfigjson:  115 bytes
""",
    )


def test_with_a_server_and_an_address(latest: Kubectl) -> None:
    latest.ok(
        "create",
        "secret",
        "docker-registry",
        "regcred",
        "--docker-server=hub.example",
        "--docker-username=janedoe",
        "--docker-password=xxx",
        "--docker-email=jdoe@example.com",
    )
    entry = {
        "username": "janedoe",
        "password": "xxx",
        "email": "jdoe@example.com",
        "auth": base64.b64encode(b"janedoe:xxx").decode(),
    }
    assert config_of(latest, "regcred") == {"auths": {"hub.example": entry}}


def test_from_a_manifest(kubectl: Kubectl) -> None:
    config = {"auths": {"hub.example": {"auth": "YTpi"}}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "myregistrykey"},
        "type": TYPE,
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()},
    }
    assert kubectl.ok("apply", "-f", "-", stdin=manifests.text(secret)) == "secret/myregistrykey created\n"
    assert config_of(kubectl, "myregistrykey") == config
    secret["metadata"] = {"name": "broken"}
    secret["data"] = {".dockerconfigjson": base64.b64encode(b"{").decode()}
    assert kubectl.fails("apply", "-f", "-", stdin=manifests.text(secret)) == (
        'The Secret "broken" is invalid: data[.dockerconfigjson]: Invalid value: '
        '"<secret contents redacted>": unexpected end of JSON input\n'
    )


def test_from_the_configuration_of_docker(kubectl: Kubectl, tmp_path: Path) -> None:
    folder = tmp_path / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text('{"auths":{"hub.example":{"auth":"YTpi"}},"credsStore":""}')
    source = "--from-file=.dockerconfigjson=.docker/config.json"
    kubectl.ok("create", "secret", "generic", "regcred", source, f"--type={TYPE}", cwd=tmp_path)
    assert config_of(kubectl, "regcred") == json.loads((folder / "config.json").read_text())
    expect.check(
        kubectl.ok("get", "secret", "regcred"),
        "NAME  TYPE  DATA  AGE\nregcred  kubernetes.io/dockerconfigjson  1  <age>\n",
    )
