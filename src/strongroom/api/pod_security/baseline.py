"""The baseline level: known ways from a container into its node are closed."""

from typing import Any, Final

from strongroom.api.pod_security import words
from strongroom.machinery.gvk import Object

_CAPABILITIES: Final = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
_SE_LINUX_TYPES: Final = frozenset(
    ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
)
SAFE_SYSCTLS: Final = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    )
)
_APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_HANDLERS: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def app_armor_profile(metadata: Object, spec: Object) -> str:
    def is_wrong(holder: Object) -> bool:
        return (words.context(holder).get("appArmorProfile") or {}).get("type") == "Unconfined"

    setters = ["pod"] if is_wrong(spec) else []
    names = words.offending(spec, is_wrong)
    if names:
        setters.append(words.shown(names))
    found = [f'{" and ".join(setters)} must not set AppArmor profile type to "Unconfined"'] if setters else []
    annotations = [
        f"{key}={value!r}".replace("'", '"')
        for key, value in sorted((metadata.get("annotations") or {}).items())
        if key.startswith(_APP_ARMOR)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    ]
    if annotations:
        found.append(f"annotation{'s' if len(annotations) > 1 else ''} {', '.join(annotations)}")
    title = "forbidden AppArmor profile" + ("s" if len(setters) + len(annotations) > 1 else "")
    return f"{title} ({'; '.join(found)})" if found else ""


def added_beyond(spec: Object, allowed: frozenset[str]) -> str:
    """`container "c" must not include "X" in securityContext.capabilities.add`; "" if none does."""
    names, forbidden = [], set()
    for container in words.containers(spec):
        added = set((words.context(container).get("capabilities") or {}).get("add") or ()) - allowed
        if added:
            names.append(container.get("name", ""))
            forbidden |= added
    if not names:
        return ""
    where = "securityContext.capabilities.add"
    return f"{words.shown(names)} must not include {words.quoted(sorted(forbidden))} in {where}"


def capabilities(_: Object, spec: Object) -> str:
    text = added_beyond(spec, _CAPABILITIES)
    return f"non-default capabilities ({text})" if text else ""


def host_namespaces(_: Object, spec: Object) -> str:
    used = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return f"host namespaces ({', '.join(used)})" if used else ""


def host_path_volumes(_: Object, spec: Object) -> str:
    names = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return f"hostPath volumes ({words.plural('volume', 'volumes', names)})" if names else ""


def host_ports(_: Object, spec: Object) -> str:
    names, ports = [], set()
    for container in words.containers(spec):
        used = {port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")}
        if used:
            names.append(container.get("name", ""))
            ports |= used
    if not names:
        return ""
    verb = "uses hostPort" if len(names) == 1 else "use hostPort"
    listed = ", ".join(map(str, sorted(ports)))
    return f"hostPort ({words.shown(names)} {verb}{'s' if len(ports) > 1 else ''} {listed})"


def host_probes(_: Object, spec: Object) -> str:
    """A probe's `host` lets the node reach where the Pod may not."""

    def hosts(container: Object) -> set[str]:
        handlers: list[Any] = [container.get(field) for field in _HANDLERS]
        handlers += (container.get("lifecycle") or {}).values()
        actions = [handler.get(kind) for handler in handlers if handler for kind in ("httpGet", "tcpSocket")]
        return {action["host"] for action in actions if action and action.get("host")}

    names = words.offending(spec, lambda container: bool(hosts(container)))
    used = sorted(set().union(*(hosts(container) for container in words.containers(spec))))
    if not names:
        return ""
    verb = "uses" if len(names) == 1 else "use"
    what = "probe or lifecycle host" + ("s" if len(used) > 1 else "")
    return f"{what} ({words.shown(names)} {verb} {what} {words.quoted(used)})"


def privileged(_: Object, spec: Object) -> str:
    names = words.offending(spec, lambda container: bool(words.context(container).get("privileged")))
    return f"privileged ({words.shown(names)} must not set securityContext.privileged=true)" if names else ""


def proc_mount(_: Object, spec: Object) -> str:
    def mount(container: Object) -> str:
        return str(words.context(container).get("procMount") or "Default")

    names = words.offending(spec, lambda container: mount(container) != "Default")
    values = sorted({mount(container) for container in words.containers(spec)} - {"Default"})
    if not names:
        return ""
    return (
        f"procMount ({words.shown(names)} must not set securityContext.procMount to {words.quoted(values)})"
    )


def se_linux_options(_: Object, spec: Object) -> str:
    setters, names, wrong = [], [], dict.fromkeys(("type", "user", "role"), frozenset[str]())
    for holder, name in ((spec, None), *((each, each.get("name", "")) for each in words.containers(spec))):
        options = words.context(holder).get("seLinuxOptions") or {}
        bad = {field for field in ("user", "role") if options.get(field)}
        if options.get("type", "") not in _SE_LINUX_TYPES:
            bad.add("type")
        if not bad:
            continue
        if name is None:
            setters.append("pod")
        else:
            names.append(name)
        for field in bad:
            wrong[field] |= {options[field]}
    if names:
        setters.append(words.shown(names))
    if not setters:
        return ""
    told = []
    if wrong["type"]:
        told.append(f"type{'s' if len(wrong['type']) > 1 else ''} {words.quoted(sorted(wrong['type']))}")
    told += [f"{field} may not be set" for field in ("user", "role") if wrong[field]]
    text = f"{' and '.join(setters)} set forbidden securityContext.seLinuxOptions: {'; '.join(told)}"
    return f"seLinuxOptions ({text})"


def seccomp_profile(_: Object, spec: Object) -> str:
    def profile(holder: Object) -> str:
        return str((words.context(holder).get("seccompProfile") or {}).get("type") or "")

    setters = ["pod"] if profile(spec) == "Unconfined" else []
    names = words.offending(spec, lambda container: profile(container) == "Unconfined")
    if names:
        setters.append(words.shown(names))
    if not setters:
        return ""
    what = 'securityContext.seccompProfile.type to "Unconfined"'
    return f"seccompProfile ({' and '.join(setters)} must not set {what})"


def sysctls(_: Object, spec: Object) -> str:
    names = [
        each["name"] for each in words.context(spec).get("sysctls") or () if each["name"] not in SAFE_SYSCTLS
    ]
    return f"forbidden sysctl{'s' if len(names) > 1 else ''} ({', '.join(names)})" if names else ""


def windows_host_process(_: Object, spec: Object) -> str:
    def is_set(holder: Object) -> bool:
        return bool((words.context(holder).get("windowsOptions") or {}).get("hostProcess"))

    setters = ["pod"] if is_set(spec) else []
    if names := words.offending(spec, is_set):
        setters.append(words.shown(names))
    text = f"{' and '.join(setters)} must not set securityContext.windowsOptions.hostProcess=true"
    return f"hostProcess ({text})" if setters else ""
