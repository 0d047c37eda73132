"""What of a Pod may change."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.PODS]
FORBIDDEN = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
    "negative)\n"
)
# What a kube-apiserver 1.36.2 answers to the same changes.
GRACE = """\
@@ -68,7 +68,7 @@
  ],
  "EphemeralContainers": null,
  "RestartPolicy": "Always",
- "TerminationGracePeriodSeconds": 30,
+ "TerminationGracePeriodSeconds": 5,
  "ActiveDeadlineSeconds": null,
  "DNSPolicy": "ClusterFirst",
  "NodeSelector": null,
"""
SELECTOR = """\
@@ -71,12 +71,14 @@
  "TerminationGracePeriodSeconds": 30,
  "ActiveDeadlineSeconds": null,
  "DNSPolicy": "ClusterFirst",
- "NodeSelector": null,
+ "NodeSelector": {
+  "a": "b"
+ },
  "ServiceAccountName": "default",
  "AutomountServiceAccountToken": false,
  "NodeName": "",
  "SecurityContext": {
-  "HostNetwork": false,
+  "HostNetwork": true,
   "HostPID": false,
   "HostIPC": false,
   "ShareProcessNamespace": null,
"""
VOLUME = """\
@@ -3,14 +3,16 @@
   {
    "Name": "v",
    "HostPath": null,
-   "EmptyDir": {
-    "Medium": "",
-    "SizeLimit": null
-   },
+   "EmptyDir": null,
    "GCEPersistentDisk": null,
    "AWSElasticBlockStore": null,
    "GitRepo": null,
-   "Secret": null,
+   "Secret": {
+    "SecretName": "s",
+    "Items": null,
+    "DefaultMode": 420,
+    "Optional": null
+   },
    "NFS": null,
    "ISCSI": null,
    "Glusterfs": null,
"""
COMMAND = """\
@@ -37,7 +37,9 @@
   {
    "Name": "c",
    "Image": "i:1",
-   "Command": null,
+   "Command": [
+    "\\u003cx\\u003e\\u0026"
+   ],
    "Args": null,
    "WorkingDir": "",
    "Ports": null,
"""
DEADLINE = "spec.activeDeadlineSeconds"
Spec = dict[str, Any]


def make(**spec: Any) -> dict[str, Any]:
    base = {"containers": [{"name": "c", "image": "i:1"}], "initContainers": [{"name": "i", "image": "i:1"}]}
    pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {**base, **spec}}
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    return pod


def changed(change: Callable[[Spec], object], **spec: Any) -> list[str]:
    old = make(**spec)
    new = copy.deepcopy(old)
    change(new["spec"])
    return [str(error) for error in STRATEGY.validate_update(new, old)]


def put(field: str, value: Any) -> Callable[[Spec], object]:
    return lambda spec: spec.update({field: value})


def in_container(field: str, value: Any) -> Callable[[Spec], object]:
    return lambda spec: spec["containers"][0].update({field: value})


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({}, lambda spec: None),
        ({}, in_container("image", "i:2")),
        ({}, lambda spec: spec["initContainers"][0].update(image="i:2")),
        ({}, put("activeDeadlineSeconds", 5)),
        ({"activeDeadlineSeconds": 5}, put("activeDeadlineSeconds", 4)),
        ({}, lambda spec: spec["tolerations"].append({"key": "a", "operator": "Exists"})),
        ({}, lambda spec: spec["tolerations"][0].update(tolerationSeconds=5)),
        ({"terminationGracePeriodSeconds": -5}, put("terminationGracePeriodSeconds", 1)),
        ({"schedulingGates": [{"name": "a/b"}]}, put("schedulingGates", [])),
        ({"schedulingGates": [{"name": "a/b"}]}, put("nodeSelector", {"a": "b"})),
        ({}, in_container("args", [])),
    ],
)
def test_allowed(before: Spec, change: Callable[[Spec], object]) -> None:
    assert changed(change, **before) == []


@pytest.mark.parametrize(
    ("before", "change", "expected"),
    [
        ({}, put("terminationGracePeriodSeconds", 5), [FORBIDDEN + GRACE]),
        ({"automountServiceAccountToken": False},
         lambda spec: spec.update(hostNetwork=True, nodeSelector={"a": "b"}), [FORBIDDEN + SELECTOR]),
        ({}, in_container("command", ["<x>&"]), [FORBIDDEN + COMMAND]),
        ({"volumes": [{"name": "v", "emptyDir": {}}]},
         put("volumes", [{"name": "v", "secret": {"secretName": "s", "defaultMode": 420}}]),
         [FORBIDDEN + VOLUME]),
        ({}, lambda spec: spec["containers"].append({**spec["containers"][0], "name": "d"}),
         ["spec.containers: Forbidden: pod updates may not add or remove containers"]),
        ({}, put("initContainers", []),
         ["spec.initContainers: Forbidden: pod updates may not add or remove containers"]),
        ({"activeDeadlineSeconds": 5}, put("activeDeadlineSeconds", 6),
         [f"{DEADLINE}: Invalid value: 6: must be less than or equal to previous value"]),
        ({"activeDeadlineSeconds": 5}, lambda spec: spec.pop("activeDeadlineSeconds"),
         [f"{DEADLINE}: Invalid value: null: must not update from a positive integer to nil value"]),
        ({}, put("tolerations", []),
         ["spec.tolerations: Forbidden: existing toleration can not be modified except its "
          "tolerationSeconds"]),
        ({"schedulingGates": [{"name": "a/b"}]}, put("schedulingGates", [{"name": "a/b"}, {"name": "a/c"}]),
         ["spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate "
          "'a/c'"]),
    ],
)  # fmt: skip
def test_refused(before: Spec, change: Callable[[Spec], object], expected: list[str]) -> None:
    assert changed(change, **before) == expected


def test_the_new_spec_must_be_valid_by_itself() -> None:
    # Upstream looks at images twice.
    assert changed(in_container("image", "")) == ["spec.containers[0].image: Required value"] * 2
    text = 'spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'
    assert changed(in_container("image", " i")) == [text] * 2
