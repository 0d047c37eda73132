"""What only Windows has, and what it has not, with Kubernetes' exact words."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names
from strongroom.machinery.gvk import Object

STRATEGY = STRATEGIES[resources.PODS]
OF_POD, OF_CONTAINER = "spec.securityContext", "spec.containers[0].securityContext"


def errors(spec: Object, *containers: Object) -> list[str]:
    listed = [{"name": f"c{index}", "image": "i", **each} for index, each in enumerate(containers or ({},))]
    pod: Object = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": listed, **spec},
    }
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    return [str(error) for error in STRATEGY.validate(pod)]


def options(**fields: Any) -> Object:
    return {"securityContext": {"windowsOptions": fields}}


@pytest.mark.parametrize("path", [OF_POD, OF_CONTAINER])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"gmsaCredentialSpecName": "a.b", "gmsaCredentialSpec": "{}", "runAsUserName": "u"}, []),
        ({"gmsaCredentialSpecName": "A"},
         [f'gmsaCredentialSpecName: Invalid value: "A": {names.dns1123_subdomain("A")[0]}']),
        ({"gmsaCredentialSpec": ""},
         ['gmsaCredentialSpec: Invalid value: "": gmsaCredentialSpec cannot be an empty string']),
        ({"gmsaCredentialSpec": "x" * 65537},
         [f'gmsaCredentialSpec: Invalid value: "{"x" * 65537}": gmsaCredentialSpec size must be under 64 KiB'
          ]),
        ({"gmsaCredentialSpec": "x" * 65536}, []),
        ({"runAsUserName": ""},
         ['runAsUserName: Invalid value: "": runAsUserName cannot be an empty string']),
        ({"runAsUserName": "a\tb"},
         ['runAsUserName: Invalid value: "a\\tb": runAsUserName cannot contain control characters']),
        ({"runAsUserName": "a\\b\\c"},
         ['runAsUserName: Invalid value: "a\\\\b\\\\c": '
          "runAsUserName cannot contain more than one backslash"]),
        ({"runAsUserName": "example.com\\u"}, []),
        ({"runAsUserName": "NET BIOS\\u"}, []),
        ({"runAsUserName": "\\u"},
         ['runAsUserName: Invalid value: "\\\\u": '
          "runAsUserName's Domain doesn't match the NetBios nor the DNS format"]),
        ({"runAsUserName": "a:b\\"},
         ['runAsUserName: Invalid value: "a:b\\\\": '
          "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
          'runAsUserName: Invalid value: "a:b\\\\": runAsUserName\'s User cannot be empty']),
        ({"runAsUserName": "d" * 256 + "\\u"},
         [f'runAsUserName: Invalid value: "{"d" * 256}\\\\u": '
          "runAsUserName's Domain length must be under 256 characters",
          f'runAsUserName: Invalid value: "{"d" * 256}\\\\u": '
          "runAsUserName's Domain doesn't match the NetBios nor the DNS format"]),
        ({"runAsUserName": "u" * 105},
         [f'runAsUserName: Invalid value: "{"u" * 105}": '
          "runAsUserName's User length must not be longer than 104 characters"]),
        ({"runAsUserName": ". ."},
         ['runAsUserName: Invalid value: ". .": '
          "runAsUserName's User cannot contain only periods or spaces"]),
        ({"runAsUserName": "a@b"},
         ['runAsUserName: Invalid value: "a@b": runAsUserName\'s User cannot contain the following '
          'characters: "/\\:;|=,+*?<>@[]']),
    ],
)  # fmt: skip
def test_options(path: str, fields: Object, expected: list[str]) -> None:
    found = errors(options(**fields)) if path == OF_POD else errors({}, options(**fields))
    assert found == [f"{path}.windowsOptions.{text}" for text in expected]


HOST = options(hostProcess=True)
NOT_HOST = options(hostProcess=False)
ALL_OR_NONE = (
    'spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be '
    "HostProcess containers"
)
NETWORK = (
    "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess "
    "containers"
)
DIFFERENT = f"{OF_CONTAINER}.windowsOptions.hostProcess: Invalid value: "


@pytest.mark.parametrize(
    ("spec", "containers", "expected"),
    [
        ({"hostNetwork": True, **HOST}, [{}], []),
        ({"hostNetwork": True}, [HOST, HOST], []),
        (HOST, [{}], [NETWORK]),
        ({}, [HOST, {}], [ALL_OR_NONE, NETWORK]),
        ({"hostNetwork": True, **HOST}, [NOT_HOST, {}],
         [f"{DIFFERENT}false: pod hostProcess value must be identical if both are specified, was true",
          ALL_OR_NONE]),
        ({"hostNetwork": True, **NOT_HOST}, [HOST],
         [f"{DIFFERENT}true: pod hostProcess value must be identical if both are specified, was false"]),
        (NOT_HOST, [NOT_HOST], []),
        ({"hostNetwork": True, "initContainers": [{"name": "i", "image": "i"}]}, [HOST], [ALL_OR_NONE]),
    ],
)  # fmt: skip
def test_host_processes(spec: Object, containers: list[Object], expected: list[str]) -> None:
    assert errors(spec, *containers) == expected


def test_a_linux_pod_has_no_windows_options() -> None:
    text = "Forbidden: windows options cannot be set for a linux pod"
    found = errors({"os": {"name": "linux"}, **options(runAsUserName="u")}, options(runAsUserName="u"))
    assert found == [f"{OF_POD}.windowsOptions: {text}", f"{OF_CONTAINER}.windowsOptions: {text}"]


def test_a_windows_pod_has_nothing_of_linux() -> None:
    text = "Forbidden: cannot be set for a windows pod"
    spec = {
        "os": {"name": "windows"},
        "hostUsers": True,
        "hostPID": True,
        "hostIPC": True,
        "shareProcessNamespace": False,
        "securityContext": {
            "appArmorProfile": {"type": "Unconfined"},
            "seLinuxOptions": {},
            "seccompProfile": {"type": "Unconfined"},
            "fsGroup": 0,
            "fsGroupChangePolicy": "Always",
            "sysctls": [{"name": "a", "value": "1"}],
            "runAsUser": 0,
            "runAsGroup": 0,
            "supplementalGroups": [],
            "supplementalGroupsPolicy": "Merge",
            "seLinuxChangePolicy": "Recursive",
        },
    }
    context = {
        "appArmorProfile": {"type": "Unconfined"},
        "seLinuxOptions": {},
        "seccompProfile": {"type": "Unconfined"},
        "capabilities": {},
        "readOnlyRootFilesystem": False,
        "privileged": False,
        "allowPrivilegeEscalation": True,
        "procMount": "Default",
        "runAsUser": 0,
        "runAsGroup": 0,
    }
    whole = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
    assert sorted(errors(spec, {"securityContext": context})) == sorted(
        [f"spec.{field}: {text}" for field in whole]
        + [f"{OF_POD}.{field}: {text}" for field in spec["securityContext"]]  # type: ignore[attr-defined]
        + [f"{OF_CONTAINER}.{field}: {text}" for field in context]
    )


def test_a_windows_pod_may_say_no_where_it_could_not_say_yes() -> None:
    spec = {"os": {"name": "windows"}, "hostPID": False, "securityContext": {"sysctls": []}}
    assert errors({**spec, "resources": {"limits": {"cpu": "1"}}}) == [
        "spec.resources: Forbidden: may not be set for a windows pod"
    ]
