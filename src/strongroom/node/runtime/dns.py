"""The resolver of a pod (`dnsPolicy`, `dnsConfig`)."""

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb


def of_pod(pod: Object, host_resolver: str) -> pb.DNSConfig | None:
    """The resolver's configuration; None: the runtime hands on that of the machine.

    `host_resolver` is the text of the machine's resolv.conf. There is no cluster DNS: `ClusterFirst` falls
    back to the machine's, as on Kubernetes.
    """
    spec = pod.get("spec") or {}
    extra = spec.get("dnsConfig") or {}
    own = spec.get("dnsPolicy") == "None"
    if not own and not extra:
        return None
    config = pb.DNSConfig() if own else parse(host_resolver)
    servers = list(dict.fromkeys([*config.servers, *(extra.get("nameservers") or ())]))
    searches = list(dict.fromkeys([*config.searches, *(extra.get("searches") or ())]))
    options = {option.partition(":")[0]: option for option in config.options}
    for option in extra.get("options") or ():
        value = option.get("value")
        options[option["name"]] = f"{option['name']}:{value}" if value else str(option["name"])
    return pb.DNSConfig(servers=servers, searches=searches, options=options.values())


def parse(text: str) -> pb.DNSConfig:
    """What a resolv.conf says."""
    config = pb.DNSConfig()
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        match words[0]:
            case "nameserver":
                config.servers.extend(words[1:2])
            case "search" | "domain":
                config.searches[:] = words[1:]
            case "options":
                config.options[:] = words[1:]
    return config
