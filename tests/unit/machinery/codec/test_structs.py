"""Decoded JSON to objects, on a small table of types."""

import pytest

from strongroom.machinery.codec import structs
from strongroom.machinery.codec.errors import TypeMismatch
from strongroom.machinery.codec.types import TypeTable

TABLE = TypeTable(
    {
        "t.v1.Thing": "1 name string; 2 meta *Meta; 3 spec *Spec; 4 parts []Part",
        "t.v1.Meta": "1 labels map<string>; 2 created Time~; 3 seen *Time; 4 fields *FieldsV1",
        "t.v1.Spec": "1 replicas *int32; 2 count int64; 3 on bool; 4 ratio double; 5 port IntOrString; "
        "6 limits ResourceList=map<Quantity>; 7 data map<bytes>; 8 kind Kind=string!; 9 names []string",
        "t.v1.Part": "1 name string!; 2 +source Source; 3 args []string!",
        "t.v1.Source": "1 secret *Ref",
        "t.v1.Ref": "1 name string; 2 optional *bool",
    }
)
DECODE = structs.Structs(TABLE).decoder("t.v1.Thing")


def decode(value: dict[str, object]) -> object:
    return DECODE(value, None, structs.Walk())


def spec(**fields: object) -> object:
    decoded = decode({"spec": fields})
    assert isinstance(decoded, dict)
    return decoded["spec"]


def test_fields_come_in_the_order_of_the_kind_and_map_keys_sorted() -> None:
    decoded = decode({"parts": [], "meta": {"labels": {"b": "2", "a": "1"}}, "name": "x"})
    assert isinstance(decoded, dict)
    assert list(decoded) == ["name", "meta"]
    assert list(decoded["meta"]["labels"]) == ["a", "b"]


def test_what_goes_in_is_not_changed_and_not_shared() -> None:
    value: dict[str, object] = {"meta": {"labels": {"a": "1"}, "x": 1}, "parts": [{"args": ["q"]}]}
    decoded = decode(value)
    assert value == {"meta": {"labels": {"a": "1"}, "x": 1}, "parts": [{"args": ["q"]}]}
    assert isinstance(decoded, dict)
    decoded["meta"]["labels"]["a"] = "2"
    decoded["parts"][0]["args"].append("r")
    assert value["meta"] == {"labels": {"a": "1"}, "x": 1}
    assert value["parts"] == [{"args": ["q"]}]


def test_zeros_stay_only_where_go_prints_them() -> None:
    assert spec(replicas=0, count=0, on=False, kind="", names=[], data={}) == {"replicas": 0, "kind": ""}
    assert decode({"parts": [{"name": "", "args": [], "secret": {"name": "", "optional": False}}]}) == {
        "parts": [{"name": "", "secret": {"optional": False}, "args": None}]
    }


def test_what_go_prints_in_any_case() -> None:
    table = TypeTable(
        {
            "t.v1.Thing": "1 inner Inner; 2 left Inner~; 3 other *Inner; 4 at Time; 5 micro MicroTime!",
            "t.v1.Inner": "1 name string!; 2 count int32!; 3 on bool!; 4 list []string!; 5 far *string; "
            "6 near *string!; 7 rest map<string>!",
        }
    )
    inner = {"name": "", "count": 0, "on": False, "list": None, "near": None, "rest": None}
    read = structs.Structs(table).decoder("t.v1.Thing")
    assert read({}, None, structs.Walk()) == {"inner": inner, "at": None, "micro": None}
    found = read({"other": {"count": 2, "list": []}, "at": "2026-01-02T03:04:05Z"}, None, structs.Walk())
    other = {**inner, "count": 2}
    assert found == {"inner": inner, "other": other, "at": "2026-01-02T03:04:05Z", "micro": None}
    assert list(found) == ["inner", "other", "at", "micro"]


def test_nulls_are_absent_fields_and_zero_elements() -> None:
    assert decode({"name": None, "meta": None, "spec": {"names": ["a", None], "data": {"k": None}}}) == {
        "spec": {"data": {"k": ""}, "kind": "", "names": ["a", ""]}
    }
    assert decode({"parts": [None]}) == {"parts": [{"name": "", "args": None}]}


