"""Secret volumes: every key, chosen keys, and what is told when something is missing."""

import pytest

from strongroom.node.volumes import secret
from strongroom.node.volumes.payload import File, VolumeError

SECRET = {"data": {"username": "cm9vdA==", "password": "aWt1YmVybmV0ZXM=", "empty": ""}}


def test_values_are_decoded() -> None:
    files = secret.payload({"secretName": "s", "defaultMode": 256}, SECRET)
    assert files == {
        "username": File(b"root", 0o400),
        "password": File(b"ikubernetes", 0o400),
        "empty": File(b"", 0o400),
    }


def test_missing_secret() -> None:
    with pytest.raises(VolumeError, match=r'^secret "s" not found$'):
        secret.payload({"secretName": "s"}, None)
    assert secret.payload({"secretName": "s", "optional": True}, None) == {}


def test_missing_key() -> None:
    source = {"secretName": "s", "items": [{"key": "host", "path": "h"}]}
    with pytest.raises(VolumeError, match=r"^references non-existent secret key: host$"):
        secret.payload(source, SECRET)
    assert secret.payload(source | {"optional": True}, SECRET) == {}


def test_secret_without_data() -> None:
    assert secret.payload({"secretName": "s"}, {"metadata": {}}) == {}
