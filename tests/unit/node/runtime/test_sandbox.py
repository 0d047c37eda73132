"""The configuration of a sandbox."""

from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import sandbox


def config(spec: Object, **metadata: object) -> pb.PodSandboxConfig:
    pod = {"metadata": {"name": "web", "namespace": "ns", "uid": "u1", **metadata}, "spec": spec}
    return sandbox.config(
        pod, 2, logs_dir=Path("/logs"), host_resolver="nameserver 192.0.2.53\n", seen="2026-01-02T03:04:05Z"
    )


def test_names_and_labels() -> None:
    found = config({"terminationGracePeriodSeconds": 7}, labels={"app": "web"}, annotations={"a": "b"})
    assert found.metadata == pb.PodSandboxMetadata(name="web", namespace="ns", uid="u1", attempt=2)
    assert found.hostname == "web"
    assert found.log_directory == "/logs/ns_web_u1"
    assert dict(found.labels) == {
        "app": "web",
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "ns",
        "io.kubernetes.pod.uid": "u1",
    }
    assert dict(found.annotations) == {
        "a": "b",
        "kubernetes.io/config.seen": "2026-01-02T03:04:05Z",
        "kubernetes.io/config.source": "api",
        "io.kubernetes.pod.terminationGracePeriod": "7",
    }
    assert not found.HasField("dns_config")


def test_labels_of_a_pod_cannot_pretend_to_be_another_pod() -> None:
    found = config({}, labels={"io.kubernetes.pod.uid": "other"})
    assert found.labels["io.kubernetes.pod.uid"] == "u1"


def test_host_name() -> None:
    assert config({"hostname": "h"}).hostname == "h"
    assert config({}, name="x" * 62 + ".y").hostname == "x" * 62
    assert config({"hostNetwork": True}).hostname == ""


def test_namespaces() -> None:
    own = config({}).linux.security_context.namespace_options
    assert (own.network, own.pid, own.ipc) == (pb.POD, pb.CONTAINER, pb.POD)
    shared = config({"hostNetwork": True, "hostPID": True, "hostIPC": True})
    options = shared.linux.security_context.namespace_options
    assert (options.network, options.pid, options.ipc) == (pb.NODE, pb.NODE, pb.NODE)
    among = config({"shareProcessNamespace": True}).linux.security_context.namespace_options
    assert among.pid == pb.POD


def test_security_context() -> None:
    spec = {
        "securityContext": {
            "runAsUser": 1000,
            "runAsGroup": 2000,
            "fsGroup": 3000,
            "supplementalGroups": [4000],
            "sysctls": [{"name": "net.x", "value": "1"}],
        },
        "containers": [{"name": "c", "securityContext": {"privileged": True}}],
    }
    found = config(spec).linux
    context = found.security_context
    assert (context.run_as_user.value, context.run_as_group.value) == (1000, 2000)
    assert list(context.supplemental_groups) == [3000, 4000]
    assert context.privileged
    assert context.seccomp.profile_type == pb.SecurityProfile.RuntimeDefault
    assert dict(found.sysctls) == {"net.x": "1"}
    assert not config({}).linux.security_context.privileged


def test_ports() -> None:
    ports = [
        {"containerPort": 80},
        {"containerPort": 53, "protocol": "UDP", "hostPort": 5353, "hostIP": "::1"},
    ]
    found = config({"containers": [{"name": "c", "ports": ports}]}).port_mappings
    assert list(found) == [
        pb.PortMapping(protocol="TCP", container_port=80),
        pb.PortMapping(protocol="UDP", container_port=53, host_port=5353, host_ip="::1"),
    ]
