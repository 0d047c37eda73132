"""Who may read what, asked with stock kubectl."""

import json
import subprocess

import pytest

from strongroom.testing import cluster as clusters
from strongroom.testing.kubectl import Kubectl


@pytest.fixture
def account(kubectl: Kubectl) -> Kubectl:
    """A namespace with the account `app` and the Secret `db`."""
    kubectl.ok("create", "serviceaccount", "app")
    kubectl.ok("create", "secret", "generic", "db", "--from-literal=password=hunter2")
    return kubectl


def test_a_token_of_an_account_reads_what_its_role_allows_and_dies_with_it(account: Kubectl) -> None:
    token = account.ok("create", "token", "app", "--duration=15m").strip()
    name = f"system:serviceaccount:{account.namespace}:app"
    assert name in account.ok("auth", "whoami", f"--token={token}")
    assert account.fails("get", "secret", "db", f"--token={token}") == (
        f'Error from server (Forbidden): secrets "db" is forbidden: User "{name}" cannot get resource '
        f'"secrets" in API group "" in the namespace "{account.namespace}"\n'
    )
    account.ok("create", "role", "reader", "--verb=get", "--resource=secrets", "--resource-name=db")
    account.ok("create", "rolebinding", "b", "--role=reader", f"--serviceaccount={account.namespace}:app")
    assert "db" in account.ok("get", "secret", "db", f"--token={token}")
    assert "cannot list" in account.fails("get", "secrets", f"--token={token}")
    account.ok("delete", "serviceaccount", "app")
    assert "Unauthorized" in account.fails("get", "secret", "db", f"--token={token}")


def test_can_i(account: Kubectl) -> None:
    as_app = f"--as=system:serviceaccount:{account.namespace}:app"
    assert account.ok("auth", "can-i", "get", "secrets").strip() == "yes"
    asked = account("auth", "can-i", "get", "secrets", as_app)
    assert asked.stdout.strip() == "no"
    account.ok(
        "create", "rolebinding", "b", "--clusterrole=edit", f"--serviceaccount={account.namespace}:app"
    )
    assert account.ok("auth", "can-i", "get", "secrets", as_app).strip() == "yes"
    assert account.ok("auth", "can-i", "create", "pods/exec", as_app).strip() == "yes"
    assert "secrets" in account.ok("auth", "can-i", "--list", as_app)


def test_reconcile(account: Kubectl) -> None:
    role = {
        "kind": "Role",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "r", "namespace": account.namespace},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    }
    account.ok("auth", "reconcile", "-f", "-", stdin=json.dumps(role))
    role["rules"] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    account.ok("auth", "reconcile", "-f", "-", stdin=json.dumps(role))
    rules = json.loads(account.ok("get", "role", "r", "-ojson"))["rules"]
    assert sorted(verb for rule in rules for verb in rule["verbs"]) == ["get", "list"]


def test_every_read_of_a_secret_is_on_record_and_the_record_holds(
    account: Kubectl, cluster: clusters.Cluster
) -> None:
    account.ok("get", "secret", "db", "-oyaml")
    log = (cluster.data_dir / "audit" / "audit.log").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    reads = [
        event
        for event in events
        if event.get("objectRef", {}).get("namespace") == account.namespace
        and event["objectRef"].get("name") == "db"
        and event["verb"] == "get"
    ]
    assert [event["responseStatus"]["code"] for event in reads] == [200]
    assert "hunter2" not in log and "aHVudGVyMg" not in log
    command = [str(clusters.PROGRAM), "audit", "verify", str(cluster.data_dir / "audit" / "audit.log")]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert "lines as they were written; last hash" in verified.stdout
