"""The configuration of a pod's sandbox."""

from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import dns, labels, qos, security_context

_MAX_HOSTNAME = 63


def config(
    pod: Object, attempt: int, *, logs_dir: Path, host_resolver: str, seen: str
) -> pb.PodSandboxConfig:
    """The configuration for the runtime. `attempt` counts the sandboxes that the pod has had before.

    `logs_dir` is where the logs of all pods are, `seen` the time at which the pod was seen (RFC 3339).
    """
    metadata = pod["metadata"]
    annotations = {labels.CONFIG_SEEN: seen, labels.CONFIG_SOURCE: "api"}
    grace = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    if grace is not None:
        annotations[labels.GRACE_PERIOD] = str(grace)
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(
            name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"], attempt=attempt
        ),
        hostname=hostname(pod),
        log_directory=str(logs_dir / labels.log_directory(pod)),
        dns_config=dns.of_pod(pod, host_resolver),
        port_mappings=port_mappings(pod),
        labels={**(metadata.get("labels") or {}), **labels.of_pod(pod)},
        annotations={**(metadata.get("annotations") or {}), **annotations},
        linux=pb.LinuxPodSandboxConfig(security_context=_security_context(pod), sysctls=_sysctls(pod)),
    )


def hostname(pod: Object) -> str:
    """The host name in the pod; "" where it shares the machine's network."""
    spec = pod.get("spec") or {}
    if spec.get("hostNetwork"):
        return ""
    name = str(spec.get("hostname") or pod["metadata"]["name"])
    return name[:_MAX_HOSTNAME].rstrip("-.")


def port_mappings(pod: Object) -> list[pb.PortMapping]:
    """Ports of all containers; those without a `hostPort` are told too, as the kubelet does."""
    mappings = []
    for container in qos.containers(pod):
        for port in container.get("ports") or ():
            mappings.append(
                pb.PortMapping(
                    protocol=str(port.get("protocol") or "TCP"),
                    container_port=int(port["containerPort"]),
                    host_port=int(port.get("hostPort") or 0),
                    host_ip=str(port.get("hostIP") or ""),
                )
            )
    return mappings


def _security_context(pod: Object) -> pb.LinuxSandboxSecurityContext:
    whole = (pod.get("spec") or {}).get("securityContext") or {}
    privileged = any(
        (container.get("securityContext") or {}).get("privileged") for container in qos.containers(pod)
    )
    context = pb.LinuxSandboxSecurityContext(
        namespace_options=security_context.namespaces(pod),
        selinux_options=security_context.selinux(whole.get("seLinuxOptions")),
        supplemental_groups=security_context.supplemental_groups(pod),
        privileged=privileged,
        seccomp=security_context.seccomp({"type": "RuntimeDefault"}),
    )
    if whole.get("runAsUser") is not None:
        context.run_as_user.value = int(whole["runAsUser"])
    if whole.get("runAsGroup") is not None and whole.get("runAsUser") is not None:
        context.run_as_group.value = int(whole["runAsGroup"])
    return context


def _sysctls(pod: Object) -> dict[str, str]:
    whole = (pod.get("spec") or {}).get("securityContext") or {}
    return {sysctl["name"]: sysctl["value"] for sysctl in whole.get("sysctls") or ()}
