"""What is told of a Pod that is taken all the same; texts as a kube-apiserver 1.36 gave them."""

import sys
from typing import Any

import pytest

from strongroom.api.core.v1.pod import template, warnings

NULL = "a null labelSelector results in matching no pod"
ANTI = "spec.affinity.podAntiAffinity"
REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))
SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'


def told(spec: dict[str, Any], **metadata: Any) -> list[str]:
    return warnings.warnings({"metadata": metadata, "spec": {"containers": [], **spec}})


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "i", **fields}]}


def ports(*given: dict[str, Any]) -> dict[str, Any]:
    return container(ports=[{"containerPort": 80, "protocol": "TCP", **port} for port in given])


def items(*paths: str) -> list[dict[str, str]]:
    return [{"key": "k", "path": path} for path in paths]


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (
            {"nodeSelector": {"beta.kubernetes.io/os": "linux", "kubernetes.io/os": "linux"}},
            [
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
                '"kubernetes.io/os" instead'
            ],
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        PREFERRED: [{"preference": {"matchExpressions": [{"key": "a", "values": ["-"]}]}}]
                    }
                }
            },
            [
                f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].values[0]: - is "
                "invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', "
                "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
                "'my_value',  or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ],
        ),
        (
            {"topologySpreadConstraints": [{"topologyKey": "z"}, {"topologyKey": "z", "labelSelector": {}}]},
            [f"spec.topologySpreadConstraints[0].labelSelector: {NULL}"],
        ),
        (
            {
                "affinity": {
                    "podAntiAffinity": {
                        REQUIRED: [{"topologyKey": "z"}],
                        PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}],
                    }
                }
            },
            [
                f"{ANTI}.{REQUIRED}[0].labelSelector: {NULL}",
                f"{ANTI}.{PREFERRED}[0].podAffinityTerm.labelSelector: {NULL}",
            ],
        ),
        (
            volume(gitRepo={"repository": "r"}),
            ["spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"],
        ),
        (volume(secret={"secretName": "s", "items": items("a", "b/c")}), []),
        (
            volume(secret={"secretName": "s", "items": items("a", "a/b", "a")}),
            [
                'volume "v" (Secret "s"): overlapping paths: "a/b" with "a"',
                'volume "v" (Secret "s"): overlapping paths: "a" with "a"',
                'volume "v" (Secret "s"): overlapping paths: "a" with "a/b"',
            ],
        ),
        (
            volume(
                projected={
                    "sources": [
                        {},
                        {"configMap": {"name": "m", "items": items("x/")}},
                        {"serviceAccountToken": {"path": "x/t"}},
                    ]
                }
            ),
            [
                'volume "v" (Projected) has no sources provided',
                'volume "v" (Projected): overlapping paths: "x/t" (ServiceAccountToken) with '
                '"x" (ConfigMap "m")',
            ],
        ),
        (
            {"hostAliases": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}, {"ip": "::0"}]},
            [
                'spec.hostAliases[1].ip: duplicate ip "10.0.0.1"',
                'spec.hostAliases[2].ip: IPv6 address "::0" should be in RFC 5952 canonical format ("::")',
            ],
        ),
        (
            {"imagePullSecrets": [{"name": "r"}, {"name": "r"}]},
            ['spec.imagePullSecrets[1].name: duplicate name "r"'],
        ),
        (
            container(resources={"limits": {"memory": "1500m", "cpu": "1500m"}}),
            [
                'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is '
                "invalid, must be "
                "an integer"
            ],
        ),
        (ports({}, {"containerPort": 81}), []),
        (
            ports({}, {"hostPort": 8080}),
            ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"],
        ),
        (
            ports({"hostPort": 8080}, {"hostPort": 8080, "hostIP": "10.0.0.1"}),
            [
                "spec.containers[0].ports[1]: dangerously ambiguous port definition with "
                "spec.containers[0].ports[0]"
            ],
        ),
        (
            ports({"hostIP": "10.0.0.1"}),
            [
                "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 "
                "ContainerPort:80 "
                "Protocol:TCP HostIP:10.0.0.1}"
            ],
        ),
        (
            {
                "initContainers": [{"name": "i", "ports": [{"name": "web", "containerPort": 1}]}],
                "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 2}]}],
            },
            [
                'spec.containers[0].ports[0]: duplicate port name "web" with '
                "spec.initContainers[0].ports[0], "
                "services and probes that select ports by name will use spec.initContainers[0].ports[0]"
            ],
        ),
        (
            {"dnsConfig": {"nameservers": ["010.0.0.1"]}},
            ['spec.dnsConfig.nameservers[0]: non-standard IP address "010.0.0.1" is invalid: use "10.0.0.1"'],
        ),
    ],
)
def test_what_is_told(spec: dict[str, Any], expected: list[str]) -> None:
    assert told(spec) == expected


