"""What kubectl learns of the API: resources, versions, the schema in its old form, who one is."""

import re
from typing import Final

import pytest
import yaml

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl

ALL: Final = "create,delete,deletecollection,get,list,patch,update,watch"
RESOURCES: Final = f"""\
NAME                        SHORTNAMES   APIVERSION                     NAMESPACED   KIND                       VERBS   CATEGORIES
configmaps                  cm           v1                             true         ConfigMap                  {ALL}
endpoints                   ep           v1                             true         Endpoints                  {ALL}
events                      ev           v1                             true         Event                      {ALL}
namespaces                  ns           v1                             false        Namespace                  create,delete,get,list,patch,update,watch
nodes                       no           v1                             false        Node                       {ALL}
pods                        po           v1                             true         Pod                        {ALL}   all
resourcequotas              quota        v1                             true         ResourceQuota              {ALL}
secrets                                  v1                             true         Secret                     {ALL}
serviceaccounts             sa           v1                             true         ServiceAccount             {ALL}
services                    svc          v1                             true         Service                    {ALL}   all
deployments                 deploy       apps/v1                        true         Deployment                 {ALL}   all
replicasets                 rs           apps/v1                        true         ReplicaSet                 {ALL}   all
selfsubjectreviews                       authentication.k8s.io/v1       false        SelfSubjectReview          create
tokenreviews                             authentication.k8s.io/v1       false        TokenReview                create
localsubjectaccessreviews                authorization.k8s.io/v1        true         LocalSubjectAccessReview   create
selfsubjectaccessreviews                 authorization.k8s.io/v1        false        SelfSubjectAccessReview    create
selfsubjectrulesreviews                  authorization.k8s.io/v1        false        SelfSubjectRulesReview     create
subjectaccessreviews                     authorization.k8s.io/v1        false        SubjectAccessReview        create
cronjobs                    cj           batch/v1                       true         CronJob                    {ALL}   all
jobs                                     batch/v1                       true         Job                        {ALL}   all
leases                                   coordination.k8s.io/v1         true         Lease                      {ALL}
secretdeliveries                         delivery.strongroom.dev/v1     true         SecretDelivery             {ALL}
endpointslices                           discovery.k8s.io/v1            true         EndpointSlice              {ALL}
events                      ev           events.k8s.io/v1               true         Event                      {ALL}
clusterrolebindings                      rbac.authorization.k8s.io/v1   false        ClusterRoleBinding         {ALL}
clusterroles                             rbac.authorization.k8s.io/v1   false        ClusterRole                {ALL}
rolebindings                             rbac.authorization.k8s.io/v1   true         RoleBinding                {ALL}
roles                                    rbac.authorization.k8s.io/v1   true         Role                       {ALL}
priorityclasses             pc           scheduling.k8s.io/v1           false        PriorityClass              {ALL}
"""  # noqa: E501
VERSIONS: Final = """\
apps/v1
authentication.k8s.io/v1
authorization.k8s.io/v1
batch/v1
coordination.k8s.io/v1
delivery.strongroom.dev/v1
discovery.k8s.io/v1
events.k8s.io/v1
rbac.authorization.k8s.io/v1
scheduling.k8s.io/v1
v1
"""


def test_resources(kubectl: Kubectl) -> None:
    expect.check(kubectl.ok("api-resources", "-owide"), RESOURCES)
    assert kubectl.ok("api-versions") == VERSIONS


def test_resources_that_are_chosen(latest: Kubectl) -> None:
    def chosen(*flags: str) -> list[str]:
        return latest.ok("api-resources", "-oname", *flags).split()

    assert chosen("--namespaced=false", "--verbs=list") == [
        "namespaces",
        "nodes",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "priorityclasses.scheduling.k8s.io",
    ]
    assert chosen("--categories=all") == [
        "pods",
        "services",
        "deployments.apps",
        "replicasets.apps",
        "cronjobs.batch",
        "jobs.batch",
    ]
    assert chosen("--api-group=apps") == ["deployments.apps", "replicasets.apps"]
    assert "tokenreviews.authentication.k8s.io" not in chosen("--verbs=get,list")


