"""EncryptionConfiguration: what upstream takes, and one line that names the field for what it refuses."""

import base64
from typing import Any

import pytest
import yaml

from strongroom.encryption import config
from strongroom.encryption.config import KMS, Identity, Keys

KEY = base64.b64encode(bytes(32)).decode()


def document(*blocks: Any) -> str:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return yaml.safe_dump({**head, "resources": list(blocks)})


def block(*providers: Any, resources: Any = ("secrets",)) -> dict[str, Any]:
    return {"resources": list(resources), "providers": list(providers)}


def keys(kind: str, secret: str = KEY, name: str = "key1") -> dict[str, Any]:
    return {kind: {"keys": [{"name": name, "secret": secret}]}}


def kms(**fields: Any) -> dict[str, Any]:
    return {"kms": {"apiVersion": "v2", "name": "own", "endpoint": "unix:///run/kms.sock", **fields}}


def test_every_provider_is_understood_in_its_order() -> None:
    text = document(
        block(keys("aesgcm"), keys("aescbc"), keys("secretbox"), kms(timeout="1m500ms"), {"identity": {}})
    )
    (only,) = config.parse(text)
    kinds = [each.kind if isinstance(each, Keys) else type(each) for each in only.providers]
    assert kinds == ["aesgcm", "aescbc", "secretbox", KMS, Identity]
    assert only.providers[3] == KMS("own", "unix:///run/kms.sock", 60.5)
    assert isinstance(only.providers[0], Keys)
    assert only.providers[0].keys["key1"].reveal() == bytes(32)
    assert KEY not in repr(only) and str(bytes(32)) not in repr(only)


def test_the_first_block_that_holds_a_resource_wins() -> None:
    blocks = config.parse(
        document(
            block({"identity": {}}, resources=["events", "configmaps."]),
            block(keys("aesgcm"), resources=["secrets", "*.apps"]),
            block(keys("aescbc"), resources=["*."]),
        )
    )
    found = {
        (name, group): chosen and list(blocks).index(chosen)
        for name, group in [
            ("secrets", ""),
            ("configmaps", ""),
            ("pods", ""),
            ("deployments", "apps"),
            ("events", "events.k8s.io"),
            ("roles", "rbac.authorization.k8s.io"),
        ]
        if (chosen := config.block_for(blocks, name, group)) or True
    }
    assert list(found.values()) == [1, 0, 2, 1, None, None]
    everything = config.parse(document(block(keys("aesgcm"), resources=["*.*"])))
    assert config.block_for(everything, "roles", "rbac.authorization.k8s.io") is everything[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: [", "line 1: not YAML"),
        ("- a", "not a mapping"),
        ("kind: EncryptionConfiguration\napiVersion: v9\nresources: []", "apiserver.config.k8s.io/v1"),
        (document(), "resources: a list"),
        (document(block()), "resources[0].providers: a list"),
        (document(block({"identity": {}}, resources=[])), "resources[0].resources: a list"),
        (document(block({"identity": {}}, resources=["Se crets"])), "resources[0].resources[0]"),
        (document(block({"identity": {}}), block({"identity": {}})), "'secrets' occurs twice"),
        (document(block({"rot13": {}})), "unknown field 'rot13'"),
        (document(block({"identity": {}, **keys("aesgcm")})), "exactly one provider"),
        (document(block(keys("aesgcm", secret="?"))), "aesgcm.keys[0].secret: not base64"),
        (document(block(keys("aesgcm", secret="AAAA"))), "3 bytes, but 16 or 24 or 32"),
        (document(block(keys("secretbox", secret=base64.b64encode(bytes(16)).decode()))), "but 32 are"),
        (document(block(keys("aesgcm", name="a:b"))), "without colons"),
        (document(block({"aesgcm": {"keys": [{"name": "a", "secret": KEY}] * 2}})), "'a' occurs twice"),
        (document(block(kms(apiVersion="v1"))), "kms.apiVersion: v2"),
        (document(block(kms(endpoint="tcp://x"))), "kms.endpoint"),
        (document(block(kms(timeout="soon"))), "kms.timeout"),
        (document(block(kms(name="a:b"))), "kms.name"),
        (document(block(kms(cachesize=3))), "kms.cachesize"),
        (document(block(kms()), block(kms(), resources=["configmaps"])), "'own' occurs twice"),
        (document(block({"identity": {}}), "x"), "resources[1]: not a mapping"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(text: str, named: str) -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.parse(text)
    assert named in str(refused.value) and "\n" not in str(refused.value)


def test_no_error_holds_a_key() -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.parse(document(block(keys("aesgcm", secret="c2VjcmV0LWNhbmFyeQ=="))))
    assert "canary" not in str(refused.value) and "c2Vjc" not in str(refused.value)