def test_annotations_that_do_nothing() -> None:
    pod = "seccomp.security.alpha.kubernetes.io/pod"
    of_container = "container.seccomp.security.alpha.kubernetes.io/c"
    critical = "scheduler.alpha.kubernetes.io/critical-pod"
    annotations = {pod: "runtime/default", of_container: "runtime/default", critical: ""}
    assert told(container(), annotations=annotations) == [
        f"metadata.annotations[{critical}]: non-functional in v1.16+; use the "
        f'"priorityClassName" field instead',
        f"metadata.annotations[{pod}]: {SECCOMP}",
        f"metadata.annotations[{of_container}]: {SECCOMP}",
    ]
    profile = {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}
    assert len(told({**container(**profile), **profile}, annotations=annotations)) == 1


def test_the_path_of_a_template_stands_before_those_in_it() -> None:
    spec = {"containers": [], "imagePullSecrets": [{}], **volume(projected={"sources": [{}]})}
    assert template.warnings({"spec": spec}, "spec.template") == [
        'volume "v" (Projected) has no sources provided',
        'spec.template.spec.imagePullSecrets[0].name: invalid empty name ""',
    ]


def test_names_that_are_no_hostnames() -> None:
    assert warnings.of_name("a.b") == [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS "
        "label is recommended: [must not contain dots]"
    ]
    assert warnings.of_name("a-b") == []


def calls(spec: dict[str, Any]) -> tuple[int, list[str]]:
    """How much work the warnings of a Pod are, and what they are."""
    number = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = told(spec)
    finally:
        sys.setprofile(None)
    return number, found


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        (volume(secret={"secretName": "s", "items": items(*(f"p{number}" for number in range(2000)))}), 0),
        (volume(secret={"secretName": "s", "items": items(*["a"] * 2000)}), 1000),
        (volume(projected={"sources": [{"secret": {"name": "s", "items": items(*["a"] * 2000)}}]}), 1000),
        (ports(*[{}] * 2000), 1000),
        (ports(*({"hostPort": number} for number in range(1, 2001))), 0),
        (ports(*({"hostPort": 1, "hostIP": f"10.0.{n // 250}.{n % 250}"} for n in range(2000))), 0),
    ],
)
def test_of_many_parts_each_is_not_held_against_each(spec: dict[str, Any], warned: int) -> None:
    """A body of 3 MB names 50,000 of them, and the server does nothing else meanwhile."""
    work, found = calls(spec)
    assert len(found) == warned
    assert work < 100_000


def test_each_definition_of_a_port_is_held_against_those_before_it() -> None:
    where = "spec.containers[0].ports"
    given: tuple[dict[str, Any], ...] = (
        {"hostPort": 1},
        {},
        {"hostPort": 1, "hostIP": "10.0.0.1"},
        {"hostPort": 1},
        {"hostPort": 2},
    )
    assert told(ports(*given)) == [
        f"{where}[1]: overlapping port definition with {where}[0]",
        f"{where}[2]: dangerously ambiguous port definition with {where}[0]",
        f"{where}[2]: overlapping port definition with {where}[1]",
        f"{where}[3]: duplicate port definition with {where}[0]",
        f"{where}[3]: overlapping port definition with {where}[1]",
        f"{where}[3]: dangerously ambiguous port definition with {where}[2]",
        f"{where}[4]: overlapping port definition with {where}[1]",
    ]
