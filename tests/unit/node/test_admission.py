"""What a node does not take, in the kubelet's words."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import admission

CAPACITY = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi", "pods": "3"}


def pod(requests: Object | None = None, ports: Object | None = None, **spec: object) -> Object:
    container: Object = {"name": "c", "resources": {"requests": requests or {}}, "ports": [ports or {}]}
    return {"spec": {"containers": [container], **spec}}


@pytest.mark.parametrize(
    ("what", "reason", "message"),
    [
        (
            pod({"cpu": "1500m"}),
            "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
        ),
        (
            pod({"memory": "5Gi"}),
            "OutOfmemory",
            "Node didn't have enough resource: memory, requested: 5368709120, used: 0, capacity: 4294967296",
        ),
        (
            pod({"hugepages-2Mi": "2Mi"}),
            "OutOfhugepages-2Mi",
            "Node didn't have enough resource: hugepages-2Mi, requested: 2097152, used: 0, capacity: 0",
        ),
        (
            pod({"example.com/gpu": "1"}),
            "UnexpectedAdmissionError",
            "Allocate failed due to requested number of devices unavailable for example.com/gpu."
            " Requested: 1, Available: 0, which is unexpected",
        ),
        (
            pod(os={"name": "windows"}),
            "PodOSNotSupported",
            "Failed to admit pod as the OS field doesn't match node OS",
        ),
        (
            pod(securityContext={"supplementalGroupsPolicy": "Strict"}),
            "SupplementalGroupsPolicyNotSupported",
            "SupplementalGroupsPolicy=Strict is not supported in this node",
        ),
        (
            pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
            "SysctlForbidden",
            'forbidden sysctl: "kernel.msgmax" not allowlisted',
        ),
        (
            pod(hostNetwork=True, securityContext={"sysctls": [{"name": "net/ipv4/tcp_rmem", "value": "1"}]}),
            "SysctlForbidden",
            'forbidden sysctl: "net.ipv4.tcp_rmem" not allowed with host net enabled',
        ),
        (
            pod(ports={"hostPort": 80, "hostIP": "192.0.2.1"}),
            "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
        ),
    ],
)
def test_what_is_refused(what: Object, reason: str, message: str) -> None:
    others = [pod({"cpu": "1"}, {"hostPort": 80})]
    assert admission.refuse(what, others, CAPACITY) == (reason, message)


def test_no_more_pods_than_the_node_takes() -> None:
    refused = admission.refuse(pod(), [pod(), pod(), pod()], CAPACITY)
    text = "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"
    assert refused == ("OutOfpods", text)


@pytest.mark.parametrize(
    "what",
    [
        pod(),
        pod({"cpu": "1", "memory": "1Gi", "example.com/gpu": "0"}),
        pod(ports={"hostPort": 81}),
        pod(ports={"hostPort": 80, "protocol": "UDP"}),
        pod(os={"name": "linux"}),
        pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}),
    ],
)
def test_what_is_taken(what: Object) -> None:
    assert admission.refuse(what, [pod({"cpu": "1"}, {"hostPort": 80})], CAPACITY) is None
    assert admission.obstacle(what) is None
    assert list(admission.ignored(what)) == []


@pytest.mark.parametrize(
    ("what", "reason", "message"),
    [
        (
            pod(hostUsers=False),
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: can't set `spec.hostUsers: false`,"
            " runtime does not support user namespaces",
        ),
        (
            pod(runtimeClassName="gvisor"),
            "FailedCreatePodSandBox",
            'Failed to create pod sandbox: runtimeclass.node.k8s.io "gvisor" not found',
        ),
        (
            pod(resourceClaims=[{"name": "r", "resourceClaimName": "c"}]),
            "FailedPrepareDynamicResources",
            "Failed to prepare dynamic resources: this node has no driver for resource claims",
        ),
    ],
)
def test_what_keeps_a_pod_waiting(what: Object, reason: str, message: str) -> None:
    assert admission.obstacle(what) == (reason, message)


def test_what_has_no_effect_is_told() -> None:
    options = {"windowsOptions": {"runAsUserName": "x"}}
    told = ["securityContext.windowsOptions has no effect on a Linux node"]
    assert list(admission.ignored(pod(securityContext=options))) == told
    with_container = pod()
    with_container["spec"]["containers"][0]["securityContext"] = options
    assert list(admission.ignored(with_container)) == told


@pytest.mark.parametrize(
    ("what", "enabled", "message"),
    [
        ({"type": "RuntimeDefault"}, False, "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
        ({"type": "RuntimeDefault"}, True, ""),
        ({"type": "Unconfined"}, False, ""),
        (
            {"type": "Localhost", "localhostProfile": "tight"},
            True,
            "Cannot enforce AppArmor: this node loads no profiles of its own",
        ),
    ],
)
def test_profiles_of_app_armor(what: Object, enabled: bool, message: str) -> None:
    wanted = ("AppArmor", message) if message else None
    by_field = pod(securityContext={"appArmorProfile": what})
    assert admission.refuse(by_field, [], CAPACITY, app_armor=enabled) == wanted
    values = {"RuntimeDefault": "runtime/default", "Unconfined": "unconfined", "Localhost": "localhost/tight"}
    annotations = {"container.apparmor.security.beta.kubernetes.io/c": values[what["type"]]}
    by_annotation = pod() | {"metadata": {"annotations": annotations}}
    assert admission.refuse(by_annotation, [], CAPACITY, app_armor=enabled) == wanted
