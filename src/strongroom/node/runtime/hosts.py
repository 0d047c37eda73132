"""The `/etc/hosts` that a pod's containers share."""

from collections.abc import Sequence

from strongroom.machinery.gvk import Object

_HEAD = "# Kubernetes-managed hosts file{}.\n"
_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)
_ALIASES = "\n# Entries added by HostAliases.\n"


def text(pod: Object, ips: Sequence[str], hostname: str, host_file: str) -> str:
    """The file. A pod in the machine's network has the machine's (`host_file`) with its own aliases."""
    spec = pod.get("spec") or {}
    if spec.get("hostNetwork"):
        content = _HEAD.format(" (host network)") + host_file
    else:
        content = _HEAD.format("") + _LOCAL + "".join(f"{ip}\t{_names(spec, hostname)}\n" for ip in ips)
    aliases = spec.get("hostAliases") or ()
    lines = [f"{alias['ip']}\t" + "\t".join(alias.get("hostnames") or ()) + "\n" for alias in aliases]
    return content + (_ALIASES + "".join(lines) if lines else "")


def _names(spec: Object, hostname: str) -> str:
    subdomain = spec.get("subdomain")
    return f"{hostname}.{subdomain}\t{hostname}" if subdomain else hostname
