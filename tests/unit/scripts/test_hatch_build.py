"""The generator of the schemas: it refuses sources that disagree, and gives equal bytes for equal sources."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "hatch_build.py"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def chosen(build: ModuleType) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = build.wanted(build.definitions())
    return found


def test_the_sources_agree(build: ModuleType, chosen: dict[str, dict[str, Any]]) -> None:
    assert build.disagreements(build.table(), chosen) == []


def test_a_field_that_only_one_source_has_is_told(
    build: ModuleType, chosen: dict[str, dict[str, Any]]
) -> None:
    messages = build.table()
    messages["core.v1.Secret"] = messages["core.v1.Secret"].replace("5 immutable *bool", "5 frozen *bool")
    del messages["core.v1.Taint"]
    assert build.disagreements(messages, chosen) == [
        "core.v1.Secret.immutable: not in the table",
        "core.v1.Secret.frozen: not in the definitions",
        "core.v1.Taint is not in the table",
    ]


def test_null_is_no_type_and_references_point_into_components(build: ModuleType) -> None:
    definition = {
        "type": ["object", "null"],
        "properties": {
            "kind": {"type": ["string", "null"], "enum": ["Secret"]},
            "type": {"type": ["string", "null"]},
            "metadata": {"$ref": "#/$defs/io.k8s.x.ObjectMeta", "description": "d"},
            "items": {"type": ["array", "null"], "items": {"$ref": "#/$defs/io.k8s.x.Item"}},
        },
    }
    assert build.polish("io.k8s.api.core.v1.Secret", definition) == {
        "type": "object",
        "properties": {
            "kind": {"type": "string"},
            "type": {"type": "string"},
            "metadata": {
                "allOf": [{"$ref": "#/components/schemas/io.k8s.x.ObjectMeta"}],
                "description": "d",
            },
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/io.k8s.x.Item"}},
        },
    }


@pytest.mark.slow
def test_equal_sources_give_equal_bytes_and_the_licence_beside(build: ModuleType, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        (tmp_path / name / "src/strongroom/api").mkdir(parents=True)
        written.append(build.write(tmp_path / name))
    assert written[0].read_bytes() == written[1].read_bytes()
    assert "Apache License" in written[0].with_suffix(".LICENSE.txt").read_text()
    assert sorted(path.name for path in written[0].parent.iterdir()) == [
        "_generated_schema.LICENSE.txt",
        "_generated_schema.zip",
    ]


def test_owners_fall_back_to_merge_keys(build: ModuleType) -> None:
    fields = {
        "keyed": {"x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "name"},
        "set": {"x-kubernetes-patch-strategy": "merge"},
        "told": {
            "x-kubernetes-list-type": "atomic",
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "ip",
        },
        "keys": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"]},
        "silent": {"type": "array"},
    }
    found = build.owners({"x.v1.A": {"properties": fields}, "x.v1.B": {"x-kubernetes-map-type": "atomic"}})
    assert found["atomic"] == ["x.v1.B"]
    assert found["fields"] == {"x.v1.A": {"keyed": "name", "set": "set", "told": "atomic", "keys": "a,b"}}


def test_enumerations_are_told_with_their_fields(build: ModuleType) -> None:
    messages = build.table()
    assert build.field_types(messages, "core.v1.PodSpec")["restartPolicy"] == "RestartPolicy"
    assert build.field_types(messages, "core.v1.EphemeralContainer")["imagePullPolicy"] == "PullPolicy"
    assert build.field_types(messages, "core.v1.ServiceSpec")["ipFamilies"] == "IPFamily"
    definition = {
        "properties": {
            "one": {"type": "string", "description": "One."},
            "many": {"type": "array", "items": {"type": "string"}, "description": "Many."},
            "other": {"type": "string", "description": "Other."},
        }
    }
    types = {"one": "Letter", "many": "Letter", "other": "Name"}
    build.enumerate_values(definition, types, {"Letter": ["", "A"]})
    assert definition["properties"] == {
        "one": {
            "type": "string",
            "description": 'One.\n\nPossible enum values:\n - `""`\n - `"A"`',
            "enum": ["", "A"],
        },
        "many": {"type": "array", "items": {"type": "string", "enum": ["", "A"]}, "description": "Many."},
        "other": {"type": "string", "description": "Other."},
    }


def test_every_enumeration_is_the_type_of_a_field(build: ModuleType) -> None:
    messages = build.table()
    used = {name for message in messages for name in build.field_types(messages, message).values()}
    assert set(build.enums()) <= used
    assert build.enums()["PullPolicy"] == ["Always", "IfNotPresent", "Never"]