def test_every_name_of_a_resource_leads_to_it(latest: Kubectl) -> None:
    for name in ("Secret", "secrets.v1.", "deploy", "deployments.v1.apps"):
        assert latest("get", name, "-oname").code == 0, name


def test_the_schema_in_its_old_form(kubectl: Kubectl) -> None:
    shown = kubectl.ok("explain", "secret", "--output=plaintext-openapiv2")
    assert shown.startswith("KIND:     Secret\nVERSION:  v1\n\nDESCRIPTION:\n")
    fields = re.findall(r"^   (\w+)\t<(.*)>", shown, re.MULTILINE)
    assert fields == [
        ("apiVersion", "string"),
        ("data", "map[string]string"),
        ("immutable", "boolean"),
        ("kind", "string"),
        ("metadata", "Object"),
        ("stringData", "map[string]string"),
        ("type", "string"),
    ]
    field = kubectl.ok("explain", "deployment.spec.strategy.type", "--output=plaintext-openapiv2")
    assert field.startswith("KIND:     Deployment\nVERSION:  apps/v1\n\nFIELD:    type <string>\n")
    whole = kubectl.ok("explain", "pod", "--recursive", "--output=plaintext-openapiv2")
    assert re.search(r"secretKeyRef\t<Object>\n *key\t<string>", whole)
    assert "limits\t<map[string]string>" in whole


@pytest.mark.parametrize(
    ("name", "kind", "version"),
    [
        ("leases", "Lease", "coordination.k8s.io/v1"),
        ("endpointslices", "EndpointSlice", "discovery.k8s.io/v1"),
        ("events", "Event", "events.k8s.io/v1"),
        ("events", "Event", "v1"),
        ("subjectaccessreviews", "SubjectAccessReview", "authorization.k8s.io/v1"),
    ],
)
def test_kinds_of_other_groups_are_explained(latest: Kubectl, name: str, kind: str, version: str) -> None:
    group = version.rpartition("/")[0]
    shown = latest.ok("explain", name, f"--api-version={version}").split("\n\n")[0].split()
    assert shown == [*(["GROUP:", group] if group else []), "KIND:", kind, "VERSION:", "v1"]


def test_cluster_info(kubectl: Kubectl) -> None:
    url = yaml.safe_load(kubectl.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    shown = re.sub(r"\x1b\[[0-9;]*m", "", kubectl.ok("cluster-info"))
    assert shown.splitlines()[0] == f"Kubernetes control plane is running at {url}"


def test_who_one_is_and_what_one_may(kubectl: Kubectl) -> None:
    lines = kubectl.ok("auth", "whoami").splitlines()
    assert lines[0].split() == ["ATTRIBUTE", "VALUE"]
    assert "Groups" in lines[2] and "system:authenticated" in lines[2]
    other = ("--as=jane", "--as-group=team", "--as-group=system:authenticated")
    expect.check(
        kubectl.ok("auth", "whoami", *other),
        "ATTRIBUTE  VALUE\nUsername  jane\nGroups  [team system:authenticated]\n",
    )
    kubectl.ok("create", "rolebinding", "b", "--clusterrole=view", "--group=team")
    asked = {
        ("get", "pods"): "yes",
        ("get", "secrets"): "no",
        ("list", "deployments.apps"): "yes",
        ("delete", "pods"): "no",
        ("get", "pods", "--subresource=log"): "yes",
        ("create", "pods/exec"): "no",
        ("get", "/healthz"): "yes",
        ("list", "pods", "-A"): "no",
    }
    answers = {question: kubectl("auth", "can-i", *question, *other).stdout.strip() for question in asked}
    assert answers == asked
    quiet = kubectl("auth", "can-i", "get", "secrets", "--quiet", *other)
    assert (quiet.code, quiet.stdout) == (1, "")
    listed = [line.split() for line in kubectl.ok("auth", "can-i", "--list", *other).splitlines()]
    assert listed[0][:1] == ["Resources"]
    assert ["pods", "[]", "[]", "[get", "list", "watch]"] in listed
    assert not [line for line in listed if line[0] == "secrets"]
