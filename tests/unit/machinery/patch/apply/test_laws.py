"""What holds for any sequence of applies and updates, whatever the documents."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import applying, conflicts, extraction, field_set, manager, updating
from strongroom.machinery.patch.apply.field_set import FieldSet
from strongroom.machinery.patch.apply.manager import Managed, Manager
from strongroom.testing.apply_types import KIND, documents

A, B = manager.applier("a"), manager.applier("b")
EDITOR = manager.updater("editor", "v1")


def apply(live: Object, document: Object, managed: Managed, by: Manager, time: str = "1") -> applying.Applied:
    return applying.apply(live, document, KIND, managed, by, "v1", time, force=True)


def clean(value: Any) -> Any:
    """As decoding leaves objects: without nulls and the maps and lists that are empty."""
    if isinstance(value, dict):
        kept = {name: clean(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, {}, [])}
    return [clean(item) for item in value] if isinstance(value, list) else value


def created(document: Object) -> tuple[Object, Managed]:
    return document, updating.update({}, document, KIND, {}, EDITOR, "0")


def leaves(obj: Object) -> FieldSet:
    return extraction.known_fields(clean(obj), KIND)


@given(documents, documents)
def test_applying_again_changes_nothing(live: Object, document: Object) -> None:
    obj, managed = created(live)
    once = apply(obj, document, managed, A)
    again = apply(once.obj, document, once.managed, A, "2")
    assert again.obj == once.obj
    assert manager.encode(again.managed) == manager.encode(once.managed)


@given(documents, documents)
def test_what_was_applied_is_there(live: Object, document: Object) -> None:
    obj, managed = created(live)
    done = apply(obj, document, managed, A).obj
    for name in ("data", "spec", "metadata"):
        for key, value in document.get(name, {}).items():
            if key in ("labels", "selector"):
                assert value.items() <= done[name][key].items()
            elif key != "finalizers":
                assert done[name][key] == value
    for name in ("type", "command"):
        assert done.get(name) == document.get(name, live.get(name))
    applied = document.get("ports", [])
    found = {(port["port"], port["protocol"]): port for port in done.get("ports", [])}
    assert all(port.items() <= found[port["port"], port["protocol"]].items() for port in applied)
    wanted = [(port["port"], port["protocol"]) for port in applied]
    assert [key for key in found if key in wanted] == wanted


@given(documents, documents, documents)
def test_what_is_given_up_goes_unless_another_owns_it(first: Object, second: Object, other: Object) -> None:
    done = apply({}, first, {}, A)
    done = apply(done.obj, other, done.managed, B)
    before = leaves(done.obj)
    after = apply(done.obj, second, done.managed, A)
    gone = field_set.difference(before, leaves(after.obj))
    others = after.managed[B].fields if B in after.managed else {}
    # Nothing goes that the other owns, or that is applied now.
    assert field_set.intersection(gone, others) == {}
    assert field_set.intersection(gone, leaves(second)) == {}
    # What only the first document had is gone.
    given_up = field_set.difference(extraction.fields(first, KIND), extraction.fields(second, KIND))
    given_up = field_set.difference(given_up, extraction.fields(other, KIND))
    left = field_set.intersection(_scalars(given_up), leaves(after.obj))
    assert left == {}


def _scalars(fields: FieldSet) -> FieldSet:
    """Without the elements of lists, which another may have taken fields of."""
    return {name: node for name, node in fields.items() if name not in ("f:ports", "f:spec")}


@given(documents, documents)
def test_only_changes_of_what_others_own_conflict(live: Object, document: Object) -> None:
    obj, managed = created(live)
    try:
        done = applying.apply(obj, document, KIND, managed, A, "v1", "1")
    except conflicts.Conflicts as found:
        assert list(found.sets) == [EDITOR]
        assert field_set.difference(found.sets[EDITOR], managed[EDITOR].fields) == {}
        assert apply(obj, document, managed, A).obj != obj
    else:
        assert done.managed.get(EDITOR, managed.get(EDITOR)) == managed.get(EDITOR)


@given(st.lists(st.tuples(st.sampled_from([A, B, EDITOR]), documents), min_size=1, max_size=6))
def test_every_owned_path_exists_and_every_applied_path_is_owned(
    writes: list[tuple[Manager, Object]],
) -> None:
    obj: Object = {}
    managed: Managed = {}
    for step, (by, document) in enumerate(writes):
        if by is EDITOR:
            managed = updating.update(obj, document, KIND, managed, by, str(step))
            obj = document
        else:
            obj, managed = apply(obj, document, managed, by, str(step))
            expected = updating.tracked(extraction.fields(document, KIND))
            assert (managed[by].fields if by in managed else {}) == expected
        for owned in managed.values():
            assert owned.fields != {}
            missing = field_set.difference(owned.fields, with_parents(extraction.known_fields(obj, KIND)))
            assert missing == {}


def with_parents(fields: FieldSet) -> FieldSet:
    """With every node on the way."""
    return {
        key: {".": {}, **with_parents(field_set.below(node))} if node else node
        for key, node in fields.items()
    }


@given(documents, documents)
def test_the_wire_form_is_read_back(left: Object, right: Object) -> None:
    _, managed = created(left)
    done = apply(left, right, managed, A)
    assert manager.decode(manager.encode(done.managed)) == done.managed
    for owned in done.managed.values():
        assert field_set.parse(field_set.serialise(owned.fields)) == owned.fields


@given(documents, documents, documents)
def test_sets_are_sets(one: Object, two: Object, three: Object) -> None:
    a, b, c = (extraction.fields(each, KIND) for each in (one, two, three))
    assert field_set.union(a, b) == field_set.union(b, a)
    assert field_set.intersection(a, b) == field_set.intersection(b, a)
    assert field_set.union(field_set.difference(a, b), field_set.intersection(a, b)) == a
    assert field_set.difference(a, field_set.union(b, c)) == field_set.difference(
        field_set.difference(a, b), c
    )
    assert field_set.intersection(field_set.difference(a, b), b) == {}
    both = set(field_set.paths(a)) | set(field_set.paths(b))
    assert set(field_set.paths(field_set.union(a, b))) == both
