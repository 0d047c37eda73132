"""People as users of a real server, with stock kubectl: a static token, and ID tokens of an issuer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.e2e.conftest import CURRENT

from strongroom.testing import expect
from strongroom.testing.cluster import Cluster, StartFailed
from strongroom.testing.kubectl import Kubectl, Result
from strongroom.testing.oidc_issuer import CLIENT, Issuer

Make = Callable[..., Cluster]

CONFIG = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: {url}
    audiences: [{client}]
    certificateAuthority: {ca}
  claimMappings:
    username: {{claim: sub, prefix: "oidc:"}}
    groups: {{claim: groups, prefix: "oidc:"}}
"""
STATIC = "a-static-token-that-nobody-may-see"


def as_user(kubectl: Kubectl, token: str, *arguments: str) -> Result:
    """kubectl with this token and no other credential, as a user would have it in the kubeconfig."""
    config = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = kubectl.kubeconfig.with_name("user.kubeconfig")
    path.write_text(yaml.safe_dump(config))
    return kubectl(*arguments, "--kubeconfig", path)


def test_people_are_users_whom_roles_are_for_and_an_issuer_that_is_down_stops_nobody(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "tokens.csv").write_text(f'{STATIC},bob,uid-7,"ops,dev"\n')
    (tmp_path / "tokens.csv").chmod(0o600)
    with Issuer(tmp_path) as issuer:
        config = CONFIG.format(url=issuer.url, client=CLIENT, ca=json.dumps(issuer.ca))
        (tmp_path / "authentication.yaml").write_text(config)
        issuer.stop()
        audit = tmp_path / "audit.log"
        cluster = make(
            node=False,
            flags=[
                *("--token-auth-file", str(tmp_path / "tokens.csv")),
                *("--authentication-config", str(tmp_path / "authentication.yaml")),
                *("--audit-log-path", str(audit)),
            ],
        )
        cluster.start()
        kubectl = cluster.kubectl(CURRENT)
        whoami = json.loads(as_user(kubectl, STATIC, "auth", "whoami", "-o", "json").stdout)
        assert whoami["status"]["userInfo"] == {
            "username": "bob",
            "uid": "uid-7",
            "groups": ["ops", "dev", "system:authenticated"],
        }
        token = issuer.token(groups=["dev"])
        refused = as_user(kubectl, token, "get", "secrets")
        assert refused.code == 1 and "You must be logged in" in refused.stderr, str(refused)

        issuer.start()
        expect.until(
            lambda: as_user(kubectl, token, "auth", "whoami").code == 0, timeout=40, what="the issuer's keys"
        )
        forbidden = as_user(kubectl, token, "get", "secrets")
        assert 'User "oidc:ann" cannot list resource "secrets"' in forbidden.stderr, str(forbidden)
        kubectl.ok("create", "rolebinding", "dev", "--clusterrole=edit", "--group=oidc:dev")
        kubectl.ok("create", "secret", "generic", "s", "--from-literal=k=v")
        assert "s " in as_user(kubectl, token, "get", "secrets").stdout
        assert as_user(kubectl, issuer.token(), "get", "secrets").code == 1
        assert as_user(kubectl, token[:-3], "get", "secrets").code == 1

        assert cluster.stop() == 0
        log = audit.read_text()
        assert '"username":"oidc:ann"' in log and '"username":"bob"' in log and '"code":401' in log
        for secret in (STATIC, token):
            assert secret not in log + cluster.output.read_text()

        (tmp_path / "tokens.csv").write_text(f"{STATIC},bob\n")
        with pytest.raises(StartFailed) as failed:
            cluster.start()
        lines = str(failed.value).splitlines()
        assert lines[0].startswith("exited with 1") and "must have at least 3 columns" in lines[-1]
        assert STATIC not in str(failed.value)