def test_times_and_quantities_take_their_one_form() -> None:
    assert decode({"meta": {"created": "2026-01-01T01:00:00+01:00", "seen": "0001-01-01T00:00:00Z"}}) == {
        "meta": {"created": "2026-01-01T00:00:00Z"}
    }
    assert spec(limits={"cpu": 0.5, "memory": "1024Mi"}, port="http") == {
        "port": "http",
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "kind": "",
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"name": 1}, "number into Go struct field Thing.name of type string"),
        ({"meta": []}, "array into Go struct field Thing.meta of type v1.Meta"),
        ({"meta": {"labels": {"a": True}}}, "bool into Go struct field Meta.meta.labels of type string"),
        ({"meta": {"labels": "x"}}, "string into Go struct field Meta.meta.labels of type map[string]string"),
        ({"meta": {"created": 5}}, "number into Go struct field Meta.meta.created of type string"),
        ({"spec": {"replicas": "3"}}, "string into Go struct field Spec.spec.replicas of type int32"),
        ({"spec": {"replicas": True}}, "bool into Go struct field Spec.spec.replicas of type int32"),
        ({"spec": {"replicas": 1.5}}, "number 1.5 into Go struct field Spec.spec.replicas of type int32"),
        (
            {"spec": {"replicas": 2**31}},
            "number 2147483648 into Go struct field Spec.spec.replicas of type int32",
        ),
        ({"spec": {"count": 2**63}}, f"number {2**63} into Go struct field Spec.spec.count of type int64"),
        ({"spec": {"on": "yes"}}, "string into Go struct field Spec.spec.on of type bool"),
        ({"spec": {"ratio": "1"}}, "string into Go struct field Spec.spec.ratio of type float64"),
        ({"spec": {"port": 1.5}}, "number 1.5 into Go struct field Spec.spec.port of type int32"),
        ({"spec": {"kind": {}}}, "object into Go struct field Spec.spec.kind of type v1.Kind"),
        ({"spec": {"data": {"k": 1}}}, "number into Go struct field Spec.spec.data of type []uint8"),
        ({"spec": {"limits": []}}, "array into Go struct field Spec.spec.limits of type v1.ResourceList"),
        ({"parts": {}}, "object into Go struct field Thing.parts of type []v1.Part"),
        ({"parts": [{}, 1]}, "number into Go struct field Thing.parts of type v1.Part"),
        ({"parts": [{"args": ["a", 1]}]}, "number into Go struct field Part.parts.args of type string"),
        (
            {"parts": [{"secret": {"name": 1}}]},
            "number into Go struct field Ref.parts.Source.secret.name of type string",
        ),
    ],
)
def test_wrong_types_in_the_words_of_go(value: dict[str, object], why: str) -> None:
    with pytest.raises(TypeMismatch) as caught:
        decode(value)
    assert str(caught.value) == f"json: cannot unmarshal {why}"


def test_unknown_fields_are_left_out_and_told() -> None:
    walk = structs.Walk()
    value = {"x": 1, "meta": {"y": {"z": 1}}, "parts": [{"name": "a"}, {"source": {}, "secret": {"q": 1}}]}
    assert DECODE(value, None, walk) == {
        "meta": {},
        "parts": [{"name": "a", "args": None}, {"name": "", "secret": {}, "args": None}],
    }
    assert {structs.render(path) for path in walk.unknown} == {
        "x",
        "meta.y",
        "parts[1].source",
        "parts[1].secret.q",
    }


def test_free_json_is_kept_as_it_is_up_to_a_depth() -> None:
    assert decode({"meta": {"fields": {"f:a": {}}}}) == {"meta": {"fields": {"f:a": {}}}}
    deep: object = {}
    for _ in range(structs.MAX_RAW_DEPTH + 1):
        deep = {"f:a": deep}
    with pytest.raises(TypeMismatch, match="exceeded max depth"):
        decode({"meta": {"fields": deep}})


def test_keys_of_all_known_dicts_are_counted() -> None:
    walk = structs.Walk()
    DECODE({"name": "a", "meta": {"labels": {"x": "1", "y": "2"}}, "parts": [{"name": "n"}]}, None, walk)
    assert walk.keys == 3 + 1 + 2 + 1
