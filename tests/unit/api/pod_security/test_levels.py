"""What each level forbids, in Kubernetes' words."""

from typing import Any

import pytest

from strongroom.api.pod_security import levels
from strongroom.api.pod_security.levels import BASELINE, LEVELS, PRIVILEGED, RESTRICTED

GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spec(*contexts: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = "ab"
    containers = [
        {"name": names[index], "securityContext": each} for index, each in enumerate(contexts or ({},))
    ]
    return {"containers": containers, **more}


def pod_context(**fields: Any) -> dict[str, Any]:
    return spec(GOOD, securityContext=fields)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (
            spec({"privileged": True}),
            'privileged (container "a" must not set securityContext.privileged=true)',
        ),
        (
            spec({"privileged": True}, {"privileged": True}),
            'privileged (containers "a", "b" must not set securityContext.privileged=true)',
        ),
        (spec(hostNetwork=True, hostIPC=True), "host namespaces (hostNetwork=true, hostIPC=true)"),
        (
            spec(
                volumes=[{"name": "x", "hostPath": {"path": "/"}}, {"name": "y", "hostPath": {"path": "/"}}]
            ),
            'hostPath volumes (volumes "x", "y")',
        ),
        (
            {
                "containers": [
                    {"name": "a", "ports": [{"hostPort": 80}, {"hostPort": 81}, {"containerPort": 1}]}
                ]
            },
            'hostPort (container "a" uses hostPorts 80, 81)',
        ),
        (
            spec({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}),
            'non-default capabilities (container "a" must not include "NET_ADMIN" in '
            "securityContext.capabilities.add)",
        ),
        (
            spec({"procMount": "Unmasked"}),
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            spec({"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod_context(sysctls=[{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_syncookies"}]),
            "forbidden sysctl (kernel.msgmax)",
        ),
        (
            pod_context(seLinuxOptions={"type": "spc_t", "user": "u"}),
            'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; '
            "user may not be set)",
        ),
        (
            pod_context(windowsOptions={"hostProcess": True}),
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        ),
        (
            pod_context(appArmorProfile={"type": "Unconfined"}),
            'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
        ),
        (
            {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"host": "10.0.0.1", "port": 1}}}]},
            'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
        ),
    ],
)
def test_baseline(wanted: dict[str, Any], expected: str) -> None:
    assert levels.violations(BASELINE, {}, wanted) == [expected]
    assert levels.violations(RESTRICTED, {}, wanted), "what is refused here is refused there"
    assert levels.violations(PRIVILEGED, {}, wanted) == []


def test_restricted_tells_everything_that_is_left_out() -> None:
    assert levels.violations(RESTRICTED, {}, spec({})) == [
        'allowPrivilegeEscalation != false (container "a" must set '
        "securityContext.allowPrivilegeEscalation=false)",
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")',
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (
            spec(GOOD | {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}),
            'unrestricted capabilities (container "a" must not include "CHOWN" in '
            "securityContext.capabilities.add)",
        ),
        (
            spec(GOOD, volumes=[{"name": "x", "hostPath": {"path": "/"}}, {"name": "s", "secret": {}}]),
            'restricted volume types (volume "x" uses restricted volume type "hostPath")',
        ),
        (
            spec(GOOD | {"runAsNonRoot": False}),
            'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
        ),
        (spec(GOOD | {"runAsUser": 0}), 'runAsUser=0 (container "a" must not set runAsUser=0)'),
        (
            spec(GOOD | {"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
    ],
)
def test_restricted(wanted: dict[str, Any], expected: str) -> None:
    assert levels.violations(RESTRICTED, {}, wanted) == [expected]


def test_a_good_pod_passes_every_level() -> None:
    good = spec(
        GOOD | {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
        volumes=[{"name": "s", "secret": {}}],
    )
    by_pod = spec(
        {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "Localhost"}},
    )
    for level in LEVELS:
        assert levels.violations(level, {}, good) == []
        assert levels.violations(level, {}, by_pod) == []


def test_init_and_ephemeral_containers_count() -> None:
    for field in ("initContainers", "ephemeralContainers"):
        wanted = {"containers": [], field: [{"name": "x", "securityContext": {"privileged": True}}]}
        assert levels.violations(BASELINE, {}, wanted)
