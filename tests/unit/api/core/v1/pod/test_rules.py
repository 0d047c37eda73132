"""The rarer rules of a Pod, with Kubernetes' exact words; several broken ones are told at once."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.apps.v1 import deployment
from strongroom.api.core.v1.pod.strategy import PodStrategy
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names
from strongroom.machinery.gvk import Object

STRATEGY = STRATEGIES[resources.PODS]
C = "spec.containers[0]"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
IMAGE = {"name": "img", "image": {"reference": "i:1"}}
CLAIM = {"name": "pvc", "persistentVolumeClaim": {"claimName": "c"}}
EMPTY = {"name": "e"}


def make(spec: Object | None = None, annotations: dict[str, str] | None = None, **container: Any) -> Object:
    pod: Object = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "p", "namespace": "n", "annotations": annotations or {}},
        "spec": {"containers": [{"name": "c", "image": "i", **container}], **(spec or {})},
    }
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    return pod


def errors(spec: Object | None = None, annotations: dict[str, str] | None = None, **more: Any) -> list[str]:
    return [str(error) for error in STRATEGY.validate(make(spec, annotations, **more))]


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"volumeMounts": [{"name": "img", "mountPath": "/a", "subPath": "x", "subPathExpr": "y"}]},
         [f'{C}.volumeMounts[0].subPathExpr: Invalid value: "y": subPathExpr and subPath are mutually '
          "exclusive"]),
        ({"volumeMounts": [{"name": "pvc", "mountPath": "/a"}],
          "volumeDevices": [{"name": "pvc", "devicePath": "/a"}]},
         [f'{C}.volumeMounts[0].name: Invalid value: "pvc": must not already exist in volumeDevices',
          f'{C}.volumeMounts[0].mountPath: Invalid value: "/a": must not already exist as a path in '
          "volumeDevices",
          f'{C}.volumeDevices[0].name: Invalid value: "pvc": must not already exist in volumeMounts',
          f'{C}.volumeDevices[0].devicePath: Invalid value: "/a": must not already exist as a path in '
          "volumeMounts"]),
        ({"volumeDevices": [{"name": "pvc", "devicePath": "/d"}]}, []),
        ({"volumeDevices": [{}]},
         [f"{C}.volumeDevices[0].name: Required value",
          f'{C}.volumeDevices[0].name: Not found: ""',
          f"{C}.volumeDevices[0].devicePath: Required value"]),
        ({"volumeDevices": [{"name": "e", "devicePath": "/../d"}]},
         [f'{C}.volumeDevices[0].name: Invalid value: "e": can only use volume source type of '
          "PersistentVolumeClaim or Ephemeral for block mode",
          f'{C}.volumeDevices[0].devicePath: Invalid value: "/../d": can not contain backsteps (\'..\')']),
        ({"volumeDevices": [{"name": "pvc", "devicePath": "/d"}, {"name": "pvc", "devicePath": "/d"}]},
         [f'{C}.volumeDevices[1].name: Invalid value: "pvc": must be unique',
          f'{C}.volumeDevices[1].devicePath: Invalid value: "/d": must be unique']),
        ({"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]}, []),
        ({"resizePolicy": [{"resourceName": "disk", "restartPolicy": "X"}, {"resourceName": "disk"}]},
         [f'{C}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
          f'{C}.resizePolicy: Unsupported value: "X": supported values: "NotRequired", "RestartContainer"',
          f'{C}.resizePolicy[1]: Duplicate value: "disk"',
          f'{C}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
          f"{C}.resizePolicy: Required value"]),
        ({"resources": {"requests": {"pods": "1"}}},
         [f'{C}.resources.requests[pods]: Invalid value: "pods": must be a standard resource for containers'
          ]),
        ({"resources": {"requests": {"requests.a.b/x": "1"}, "limits": {"requests.a.b/x": "1"}}},
         [f'{C}.resources.{field}[requests.a.b/x]: Invalid value: "requests.a.b/x": doesn\'t follow extended '
          "resource name standard" for field in ("limits", "requests")]),
        ({"resources": {"limits": {"hugepages-2Mi": "3Mi"}}},
         [*(f'{C}.resources.{field}[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer '
            "multiple of hugepages-2Mi" for field in ("limits", "requests")),
          f"{C}.resources: Forbidden: HugePages require cpu or memory"]),
        ({"resources": {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}}, []),
        ({"image": " i "},
         [f'{C}.image: Invalid value: " i ": must not have leading or trailing whitespace']),
        ({"securityContext": {"procMount": "Unmasked"}},
         [f'{C}.securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use '
          "`Unmasked`"]),
        ({"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, []),
        ({"securityContext": {"appArmorProfile": {}}},
         [f"{C}.securityContext.appArmorProfile.type: Required value: type is required when appArmorProfile "
          "is set"]),
        ({"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": " p"}}},
         [f'{C}.securityContext.appArmorProfile.localhostProfile: Invalid value: " p": must not be padded '
          "with whitespace"]),
        ({"securityContext": {"appArmorProfile": {"type": "X"}}},
         [f'{C}.securityContext.appArmorProfile.type: Unsupported value: "X": supported values: "Localhost", '
          '"RuntimeDefault", "Unconfined"']),
        ({"securityContext": {"appArmorProfile": {"type": "Unconfined", "localhostProfile": "p"}}},
         [f'{C}.securityContext.appArmorProfile.localhostProfile: Invalid value: "p": can only be set when '
          "AppArmor type is Localhost"]),
        ({"env": [{"name": "E", "valueFrom": {"resourceFieldRef": {
            "resource": "limits.ephemeral-storage", "divisor": "3"}}}]},
         [f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.ephemeral-storage": only '
          "divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the "
          "local ephemeral storage resource"]),
    ],
)  # fmt: skip
def test_containers(container: Object, expected: list[str]) -> None:
    assert errors({"volumes": [IMAGE, CLAIM, EMPTY]}, **container) == expected


def _node(expression: Object, *, field: str = "matchExpressions", preferred: bool = False) -> Object:
    term = {field: [expression]}
    if preferred:
        return {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 1, "preference": term}]}}}
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}}


def _pod(**term: Any) -> Object:
    return {"affinity": {"podAffinity": {REQUIRED: [{"topologyKey": "k", **term}]}}}


def _spread(*constraints: Object) -> Object:
    basic = {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}
    return {"topologySpreadConstraints": [{**basic, **each} for each in constraints]}


TERM = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]"
POD = f"spec.affinity.podAffinity.{REQUIRED}[0]"
SPREAD = "spec.topologySpreadConstraints"
LABEL = names.label_value("-")[0]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (_node({"key": "a", "operator": "In", "values": ["-"]}),
         [f'{TERM}.matchExpressions[0].values[0]: Invalid value: "-": {LABEL}']),
        (_node({"key": "a", "operator": "In", "values": ["-"]}, preferred=True), []),
        (_node({"key": "metadata.name", "operator": "In", "values": ["n1"]}, field="matchFields"), []),
        (_node({"key": "spec.x", "operator": "Exists"}, field="matchFields"),
         [f'{TERM}.matchFields[0].operator: Invalid value: "Exists": not a valid selector operator',
          f'{TERM}.matchFields[0].key: Invalid value: "spec.x": not a valid field selector key']),
        (_node({"key": "metadata.name", "operator": "In", "values": ["a", "B"]}, field="matchFields"),
         [f"{TERM}.matchFields[0].values: Required value: must be only one value when `operator` is 'In' or "
          "'NotIn' for node field selector",
          f'{TERM}.matchFields[0].values[1]: Invalid value: "B": {names.dns1123_subdomain("B")[0]}']),
        (_pod(labelSelector={"matchExpressions": [{"key": "a", "operator": "X"}]},
              namespaceSelector={"matchLabels": {"a": "-"}}, namespaces=["A"]),
         [f'{POD}.labelSelector.matchExpressions[0].operator: Invalid value: "X": not a valid selector '
          "operator",
          f'{POD}.namespaceSelector.matchLabels: Invalid value: "-": {LABEL}',
          f'{POD}.namespace: Invalid value: "A": {names.dns1123_label("A")[0]}']),
        (_pod(matchLabelKeys=["a"]),
         [f"{POD}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"]),
        (_pod(labelSelector={}, matchLabelKeys=["a"], mismatchLabelKeys=["a"]),
         [f'{POD}.matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and '
          "mismatchLabelKeys"]),
        (_spread({}, {}),
         [f'{SPREAD}[0].{{topologyKey, whenUnsatisfiable}}: Duplicate value: "{{k, DoNotSchedule}}"']),
        (_spread({"minDomains": 0, "whenUnsatisfiable": "ScheduleAnyway"}),
         [f"{SPREAD}[0].minDomains: Invalid value: 0: must be greater than zero",
          f"{SPREAD}[0].minDomains: Invalid value: 0: can only use minDomains if "
          "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"]),
        (_spread({"nodeAffinityPolicy": "X", "matchLabelKeys": ["a"]}),
         [f'{SPREAD}[0].nodeAffinityPolicy: Unsupported value: "X": supported values: "Honor", "Ignore"',
          f"{SPREAD}[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"]),
        (_spread({"labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["a"]}),
         [f'{SPREAD}[0].matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and '
          "labelSelector"]),
        ({"dnsConfig": {"searches": [".", "ok.example.", "_srv.x", "Bad"]}},
         [f'spec.dnsConfig.searches[3]: Invalid value: "Bad": '
          f'{names.dns1123_subdomain_with_underscore("Bad")[0]}']),
        ({"os": {"name": "linux"}}, []),
        ({"os": {"name": "plan9"}},
         ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']),
        ({"overhead": {"cpu": "-1"}},
         ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"hostNetwork": True, "securityContext": {"sysctls": [{"name": "net.core.somaxconn"}]}},
         ['spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": may not be specified '
          "when 'hostNetwork' is true"]),
        ({"securityContext": {"seLinuxChangePolicy": "X"}},
         ['spec.securityContext.seLinuxChangePolicy: Unsupported value: "X": supported values: '
          '"Recursive"']),
        ({"hostUsers": False, "hostIPC": True, "nodeName": "N"},
         ["spec.HostIPC: Forbidden: when `hostUsers` is false",
          f'spec.nodeName: Invalid value: "N": {names.dns1123_subdomain("N")[0]}']),
        ({"nodeName": "n", "schedulingGates": [{"name": "g"}]},
         ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]),
    ],
)  # fmt: skip
def test_specs(spec: Object, expected: list[str]) -> None:
    assert errors(spec) == expected


def test_too_many_search_paths() -> None:
    found = errors({"dnsConfig": {"searches": ["a"] * 33}})
    assert [error.rpartition("]: ")[2] for error in found] == ["must not have more than 32 search paths"]
    (long,) = errors({"dnsConfig": {"searches": ["a" * 250] * 9}})
    assert long.endswith("must not have more than 2048 characters (including spaces) in the search list")


MIRROR, COST = "kubernetes.io/config.mirror", "controller.kubernetes.io/pod-deletion-cost"


def test_annotations() -> None:
    assert errors({"nodeName": "n"}, {MIRROR: "x", COST: "-5"}) == []
    assert errors(None, {MIRROR: "x"}) == [
        f'metadata.annotations[{MIRROR}]: Invalid value: "x": must set spec.nodeName if mirror pod '
        "annotation is set"
    ]
    for cost in ("+5", "05", "a", str(2**31)):
        assert errors(None, {COST: cost}) == [
            f'metadata.annotations[{COST}]: Invalid value: "{cost}": must be a 32bit integer'
        ]


def test_mirror_pods_have_no_token() -> None:
    volumes = [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]
    assert errors({"nodeName": "n", "volumes": volumes}, {MIRROR: "x"}) == [
        "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when "
        "serviceAccountName is not set"
    ]


def test_a_template_may_leave_to_its_pods_what_they_get_by_default() -> None:
    labels = {"app": "a"}
    container = {
        "name": "c",
        "image": " ",
        "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 82}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"hostNetwork": True, "containers": [container]}}
    obj = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "d", "namespace": "n"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    strategy = deployment.DeploymentStrategy()
    strategy.convert(obj)
    strategy.default(obj)
    assert [str(error) for error in strategy.validate(obj)] == [
        "spec.template.spec.containers[0].ports[1].hostPort: Invalid value: 82: must match `containerPort` "
        "when `hostNetwork` is true"
    ]


# ---- updates ----


def updated(new: Object, old: Object) -> list[str]:
    return [str(error) for error in STRATEGY.validate_update(new, old)]


def test_mirror_annotation_stays() -> None:
    plain, mirror = make({"nodeName": "n"}), make({"nodeName": "n"}, {MIRROR: "x"})
    mirror["spec"] = plain["spec"]
    at = f"metadata.annotations[{MIRROR}]: Forbidden: may not"
    assert updated(mirror, plain) == [f"{at} add mirror pod annotation"]
    assert updated(plain, mirror) == [f"{at} remove or update mirror pod annotation"]


GATES = {"schedulingGates": [{"name": "g"}]}
TERMS = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
A, B = ({"key": key, "operator": "Exists"} for key in "ab")


def _choosing(*terms: Object) -> Object:
    return {**GATES, "affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (GATES, {**GATES, "nodeSelector": {"a": "b"}}, []),
        (GATES, _choosing({"matchExpressions": [A]}), []),
        (_choosing({"matchExpressions": [A]}), _choosing({"matchExpressions": [A, B]}), []),
        (_choosing({"matchExpressions": [A]}), _choosing({"matchExpressions": [B]}),
         [f'{TERMS}[0]: Invalid value: {{"matchExpressions":[{{"key":"b","operator":"Exists"}}]}}: only '
          "additions are allowed (no mutations or deletions)"]),
        (_choosing({"matchExpressions": [A]}), GATES,
         [f"{TERMS}: Invalid value: []: no additions/deletions to non-empty NodeSelectorTerms list are "
          "allowed"]),
        ({**GATES, "nodeSelector": {"a": "b"}}, {**GATES, "nodeSelector": {"a": "c"}},
         ['spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no '
          "mutations or deletions)"]),
    ],
)  # fmt: skip
def test_a_gated_pod_is_left_less_choice(old: Object, new: Object, expected: list[str]) -> None:
    assert updated(make(new), make(old)) == expected


def test_pod_affinity_stays_even_at_the_gates() -> None:
    (error,) = updated(make({**GATES, **_pod()}), make(GATES))
    assert error.startswith("spec: Forbidden: pod updates may not change fields other than")


def _status(restart: str, **status: Any) -> Object:
    return {**make({"restartPolicy": restart}), "status": {"qosClass": "BestEffort", **status}}


def _ended(code: int) -> list[Object]:
    return [{"name": "c", "state": {"terminated": {"exitCode": code}}}]


RUNNING = [{"name": "c", "state": {"running": {}}}]


@pytest.mark.parametrize(
    ("restart", "code", "field", "refused"),
    [
        ("Always", 0, "containerStatuses", False),
        ("OnFailure", 1, "containerStatuses", False),
        ("OnFailure", 0, "containerStatuses", True),
        ("Never", 1, "initContainerStatuses", True),
        ("OnFailure", 1, "ephemeralContainerStatuses", True),
    ],
)
def test_what_ended_for_good_stays_ended(restart: str, code: int, field: str, refused: bool) -> None:
    new, old = _status(restart, **{field: RUNNING}), _status(restart, **{field: _ended(code)})
    assert [str(e) for e in STRATEGY.validate_status_update(new, old)] == (
        [f"status.{field}[0].state: Forbidden: may not be transitioned to non-terminated state"]
        if refused
        else []
    )


def test_a_status_with_much_wrong() -> None:
    assert isinstance(STRATEGY, PodStrategy)
    addresses = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]
    new = _status(
        "Never",
        qosClass="Guaranteed",
        nominatedNodeName="N",
        conditions=[{"type": "Ready"}, {"type": "-"}],
        podIPs=addresses,
        hostIP="10.0.0.9",
        hostIPs=[{"ip": "x"}],
    )
    qualified = names.qualified_name("-")[0]
    shown = '[{"ip":"10.0.0.1"},{"ip":"10.0.0.1"}]'
    assert [str(error) for error in STRATEGY.validate_status_update(new, _status("Never"))] == [
        f'metadata.conditions[1].Type: Invalid value: "-": {qualified}',
        f'status.nominatedNodeName: Invalid value: "N": {names.dns1123_subdomain("N")[0]}',
        'status.qosClass: Invalid value: "Guaranteed": field is immutable',
        f"status.podIPs: Invalid value: {shown}: may specify no more than one IP for each IP family",
        'status.podIPs[1]: Duplicate value: {"ip":"10.0.0.1"}',
        'status.hostIPs[0].ip: Invalid value: "x": must be equal to `hostIP`',
        'status.hostIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
        "2001:db8::ffff)",
    ]


FILE = {"volumeName": "e", "path": "a/b", "key": "K"}
AT = f"{C}.env[0].valueFrom.fileKeyRef"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (FILE, []),
        ({}, [f"{AT}.key: Required value", f"{AT}.volumeName: Required value", f"{AT}.path: Required value",
              f'{AT}.volumeName: Not found: ""']),
        ({"volumeName": "A", "path": "../a", "key": "a=b"},
         [f'{AT}.key: Invalid value: "a=b": {names.ENV_VAR_TEXT}',
          f'{AT}.volumeName: Invalid value: "A": {names.dns1123_label("A")[0]}',
          f"{AT}.path: Invalid value: \"../a\": must not contain '..'",
          f'{AT}.volumeName: Not found: "A"']),
        ({**FILE, "volumeName": "s"},
         [f'{AT}.volumeName: Invalid value: "s": referenced volume must be of type emptyDir']),
    ],
)  # fmt: skip
def test_variables_from_files(reference: Object, expected: list[str]) -> None:
    volumes = [{"name": "e", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s"}}]
    env = [{"name": "A", "valueFrom": {"fileKeyRef": dict(reference)}}]
    assert errors({"volumes": volumes}, env=env) == expected


def test_a_file_reference_is_not_optional_unless_it_says_so() -> None:
    made = make({"volumes": [{"name": "e"}]}, env=[{"name": "A", "valueFrom": {"fileKeyRef": dict(FILE)}}])
    assert made["spec"]["containers"][0]["env"][0]["valueFrom"] == {"fileKeyRef": {**FILE, "optional": False}}


def test_devices_do_not_go_with_users_of_ones_own() -> None:
    spec = {"hostUsers": False, "volumes": [CLAIM]}
    assert errors(spec, volumeDevices=[{"name": "pvc", "devicePath": "/d"}]) == [
        f"{C}.volumeDevices: Forbidden: when `hostUsers` is false"
    ]


def test_fields_of_features_that_are_off_are_dropped() -> None:
    spec = {"schedulingGroup": {"podGroupName": "g"}}
    made = make(spec, lifecycle={"stopSignal": "SIGTERM"})
    assert "schedulingGroup" not in made["spec"]
    assert "lifecycle" not in made["spec"]["containers"][0]
    preserved = make(spec, lifecycle={"stopSignal": "SIGTERM", "preStop": {"sleep": {"seconds": 1}}})
    assert preserved["spec"]["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 1}}}


def test_label_keys_become_part_of_the_selector() -> None:
    term = {
        "topologyKey": "z",
        "labelSelector": {"matchLabels": {"a": "b"}},
        "matchLabelKeys": ["app", "missing"],
        "mismatchLabelKeys": ["tenant"],
    }
    pod = make({"affinity": {"podAffinity": {REQUIRED: [term]}}})
    pod["metadata"]["labels"] = {"app": "x", "tenant": "y"}
    STRATEGY.prepare_for_create(pod)
    (found,) = pod["spec"]["affinity"]["podAffinity"][REQUIRED]
    assert found["labelSelector"]["matchExpressions"] == [
        {"key": "app", "operator": "In", "values": ["x"]},
        {"key": "tenant", "operator": "NotIn", "values": ["y"]},
    ]
    assert STRATEGY.validate(pod) == []
    found["labelSelector"]["matchLabels"]["app"] = "x"
    assert [str(error) for error in STRATEGY.validate(pod)] == [
        f'spec.affinity.podAffinity.{REQUIRED}[0][0]: Invalid value: "app": exists in both matchLabelKeys '
        "and labelSelector"
    ]


@pytest.mark.parametrize("resource", ["cpu", "", "limits.a"])
def test_divisors_are_looked_at_for_known_resources_only(resource: str) -> None:
    reference = {"resource": resource, "divisor": "7"}
    found = errors(env=[{"name": "A", "valueFrom": {"resourceFieldRef": reference}}])
    assert [text.split(":")[0] for text in found] == [f"{C}.env[0].valueFrom.resourceFieldRef.resource"]
