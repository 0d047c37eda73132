"""A Secret of type service-account-token: filled, shown, good for the API, gone with its account."""

import base64
import json

from strongroom.testing.kubectl import Kubectl

SECRET = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {"name": "app-token", "annotations": {"kubernetes.io/service-account.name": "app"}},
    "type": "kubernetes.io/service-account-token",
}


def test_it_lives_with_its_account(kubectl: Kubectl) -> None:
    kubectl.ok("create", "serviceaccount", "app")
    kubectl.ok("create", "-f", "-", stdin=json.dumps(SECRET))
    kubectl.ok("wait", "secret/app-token", "--for=jsonpath={.data.token}", "--timeout=20s")
    shown = kubectl.ok("describe", "secret", "app-token")
    assert "Type:  kubernetes.io/service-account-token" in shown
    assert f"namespace:  {len(kubectl.namespace)} bytes" in shown
    described = kubectl.ok("describe", "serviceaccount", "app")
    if "1.32" in str(kubectl.binary):  # newer versions do not list tokens
        assert "Tokens:              app-token" in described
    encoded = kubectl.ok("get", "secret", "app-token", "-o", "jsonpath={.data.token}")
    token = base64.b64decode(encoded).decode()
    who = kubectl.ok("auth", "whoami", "--token", token, "-o", "jsonpath={.status.userInfo.username}")
    assert who == f"system:serviceaccount:{kubectl.namespace}:app"
    label = "{.metadata.labels.kubernetes\\.io/legacy-token-last-used}"
    kubectl.ok("wait", "secret/app-token", f"--for=jsonpath={label}", "--timeout=20s")
    kubectl.ok("delete", "serviceaccount", "app")
    kubectl.ok("wait", "--for=delete", "secret/app-token", "--timeout=20s")
    assert "Unauthorized" in kubectl("auth", "whoami", "--token", token).stderr
