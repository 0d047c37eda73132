"""The notation of message types."""

import pytest

from strongroom.machinery.codec.types import TypeTable, parse_field, parse_type

TABLE = TypeTable(
    {
        "core.v1.Volume": "1 name string!; 2 +volumeSource VolumeSource",
        "core.v1.VolumeSource": "6 secret *SecretVolumeSource; 2 emptyDir *EmptyDirVolumeSource",
    }
)


@pytest.mark.parametrize(
    ("notation", "kind", "go"),
    [
        ("string", "string", "string"),
        ("SecretType=string", "string", "v1.SecretType"),
        ("types.UID=string", "string", "types.UID"),
        ("map<bytes>", "map", "map[string][]uint8"),
        ("ResourceList=map<Quantity>", "map", "v1.ResourceList"),
        ("[]Container", "list", "[]v1.Container"),
        ("[]FinalizerName=string", "list", "[]v1.FinalizerName"),
        ("map<ExtraValue=[]string>", "map", "map[string]v1.ExtraValue"),
        ("meta.ObjectMeta", "message", "v1.ObjectMeta"),
    ],
)
def test_types_and_their_names_in_go(notation: str, kind: str, go: str) -> None:
    parsed = parse_type(notation, "core.v1")
    assert (parsed.kind, parsed.go) == (kind, go)


def test_messages_are_named_in_full() -> None:
    assert parse_type("meta.ObjectMeta", "core.v1").message == "meta.v1.ObjectMeta"
    assert parse_type("PodSpec", "core.v1").message == "core.v1.PodSpec"


@pytest.mark.parametrize(
    ("text", "zero_counts"),
    [
        ("1 a string", False),
        ("1 a *bool", True),
        ("1 a []string!", True),
        ("1 a Time~", False),
        ("1 a PodSpec", True),
        ("1 a map<string>", False),
    ],
)
def test_when_zero_and_absent_differ(text: str, zero_counts: bool) -> None:
    assert parse_field(text, "core.v1").zero_counts is zero_counts


def test_embedded_messages_are_flat_in_json_and_nested_in_protobuf() -> None:
    assert [field.name for field in TABLE.json_fields("core.v1.Volume")] == ["name", "secret", "emptyDir"]
    assert [field.number for field in TABLE.fields("core.v1.Volume")] == [1, 2]
