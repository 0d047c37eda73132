"""Which Pods get a way to the API, and how it is mounted."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.server.admission import api_access

MOUNT = {"name": "kube-api-access-x", "readOnly": True, "mountPath": api_access.MOUNT_PATH}


def name(base: str) -> str:
    return base + "x"


@pytest.mark.parametrize(
    ("pod", "account", "expected"),
    [(None, None, True), (None, False, False), (None, True, True), (False, True, False), (True, False, True)],
)
def test_the_pods_choice_comes_before_its_accounts(
    pod: bool | None, account: bool | None, expected: bool
) -> None:
    holders: list[Object] = [
        {} if choice is None else {"automountServiceAccountToken": choice} for choice in (pod, account)
    ]
    assert api_access.wanted(*holders) is expected


def test_every_container_gets_token_certificate_and_namespace() -> None:
    spec: Object = {
        "initContainers": [{"name": "i"}],
        "containers": [{"name": "c"}],
        "volumes": [{"name": "v"}],
    }
    api_access.mount(spec, name)
    assert spec["initContainers"][0]["volumeMounts"] == spec["containers"][0]["volumeMounts"] == [MOUNT]
    other, volume = spec["volumes"]
    assert other == {"name": "v"}
    assert volume["name"] == "kube-api-access-x"
    token, certificate, namespace = volume["projected"]["sources"]
    assert volume["projected"]["defaultMode"] == 0o644
    assert token == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    assert certificate["configMap"]["name"] == "kube-root-ca.crt"
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"


def test_what_is_mounted_there_already_stays() -> None:
    own = {"name": "mine", "mountPath": api_access.MOUNT_PATH}
    spec: Object = {"containers": [{"name": "c", "volumeMounts": [own]}]}
    api_access.mount(spec, name)
    assert spec == {"containers": [{"name": "c", "volumeMounts": [own]}]}


def test_a_volume_of_that_name_is_used_again() -> None:
    volume = {"name": "kube-api-access-old", "projected": {}}
    spec: Object = {"containers": [{"name": "c"}], "volumes": [volume]}
    api_access.mount(spec, name)
    assert spec["volumes"] == [volume]
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-old"
