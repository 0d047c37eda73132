"""The rules of a Pod, with Kubernetes' exact words."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1.pod.strategy import PodStrategy
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.PODS]
MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def make(spec: Any = None, **container: Any) -> dict[str, Any]:
    """A Pod with its defaults: one container, with `container`'s fields, and `spec`'s."""
    base = {"containers": [{"name": "c", "image": "i", **container}]}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n"}}
    pod["spec"] = {**base, **(spec or {})}
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    return pod


def errors(spec: Any = None, **container: Any) -> list[str]:
    """Of a new Pod, or of one that gets the ephemeral containers of `spec`."""
    pod = make(spec, **container)
    if "ephemeralContainers" not in pod["spec"]:
        return [str(error) for error in STRATEGY.validate(pod)]
    assert isinstance(STRATEGY, PodStrategy)
    bare = {key: value for key, value in pod["spec"].items() if key != "ephemeralContainers"}
    return [str(e) for e in STRATEGY.validate_ephemeral_containers(pod, {**pod, "spec": bare})]


def bad(path: str, value: str, rule: Any) -> list[str]:
    (message,) = rule(value)
    return [f'{path}: Invalid value: "{value}": {message}']


C = "spec.containers[0]"
PORT = "must be between 1 and 65535, inclusive"


def test_the_least_pod() -> None:
    assert errors() == []


def context(**fields: str) -> str:
    """A security context that forbids escalation, as Go's internal type prints it."""
    names = ("Capabilities", "Privileged", "SELinuxOptions", "WindowsOptions", "RunAsUser", "RunAsGroup",
             "RunAsNonRoot", "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation", "ProcMount",
             "SeccompProfile", "AppArmorProfile")  # fmt: skip
    fields = {"AllowPrivilegeEscalation": "false", **fields}
    return "{" + ",".join(f'"{name}":{fields.get(name, "null")}' for name in names) + "}"


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"name": ""}, [f"{C}.name: Required value"]),
        ({"name": "A"}, bad(f"{C}.name", "A", names.dns1123_label)),
        ({"image": ""}, [f"{C}.image: Required value"]),
        ({"image": " i"}, [f'{C}.image: Invalid value: " i": must not have leading or trailing whitespace']),
        ({"imagePullPolicy": "Maybe"},
         [f'{C}.imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", '
          f'"Never"']),
        ({"terminationMessagePolicy": "X"},
         [f'{C}.terminationMessagePolicy: Unsupported value: "X": supported values: "File", '
          '"FallbackToLogsOnError"']),
        ({"restartPolicy": "Always"}, []),
        # ports
        ({"ports": [{"containerPort": 80, "name": "web"}]}, []),
        ({"ports": [{}]}, [f"{C}.ports[0].containerPort: Required value"]),
        ({"ports": [{"containerPort": 70000, "hostPort": -1}]},
         [f"{C}.ports[0].containerPort: Invalid value: 70000: {PORT}",
          f"{C}.ports[0].hostPort: Invalid value: -1: {PORT}"]),
        ({"ports": [{"containerPort": 80, "protocol": "ICMP"}]},
         [f'{C}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']),
        ({"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]},
         [f'{C}.ports[1].name: Duplicate value: "a"']),
        ({"ports": [{"containerPort": 80, "name": "80"}]},
         [f'{C}.ports[0].name: Invalid value: "80": must contain at least one letter (a-z)']),
        ({"ports": [{"containerPort": 80, "hostPort": 80}] * 2},
         [f'{C}.ports[1].hostPort: Duplicate value: "TCP//80"']),
        # environment
        ({"env": [{"name": "A", "value": "1"}]}, []),
        ({"env": [{}]}, [f"{C}.env[0].name: Required value"]),
        ({"env": [{"name": "a=b"}]}, bad(f"{C}.env[0].name", "a=b", names.env_var_name)),
        ({"env": [{"name": "A", "valueFrom": {}}]},
         [f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
          "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"]),
        ({"env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
         [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty']),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"},
                                              "configMapKeyRef": {"name": "s", "key": "k"}}}]},
         [f'{C}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time']),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
         [f"{C}.env[0].valueFrom.secretKeyRef.key: Required value"]),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
         bad(f"{C}.env[0].valueFrom.secretKeyRef.name", "", names.dns1123_subdomain)),
        ({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "s", "key": "a b"}}}]},
         bad(f"{C}.env[0].valueFrom.configMapKeyRef.key", "a b", names.config_map_key)),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                  {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}}},
                  {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['A/b']"}}}]},
                   []),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]},
         [f"{C}.env[0].valueFrom.fieldRef.fieldPath: Required value"]),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]},
         [f'{C}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: '
          '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", '
          '"spec.serviceAccountName", '
          '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"']),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]},
         [f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: '
          f'field '
          "label not supported: spec.x"]),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v2",
         "fieldPath": "metadata.name"}}}]},
         [f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting '
          f'fieldPath: '
          "unsupported pod version: v2"]),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['-']"}}}]},
         bad(f"{C}.env[0].valueFrom.fieldRef", "-", names.qualified_name)),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu",
         "divisor": "1m"}}}]},
         []),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {}}}]},
         [f"{C}.env[0].valueFrom.resourceFieldRef.resource: Required value"]),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}}]},
         [f'{C}.env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "cpu": supported values: '
          '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
          '"requests.ephemeral-storage", "requests.memory"']),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu",
         "divisor": "2"}}}]},
         [f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s '
          f'values 1m '
          "and 1 are supported with the cpu resource"]),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory",
                                                                   "divisor": "3Ki"}}}]},
         [f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.memory": only divisor\'s '
          f'values '
          "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource"]),
        # envFrom
        ({"envFrom": [{"secretRef": {"name": "s"}, "prefix": "P_"}]}, []),
        ({"envFrom": [{"prefix": "=", "secretRef": {"name": "s"}}]},
         bad(f"{C}.envFrom[0].prefix", "=", names.env_var_name)),
        ({"envFrom": [{}]},
         [f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`']),
        ({"envFrom": [{"secretRef": {"name": "s"}, "configMapRef": {"name": "c"}}]},
         [f'{C}.envFrom: Invalid value: "": may not have more than one field specified at a time']),
        ({"envFrom": [{"secretRef": {}}]}, [f"{C}.envFrom[0].secretRef.name: Required value"]),
        ({"envFrom": [{"configMapRef": {"name": "A"}}]},
         bad(f"{C}.envFrom[0].configMapRef.name", "A", names.dns1123_subdomain)),
        # resources
        ({"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
         [f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']),
        ({"resources": {"requests": {"cpu": "-1"}}},
         [f'{C}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"resources": {"requests": {"gold": "1"}, "limits": {"gold": "1"}}},
         [f'{C}.resources.{field}[gold]: Invalid value: "gold": {text}' for field in ("limits",
          "requests") for text in
          ("must be a standard resource type or fully qualified", "must be a standard resource for "
                                                                  "containers")]),
        ({"resources": {"requests": {"a.b/gpu": "1"}}},
         [f"{C}.resources.limits: Required value: Limit must be set for non overcommitable resources"]),
        ({"resources": {"requests": {"a.b/gpu": "1"}, "limits": {"a.b/gpu": "2"}}},
         [f'{C}.resources.requests: Invalid value: "1": must be equal to a.b/gpu limit of 2']),
        ({"resources": {"limits": {"a.b/gpu": "500m"}}},
         [f'{C}.resources.{field}[a.b/gpu]: Invalid value: "500m": must be an integer'
          for field in ("limits", "requests")]),
        # security
        ({"securityContext": {"runAsUser": -1}},
         [f"{C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"]),
        ({"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
         [f"{C}.securityContext: Invalid value: {context(Privileged='true')}: cannot set "
          "`allowPrivilegeEscalation` to false and `privileged` to true"]),
        ({"securityContext": {"capabilities": {"add": ["CAP_SYS_ADMIN"]}, "allowPrivilegeEscalation": False}},
         [f"{C}.securityContext: Invalid value: "
          + context(Capabilities='{"Add":["CAP_SYS_ADMIN"],"Drop":null}')
          + ": cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"]),
        ({"securityContext": {"procMount": "X"}},
         [f'{C}.securityContext.procMount: Unsupported value: "X": supported values: "Default", "Unmasked"']),
        ({"securityContext": {"seccompProfile": {"type": "Localhost"}}},
         [f"{C}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp "
          f"type is "
          "Localhost"]),
        ({"securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}},
         [f'{C}.securityContext.seccompProfile.localhostProfile: Invalid value: '
          '{"Type":"RuntimeDefault","LocalhostProfile":"x"}: can only be set when '
          f'seccomp '
          "type is Localhost"]),
        ({"securityContext": {"seccompProfile": {}}},
         [f"{C}.securityContext.seccompProfile.type: Required value: type is required when seccompProfile "
          f"is set"]),
        ({"securityContext": {"seccompProfile": {"type": "X"}}},
         [f'{C}.securityContext.seccompProfile.type: Unsupported value: "X": supported values: "Localhost", '
          '"RuntimeDefault", "Unconfined"']),
    ],
)  # fmt: skip
def test_containers(container: dict[str, Any], expected: list[str]) -> None:
    assert errors(**container) == expected


P = f"{C}.livenessProbe"
R = f"{C}.readinessProbe"
EXEC = {"exec": {"command": ["x"]}}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"livenessProbe": {"httpGet": {"port": 80}}, "readinessProbe": {"tcpSocket": {"port": "web"}},
          "startupProbe": {"grpc": {"port": 1}}, "lifecycle": {"preStop": {"sleep": {"seconds": 3}}}}, []),
        ({"livenessProbe": {}}, [f"{P}: Required value: must specify a handler type"]),
        ({"livenessProbe": {**EXEC, "tcpSocket": {"port": 1}}},
         [f"{P}.tcpSocket: Forbidden: may not specify more than 1 handler type"]),
        ({"livenessProbe": {"exec": {}}}, [f"{P}.exec.command: Required value"]),
        ({"livenessProbe": {"tcpSocket": {"port": 0}}}, [f"{P}.tcpSocket.port: Invalid value: 0: {PORT}"]),
        ({"livenessProbe": {"tcpSocket": {"port": "80"}}},
         [f'{P}.tcpSocket.port: Invalid value: "80": must contain at least one letter (a-z)']),
        ({"livenessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}}},
         [f'{P}.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"']),
        ({"livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "a b"}]}}},
         bad(f"{P}.httpGet.httpHeaders", "a b", names.http_header_name)),
        ({"livenessProbe": {**EXEC, "successThreshold": 2}},
         [f"{P}.successThreshold: Invalid value: 2: must be 1"]),
        ({"livenessProbe": {**EXEC, "periodSeconds": -1}},
         [f"{P}.periodSeconds: Invalid value: -1: must be greater than or equal to 0"]),
        ({"livenessProbe": {**EXEC, "terminationGracePeriodSeconds": 0}},
         [f"{P}.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0"]),
        ({"readinessProbe": {**EXEC, "successThreshold": 2}}, []),
        ({"readinessProbe": {**EXEC, "terminationGracePeriodSeconds": 5}},
         [f"{R}.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes"]),
        ({"lifecycle": {"postStart": {}}},
         [f"{C}.lifecycle.postStart: Required value: must specify a handler type"]),
        ({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
         [f"{C}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
          "terminationGracePeriodSeconds (30)"]),
    ],
)  # fmt: skip
def test_probes_and_hooks(container: dict[str, Any], expected: list[str]) -> None:
    assert errors(**container) == expected


V = "spec.volumes[0]"


def volume(**fields: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **fields}]}


def projected(*sources: dict[str, Any]) -> dict[str, Any]:
    return volume(projected={"sources": list(sources)})


ITEM = {"key": "k", "path": "a"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (volume(), []),
        (volume(secret={"secretName": "s"}), []),
        (volume(secret={}), [f"{V}.secret.secretName: Required value"]),
        (volume(secret={"secretName": "s", "defaultMode": 512}),
         [f"{V}.secret.defaultMode: Invalid value: 512: {MODE}"]),
        (volume(secret={"secretName": "s", "items": [{}]}),
         [f"{V}.secret.items[0].key: Required value", f"{V}.secret.items[0].path: Required value"]),
        (volume(secret={"secretName": "s", "items": [{**ITEM, "mode": -1}]}),
         [f"{V}.secret.items[0].mode: Invalid value: -1: {MODE}"]),
        (volume(secret={"secretName": "s", "items": [{"key": "k", "path": "/a"}]}),
         [f'{V}.secret.items[0].path: Invalid value: "/a": must be a relative path']),
        (volume(secret={"secretName": "s", "items": [{"key": "k", "path": "a/../b"}]}),
         [f"{V}.secret.items[0].path: Invalid value: \"a/../b\": must not contain '..'"]),
        (volume(secret={"secretName": "s", "items": [{"key": "k", "path": "..a"}]}),
         [f"{V}.secret.items[0].path: Invalid value: \"..a\": must not start with '..'"]),
        (volume(configMap={}), [f"{V}.configMap.name: Required value"]),
        (volume(secret={"secretName": "s"}, configMap={"name": "c"}),
         [f"{V}.configMap: Forbidden: may not specify more than 1 volume type"]),
        (volume(emptyDir={"sizeLimit": "-1"}),
         [f"{V}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"]),
        (volume(hostPath={}), [f"{V}.hostPath.path: Required value"]),
        (volume(hostPath={"path": "/a/../b"}),
         [f"{V}.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"]),
        (volume(hostPath={"path": "/a", "type": "Odd"}),
         [f'{V}.hostPath.type: Unsupported value: "Odd": supported values: "", "BlockDevice", "CharDevice", '
          '"Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"']),
        (volume(nfs={}),
         [f"{V}.nfs.server: Required value", f"{V}.nfs.path: Required value",
          f'{V}.nfs.path: Invalid value: "": must be an absolute path']),
        (volume(secret={"secretName": "s", "items": [{"key": "k", "path": ".."}]}),
         [f'{V}.secret.items[0].path: Invalid value: "..": must not contain \'..\'',
          f'{V}.secret.items[0].path: Invalid value: "..": must not start with \'..\'']),
        (volume(csi={"driver": "d"}), []),
        (volume(image={}), [f"{V}.image.reference: Required value"]),
        (volume(downwardAPI={"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}), []),
        (volume(downwardAPI={"items": [{"path": "a"}]}),
         [f"{V}.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"]),
        (volume(downwardAPI={"items": [{"path": "a", "fieldRef": {"fieldPath": "spec.nodeName"}}]}),
         [f'{V}.downwardAPI.fieldRef.fieldPath: Unsupported value: "spec.nodeName": supported values: '
          '"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", '
          '"metadata.uid"']),
        (volume(downwardAPI={"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}),
         [f"{V}.downwardAPI.resourceFieldRef.containerName: Required value"]),
        (volume(downwardAPI={"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"},
                                        "resourceFieldRef": {"resource": "limits.cpu"}}]}),
         [f'{V}.downwardAPI: Invalid value: "resource": fieldRef and resourceFieldRef can not be specified '
          "simultaneously"]),
        (projected({"secret": {"name": "s"}}, {"configMap": {"name": "c"}},
                   {"serviceAccountToken": {"path": "token"}}), []),
        (projected({"secret": {}}), [f"{V}.projected.sources[0].secret.name: Required value"]),
        (projected({"secret": {"name": "s"}, "configMap": {"name": "c"}}),
         [f"{V}.projected.sources[0]: Forbidden: may not specify more than 1 volume type per source"]),
        (projected({"secret": {"name": "s", "items": [ITEM]}}, {"configMap": {"name": "c", "items": [ITEM]}}),
         [f'{V}.projected: Invalid value: "c": conflicting duplicate paths']),
        (projected({"downwardAPI": {"items": [{"path": "a",
         "fieldRef": {"fieldPath": "metadata.name"}}] * 2}}),
         [f'{V}.projected: Invalid value: "a": conflicting duplicate paths']),
        (projected({"serviceAccountToken": {"expirationSeconds": 599, "path": "t"}}),
         [f"{V}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may not "
          f"specify a "
          "duration less than 10 minutes"]),
        (projected({"serviceAccountToken": {"expirationSeconds": 2**32 + 1, "path": "t"}}),
         [f"{V}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 4294967297: may "
          f"not "
          "specify a duration larger than 2^32 seconds"]),
        (projected({"serviceAccountToken": {}}), [f"{V}.projected.path: Required value"]),
        # Features that are off by default: the fields are dropped.
        (projected({"clusterTrustBundle": {"name": "b"}}, {"podCertificate": {}}), []),
        ({"volumes": [{"name": ""}]}, [f"{V}.name: Required value"]),
        ({"volumes": [{"name": "A"}]}, bad(f"{V}.name", "A", names.dns1123_label)),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, ['spec.volumes[1].name: Duplicate value: "v"']),
    ],
)  # fmt: skip
def test_volumes(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(spec) == expected


M = f"{C}.volumeMounts"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([{"name": "v", "mountPath": "/a", "subPath": "b"}], []),
        ([{"name": "w", "mountPath": "/a"}], [f'{M}[0].name: Not found: "w"']),
        ([{"name": "", "mountPath": "/a"}], [f"{M}[0].name: Required value", f'{M}[0].name: Not found: ""']),
        ([{"name": "v"}], [f"{M}[0].mountPath: Required value"]),
        ([{"name": "v", "mountPath": "/a"}] * 2, [f'{M}[1].mountPath: Invalid value: "/a": must be unique']),
        ([{"name": "v", "mountPath": "/a", "subPath": "/b"}],
         [f'{M}.subPath: Invalid value: "/b": must be a relative path']),
        ([{"name": "v", "mountPath": "/a", "subPathExpr": "../b"}],
         [f"{M}.subPathExpr: Invalid value: \"../b\": must not contain '..'"]),
        ([{"name": "v", "mountPath": "/a", "subPath": "b", "subPathExpr": "c"}],
         [f'{M}[0].subPathExpr: Invalid value: "c": subPathExpr and subPath are mutually exclusive']),
        ([{"name": "v", "mountPath": "/a", "mountPropagation": "X"}],
         [f'{M}.mountPropagation: Unsupported value: "X": supported values: "Bidirectional", '
          f'"HostToContainer", '
          '"None"']),
        ([{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}],
         [f"{M}.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged "
          "containers"]),
        ([{"name": "v", "mountPath": "/a", "recursiveReadOnly": "Enabled",
         "mountPropagation": "HostToContainer"}],
         [f"{M}.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
          f"{M}.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not "
          "specified"]),
        ([{"name": "v", "mountPath": "/a", "recursiveReadOnly": "X"}],
         [f'{M}.recursiveReadOnly: Unsupported value: "X": supported values: "Disabled", "Enabled", '
          '"IfPossible"']),
    ],
)  # fmt: skip
def test_mounts(mounts: list[dict[str, Any]], expected: list[str]) -> None:
    assert errors(volume(), volumeMounts=mounts) == expected


def box(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **fields}


I = "spec.initContainers[0]"  # noqa: E741
E = "spec.ephemeralContainers[0]"
NOT_EPHEMERAL = "Forbidden: cannot be set for an Ephemeral Container"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": []}, ["spec.containers: Required value"]),
        ({"containers": [box("a"), box("a")]}, ['spec.containers[1].name: Duplicate value: "a"']),
        ({"initContainers": [box("c")]}, [f'{I}.name: Duplicate value: "c"']),
        ({"initContainers": [box("i", restartPolicy="Always", livenessProbe=EXEC)]}, []),
        ({"initContainers": [box("i", restartPolicy="Never")]}, []),
        ({"initContainers": [box("i", livenessProbe=EXEC)]},
         [f"{I}.livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"]),
        ({"ephemeralContainers": [box("e", targetContainerName="c")]}, []),
        ({"ephemeralContainers": [box("c")]}, [f'{E}.name: Duplicate value: "c"']),
        ({"ephemeralContainers": [box("e", targetContainerName="x")]},
         [f'{E}.targetContainerName: Not found: "x"']),
        ({"ephemeralContainers": [box("e", ports=[{"containerPort": 1}], livenessProbe=EXEC)]},
         [f"{E}.ports: {NOT_EPHEMERAL}", f"{E}.livenessProbe: {NOT_EPHEMERAL}"]),
        ({"ephemeralContainers": [box("e", resources={"limits": {"cpu": "1"}})]},
         [f"{E}.resources: {NOT_EPHEMERAL}"]),
        ({**volume(), "ephemeralContainers": [
            box("e", volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "b"}])]},
         [f"{E}.volumeMounts[0].subPath: {NOT_EPHEMERAL}"]),
        ({"hostNetwork": True, "containers": [box("c", ports=[{"containerPort": 80, "hostPort": 81}])]},
         [f"{C}.ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is "
          f"true"]),
        # the rest of the spec
        ({"restartPolicy": "Sometimes"},
         ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", '
          '"Never"']),
        ({"dnsPolicy": "X"},
         ['spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", '
          '"ClusterFirst", '
          '"Default", "None"']),
        ({"dnsPolicy": "None"},
         ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
        ({"dnsPolicy": "None", "dnsConfig": {}},
         ["spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when "
          "`dnsPolicy` "
          "is None"]),
        ({"dnsConfig": {"nameservers": ["x"], "options": [{}]}},
         ['spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)", "spec.dnsConfig.options[0]: Required value: must not be empty"]),
        ({"dnsConfig": {"nameservers": ["1.1.1.1"] * 4}},
         ['spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.1","1.1.1.1","1.1.1.1"]: must not '
          'have '
          "more than 3 nameservers"]),
        ({"preemptionPolicy": "X"},
         ['spec.preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", '
          '"Never"']),
        ({"nodeSelector": {"-": "a"}}, bad("spec.nodeSelector", "-", names.qualified_name)),
        ({"serviceAccountName": "A"}, bad("spec.serviceAccountName", "A", names.dns1123_subdomain)),
        ({"nodeName": "A"}, bad("spec.nodeName", "A", names.dns1123_subdomain)),
        ({"hostname": "a.b"}, bad("spec.hostname", "a.b", names.dns1123_label)),
        ({"subdomain": "A"}, bad("spec.subdomain", "A", names.dns1123_label)),
        ({"priorityClassName": "A"}, bad("spec.priorityClassName", "A", names.dns1123_subdomain)),
        ({"runtimeClassName": "A"}, bad("spec.runtimeClassName", "A", names.dns1123_subdomain)),
        ({"readinessGates": [{"conditionType": "-"}]},
         bad("spec.readinessGates[0].conditionType", "-", names.qualified_name)),
        ({"activeDeadlineSeconds": 0},
         ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]),
        ({"hostAliases": [{"ip": "x", "hostnames": ["A"]}]},
         ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)", *bad("spec.hostAliases[0].hostnames[0]", "A", names.dns1123_subdomain)]),
        ({"securityContext": {"fsGroup": -1, "supplementalGroups": [-2]}},
         ["spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
          "spec.securityContext.supplementalGroups[0]: Invalid value: -2: must be between 0 and 2147483647, "
          "inclusive"]),
        ({"securityContext": {"fsGroupChangePolicy": "X"}},
         ['spec.securityContext.fsGroupChangePolicy: Unsupported value: "X": supported values: "Always", '
          '"OnRootMismatch"']),
        ({"securityContext": {"sysctls": [{"name": ""}, {"name": "a.b"}, {"name": "a.b"}]}},
         ["spec.securityContext.sysctls[0].name: Required value",
          'spec.securityContext.sysctls[2].name: Duplicate value: "a.b"']),
        ({"shareProcessNamespace": True, "hostPID": True},
         ["spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and "
          "HostPID cannot both be enabled"]),
        ({"hostUsers": False, "hostPID": True},
         ["spec.HostPID: Forbidden: when `hostUsers` is false"]),
    ],
)  # fmt: skip
def test_specs(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(spec) == expected


T = "spec.tolerations[0]"
NODE = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def node_affinity(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = [{"matchExpressions": list(expressions)}] if expressions else []
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"tolerations": [{"operator": "Exists"}]}, []),
        ({"tolerations": [{"value": "x"}]},
         [f'{T}.operator: Invalid value: "": operator must be Exists when `key` is empty, which means '
          f'"match all '
          'values and all keys"']),
        ({"tolerations": [{"key": "-", "operator": "Exists"}]}, bad(f"{T}.key", "-", names.qualified_name)),
        ({"tolerations": [{"key": "a", "tolerationSeconds": 1, "effect": "NoSchedule"}]},
         [f"{T}.effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` "
          f"is set"]),
        ({"tolerations": [{"key": "a", "value": "-"}]}, bad(f"{T}.operator", "-", names.label_value)),
        ({"tolerations": [{"key": "a", "operator": "Exists", "value": "v"}]},
         [f"{T}.operator: Invalid value: \"v\": value must be empty when `operator` is 'Exists'"]),
        ({"tolerations": [{"key": "a", "operator": "Near", "effect": "X"}]},
         [f'{T}.operator: Unsupported value: "Near": supported values: "Equal", "Exists"',
          f'{T}.effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", '
          f'"NoExecute"']),
        ({"schedulingGates": [{"name": "a/b"}, {"name": "a/b"}]},
         ['spec.schedulingGates[1]: Duplicate value: "a/b"']),
        (node_affinity({"key": "a", "operator": "In", "values": ["b"]}), []),
        (node_affinity(), [f"{NODE}: Required value: must have at least one node selector term"]),
        (node_affinity({"key": "a", "operator": "X"}),
         [f'{NODE}[0].matchExpressions[0].operator: Invalid value: "X": not a valid selector operator']),
        (node_affinity({"key": "a", "operator": "In"}),
         [f"{NODE}[0].matchExpressions[0].values: Required value: must be specified when `operator` is "
          f"'In' or "
          "'NotIn'"]),
        (node_affinity({"key": "a", "operator": "Exists", "values": ["b"]}),
         [f"{NODE}[0].matchExpressions[0].values: Forbidden: may not be specified when `operator` is "
          f"'Exists' or "
          "'DoesNotExist'"]),
        (node_affinity({"key": "a", "operator": "Gt"}),
         [f"{NODE}[0].matchExpressions[0].values: Required value: must be specified single value when "
          f"`operator` "
          "is 'Lt' or 'Gt'"]),
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0}]}}},
         ["spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid "
          "value: 0: "
          "must be in the range 1-100"]),
        ({"affinity": {"podAntiAffinity": {REQUIRED: [{}]}}},
         [f"spec.affinity.podAntiAffinity.{REQUIRED}[0].topologyKey: Required value: can not be empty",
          *(f'spec.affinity.podAntiAffinity.{REQUIRED}[0].topologyKey: Invalid value: "": {message}'
            for message in names.qualified_name(""))]),
        ({"topologySpreadConstraints": [{}]},
         ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
          "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
          'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "": supported values: '
          '"DoNotSchedule", "ScheduleAnyway"']),
    ],
)  # fmt: skip
def test_scheduling(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(spec) == expected
