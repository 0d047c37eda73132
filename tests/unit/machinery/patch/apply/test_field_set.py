import pytest

from strongroom.machinery.patch.apply import field_set


def test_parse_leaves_out_what_a_newer_version_may_write() -> None:
    value: dict[str, object] = {
        ".": {},
        "f:a": {".": {}},
        "x:later": {},
        "plain": {},
        'k:{"b":1, "a":2}': {".": {}, "f:c": {}},
    }
    assert field_set.parse(value) == {"f:a": {}, 'k:{"a":2,"b":1}': {".": {}, "f:c": {}}}


@pytest.mark.parametrize("value", [[], "f:a", {"f:a": []}, {"k:[1]": {}}, {"i:true": {}}, {"v:{": {}}])
def test_parse_refuses(value: object) -> None:
    with pytest.raises(ValueError):
        field_set.parse(value)


def test_parse_refuses_depth_without_end() -> None:
    value: dict[str, object] = {}
    for _ in range(1000):
        value = {"f:a": value}
    with pytest.raises(ValueError):
        field_set.parse(value)


def test_order_is_upstreams() -> None:
    fields: field_set.FieldSet = {
        "i:0": {},
        'v:"b"': {},
        'k:{"n":1}': {"f:x": {}, ".": {}},
        "f:b": {},
        "f:a": {},
    }
    assert list(field_set.serialise(fields)) == ["f:a", "f:b", 'k:{"n":1}', 'v:"b"', "i:0"]
    assert list(field_set.serialise(fields)['k:{"n":1}']) == [".", "f:x"]


def test_paths_as_messages_show_them() -> None:
    fields = {
        "f:spec": {
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:host": {}}},
            "f:args": {"i:0": {}},
        },
        "f:metadata": {"f:finalizers": {'v:"x/y"': {}}, "f:labels": {"f:app.kubernetes.io/name": {}}},
    }
    assert list(field_set.paths(fields)) == [
        '.metadata.finalizers[="x/y"]',
        ".metadata.labels.app.kubernetes.io/name",
        ".spec.args[0]",
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].host',
    ]


def test_a_path_and_one_below_it_are_two_members() -> None:
    both: field_set.FieldSet = {"f:data": {".": {}, "f:k": {}}}
    assert field_set.difference(both, {"f:data": {}}) == {"f:data": {"f:k": {}}}
    assert field_set.difference(both, {"f:data": {"f:k": {}}}) == {"f:data": {}}
    assert field_set.intersection(both, {"f:data": {}}) == {"f:data": {}}
    assert field_set.intersection({"f:data": {}}, {"f:data": {"f:k": {}}}) == {}
    assert field_set.union({"f:data": {}}, {"f:data": {"f:k": {}}}) == both
