"""ConfigMap volumes."""

import pytest

from strongroom.node.volumes import config_map
from strongroom.node.volumes.payload import File, VolumeError

CONFIG_MAP = {"data": {"color": "grün"}, "binaryData": {"raw": "/wA="}}


def test_text_and_binary_values() -> None:
    assert config_map.payload({"name": "c"}, CONFIG_MAP) == {
        "color": File("grün".encode()),
        "raw": File(b"\xff\0"),
    }


def test_missing_object_and_key() -> None:
    with pytest.raises(VolumeError, match=r'^configmap "c" not found$'):
        config_map.payload({"name": "c"}, None)
    with pytest.raises(VolumeError, match=r"^configmap references non-existent config key: k$"):
        config_map.payload({"name": "c", "items": [{"key": "k", "path": "k"}]}, CONFIG_MAP)
    assert config_map.payload({"name": "c", "optional": True}, None) == {}
