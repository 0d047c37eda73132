"""Helm: releases of a chart with a ConfigMap, a Secret, a ServiceAccount and a Deployment."""

import json
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.api import API
from strongroom.testing.kubectl import Kubectl

TEMPLATES = {
    "account.yaml": """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
""",
    "settings.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  greeting: {{ .Values.greeting | quote }}
""",
    "secret.yaml": """
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
type: {{ .Values.type }}
stringData:
  password: {{ .Values.password | quote }}
""",
    "deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: {{ .Values.app }}}
  template:
    metadata:
      labels: {app: {{ .Values.app }}}
    spec:
      serviceAccountName: {{ .Release.Name }}
      terminationGracePeriodSeconds: 1
      containers:
        - name: c
          image: {{ .Values.image }}
          imagePullPolicy: IfNotPresent
          envFrom:
            - secretRef: {name: {{ .Release.Name }}}
""",
    "hook.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
data:
  revision: {{ .Release.Revision | quote }}
""",
    "test.yaml": """
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations:
    helm.sh/hook: test
spec:
  restartPolicy: Never
  containers:
    - name: c
      image: {{ .Values.image }}
      imagePullPolicy: IfNotPresent
      command: [sh, -c, echo password $password]
      envFrom:
        - secretRef: {name: {{ .Release.Name }}}
""",
    "NOTES.txt": "Connected to {{ .Capabilities.KubeVersion.Version }}.\n",
}
KINDS = ["Deployment", "ServiceAccount", "ConfigMap", "Secret"]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart's directory."""
    directory = tmp_path / "web"
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '7'\n")
    values = {"greeting": "hello", "password": "first", "type": "Opaque", "app": "web"}
    values |= {"replicas": 0, "image": "nginx:1.17.1"}
    (directory / "values.yaml").write_text(json.dumps(values))
    for name, text in TEMPLATES.items():
        (directory / "templates" / name).write_text(text)
    return directory


class Released:
    """What the API holds of a namespace's release `r`."""

    def __init__(self, api: API, namespace: str) -> None:
        self._api = api
        self._core = f"/api/v1/namespaces/{namespace}"
        self._paths = [
            f"/apis/apps/v1/namespaces/{namespace}/deployments/r",
            *(f"{self._core}/{kind}/r" for kind in ("serviceaccounts", "configmaps", "secrets")),
        ]

    def value(self, kind: str, key: str, name: str = "r") -> str:
        return str(self._api.ok("GET", f"{self._core}/{kind}/{name}")["data"][key])

    def there(self) -> list[bool]:
        return [self._api.request("GET", path).status == 200 for path in self._paths]

    def records(self) -> list[str]:
        """The names of the Secrets that Helm keeps its releases in."""
        found = self._api.ok("GET", f"{self._core}/secrets?fieldSelector=type%3Dhelm.sh/release.v1")
        return [record["metadata"]["name"] for record in found["items"]]


@pytest.fixture
def released(api: API, namespace: str) -> Released:
    return Released(api, namespace)


def history(helm: Kubectl) -> list[tuple[int, str]]:
    entries = json.loads(helm.ok("history", "r", "--output=json"))
    return [(entry["revision"], entry["status"]) for entry in entries]


def listed(helm: Kubectl, *flags: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(helm.ok("list", "--output=json", *flags))
    return found


def test_the_life_of_a_release(helm: Kubectl, chart: Path, released: Released, namespace: str) -> None:
    installed = helm.ok("install", "r", chart)
    assert "STATUS: deployed\nREVISION: 1\n" in installed
    assert "Connected to v1.36." in installed
    assert released.there() == [True] * 4
    assert released.records() == ["sh.helm.release.v1.r.v1"]
    assert released.value("secrets", "password") == "Zmlyc3Q="
    assert released.value("configmaps", "revision", "r-hook") == "1"

    (entry,) = listed(helm)
    assert (entry["name"], entry["namespace"], entry["status"]) == ("r", namespace, "deployed")
    assert (entry["revision"], entry["chart"], entry["app_version"]) == ("1", "web-1.0.0", "7")
    assert namespace in [release["namespace"] for release in listed(helm, "--all-namespaces")]
    assert json.loads(helm.ok("status", "r", "--output=json"))["info"]["status"] == "deployed"
    assert json.loads(helm.ok("get", "values", "r", "--all", "--output=json"))["greeting"] == "hello"
    manifest = helm.ok("get", "manifest", "r")
    assert all(f"\nkind: {kind}\n" in manifest for kind in KINDS)
    assert "r-hook" in helm.ok("get", "hooks", "r")

    assert "REVISION: 2\n" in helm.ok("upgrade", "r", chart, "--set", "password=second,greeting=bye")
    assert released.value("secrets", "password") == "c2Vjb25k"
    assert released.value("configmaps", "greeting") == "bye"
    assert released.value("configmaps", "revision", "r-hook") == "2"
    assert json.loads(helm.ok("get", "values", "r", "--output=json")) == {
        "greeting": "bye",
        "password": "second",
    }

    assert helm.ok("rollback", "r", "1").startswith("Rollback was a success!")
    assert released.value("secrets", "password") == "Zmlyc3Q="
    assert history(helm) == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    helm.ok("upgrade", "r", chart, "--history-max", "2")
    assert released.records() == ["sh.helm.release.v1.r.v3", "sh.helm.release.v1.r.v4"]

    assert helm.ok("uninstall", "r") == 'release "r" uninstalled\n'
    assert (released.there(), released.records(), listed(helm)) == ([False] * 4, [], [])
    assert "release: not found" in helm.fails("status", "r")


def test_nothing_is_stored_by_looking(helm: Kubectl, chart: Path, released: Released) -> None:
    assert "0 chart(s) failed" in helm.ok("lint", chart)
    assert "\nkind: Deployment\n" in helm.ok("template", "r", chart, "--validate")
    tried = helm.ok("install", "r", chart, "--dry-run=server")
    assert "STATUS: pending-install" in tried
    assert "Connected to v1.36." in tried
    assert (released.there(), released.records()) == ([False] * 4, [])


def test_an_install_that_the_server_refuses(helm: Kubectl, chart: Path, released: Released) -> None:
    refused = helm.fails("install", "r", chart, "--set", "type=kubernetes.io/tls")
    assert 'Secret "r" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]' in refused
    assert history(helm) == [(1, "failed")]
    assert [entry["status"] for entry in listed(helm, "--failed")] == ["failed"]
    helm.ok("upgrade", "--install", "r", chart, "--reset-values")
    assert history(helm)[-1] == (2, "deployed")
    assert released.there() == [True] * 4


def test_an_upgrade_that_the_server_refuses(helm: Kubectl, chart: Path, released: Released) -> None:
    helm.ok("install", "r", chart)
    refused = helm.fails("upgrade", "r", chart, "--set", "app=other,password=second")
    assert (
        'Deployment.apps "r" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: '
        "field is immutable" in refused
    )
    assert history(helm) == [(1, "deployed"), (2, "failed")]
    helm.ok("rollback", "r")
    assert history(helm) == [(1, "superseded"), (2, "failed"), (3, "deployed")]
    assert released.value("secrets", "password") == "Zmlyc3Q="


def test_the_charts_own_test(helm: Kubectl, chart: Path) -> None:
    helm.ok("install", "r", chart)
    tried = helm.ok("test", "r", "--logs", "--timeout", "40s")
    assert "Phase:          Succeeded" in tried
    assert "password first" in tried


def test_what_belongs_to_others_is_left_alone(helm: Kubectl, chart: Path, api: API, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    before = api.ok("POST", path, {"metadata": {"name": "r"}, "data": {"other": "mine"}})
    refused = helm.fails("install", "r", chart)
    assert f'ConfigMap "r" in namespace "{namespace}" exists and cannot be imported' in refused
    assert api.ok("GET", f"{path}/r") == before
    helm.ok("install", "r", chart, "--take-ownership")
    assert api.ok("GET", f"{path}/r")["data"]["greeting"] == "hello"
    helm.ok("uninstall", "r", "--keep-history")
    assert history(helm) == [(1, "uninstalled")]


def test_a_namespace_on_the_way(helm: Kubectl, chart: Path, api: API, namespace: str) -> None:
    other = f"{namespace}-other"
    try:
        helm.ok("install", "r", chart, "--namespace", other, "--create-namespace")
        assert api.ok("GET", f"/api/v1/namespaces/{other}/secrets/r")["type"] == "Opaque"
    finally:
        api.request("DELETE", f"/api/v1/namespaces/{other}")


def test_waiting_until_pods_are_ready(helm: Kubectl, chart: Path, api: API, namespace: str) -> None:
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    patient = ("--wait", "--timeout", "40s", "--set")
    helm.ok("install", "r", chart, *patient, "replicas=1")
    deployment = api.ok("GET", f"{apps}/deployments/r")
    assert deployment["status"]["availableReplicas"] == 1
    assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
    helm.ok("upgrade", "r", chart, *patient, "replicas=1,image=nginx:latest")
    deployment = api.ok("GET", f"{apps}/deployments/r")
    assert (deployment["status"]["updatedReplicas"], deployment["status"]["replicas"]) == (1, 1)
    assert len(api.ok("GET", f"{apps}/replicasets")["items"]) == 2
    refused = helm.fails(
        "upgrade", "r", chart, "--wait", "--timeout", "1s", "--set", "replicas=1,image=no.such/image:1"
    )
    assert "deadline" in refused
    assert history(helm)[-1] == (3, "failed")
    helm.ok("rollback", "r", "2", *patient[:-1])
    helm.ok("uninstall", "r", *patient[:-1])
    assert api.ok("GET", f"{apps}/deployments")["items"] == []
