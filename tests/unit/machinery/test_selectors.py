"""Label and field selectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery import selectors
from strongroom.machinery.selectors import SelectorError

LABELS = {"app": "web", "tier": "front", "n": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app", True),
        ("none", False),
        ("!app", False),
        ("!none", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("none!=web", True),
        ("app in (web,db)", True),
        ("app in (db)", False),
        ("none in (web)", False),
        ("app notin (db, x)", True),
        ("app notin (web)", False),
        ("none notin (web)", True),
        ("n>4", True),
        ("n>5", False),
        ("n<6", True),
        ("app>1", False),
        ("none<1", False),
        ("empty=", True),
        ("empty in ()", True),
        ("empty in (,a)", True),
        ("app=,tier", False),
        ("app in (web),tier notin (back),!none", True),
        ("in in (a)", False),
        ("app=in", False),
        ("example.com/a", False),
    ],
)
def test_labels(text: str, matches: bool) -> None:
    assert selectors.parse_labels(text).matches(LABELS) is matches


def test_no_labels_at_all() -> None:
    assert selectors.parse_labels("!a").matches(None)
    assert not selectors.parse_labels("a").matches(None)


QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=(b)", "unable to parse requirement: found '(', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("-a=b", f'unable to parse requirement: <nil>: Invalid value: "-a": {QUALIFIED}'),
        ("a=-b", f'unable to parse requirement: values[0][a]: Invalid value: "-b": {VALUE}'),
        (
            "a>b",
            "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the "
            "value "
            "must be an integer",
        ),
    ],
)
def test_label_errors(text: str, error: str) -> None:
    with pytest.raises(SelectorError) as caught:
        selectors.parse_labels(text)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("b=1,a", "a,b=1"),
        ("a in (z,b,z)", "a in (b,z)"),
        ("!a", "!a"),
        ("a>1,b<2", "a>1,b<2"),
        ("a!=b", "a!=b"),
    ],
)
def test_label_selectors_show_in_canonical_form(text: str, shown: str) -> None:
    assert str(selectors.parse_labels(text)) == shown


def test_objects() -> None:
    selector = selectors.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]},
                {"key": "x", "operator": "DoesNotExist"},
                {"key": "n", "operator": "Exists"},
                {"key": "app", "operator": "NotIn", "values": ["db"]},
            ],
        }
    )
    assert selector is not None
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "x": ""})
    assert selectors.from_object(None) is None
    everything = selectors.from_object({})
    assert everything is not None and everything.empty


def test_bad_object() -> None:
    with pytest.raises(SelectorError) as caught:
        selectors.from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})
    assert str(caught.value) == '"Near" is not a valid label selector operator'


FIELDS = {"metadata.name": "a", "type": "x,y=z\\"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=a", True),
        ("metadata.name==a", True),
        ("metadata.name!=a", False),
        ("metadata.name=b", False),
        ("metadata.name=a,", True),
        (r"type=x\,y\=z\\", True),
        (r"metadata.name=a,type!=x\,y\=z\\", False),
        ("unset=", True),
        ("unset!=", False),
    ],
)
def test_fields(text: str, matches: bool) -> None:
    assert selectors.parse_fields(text).matches(FIELDS) is matches


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=\n", r"invalid field selector: invalid escape sequence: \n"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_field_errors(text: str, error: str) -> None:
    with pytest.raises(SelectorError) as caught:
        selectors.parse_fields(text)
    assert str(caught.value) == error


def test_requires_exact() -> None:
    selector = selectors.parse_fields("metadata.name=a,type!=b")
    assert selector.requires_exact("metadata.name") == "a"
    assert selector.requires_exact("type") is None
    assert selector.requires_exact("other") is None


@given(st.text(max_size=8), st.text(max_size=8), st.booleans())
def test_what_is_escaped_is_read_back(value: str, other: str, equal: bool) -> None:
    operator = "=" if equal else "!="
    selector = selectors.parse_fields(f"f{operator}{selectors.escape_field_value(value)}")
    assert selector.terms == (selectors.FieldTerm("f", value, equal),)
    assert selectors.parse_fields(str(selector)) == selector
    assert selector.matches({"f": other}) is ((value == other) is equal)


names = st.sampled_from(["a", "b", "example.com/c"])
terms = st.one_of(
    names,
    names.map(lambda key: "!" + key),
    st.builds("{}{}{}".format, names, st.sampled_from(["=", "==", "!="]), st.sampled_from(["", "x", "1"])),
    st.builds(
        "{} {} ({})".format, names, st.sampled_from(["in", "notin"]), st.sampled_from(["x", "x,y", ""])
    ),
    st.builds("{}{}{}".format, names, st.sampled_from("<>"), st.integers(0, 9)),
)


@given(
    st.lists(terms, max_size=4).map(",".join), st.dictionaries(names, st.sampled_from(["x", "y", "", "3"]))
)
def test_the_canonical_form_selects_the_same(text: str, labels: dict[str, str]) -> None:
    selector = selectors.parse_labels(text)
    assert selectors.parse_labels(str(selector)).matches(labels) is selector.matches(labels)


EXPRESSIONS = st.tuples(
    names,
    st.sampled_from(["=", "==", "!=", "in", "notin", "exists", "!", ">", "<"]),
    st.lists(st.sampled_from(["x", "y", "", "1", "3"]), min_size=1, max_size=3),
)
OBJECTS = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}


def written(key: str, operator: str, values: list[str]) -> str:
    """The expression as text."""
    match operator:
        case "exists":
            return key
        case "!":
            return f"!{key}"
        case "in" | "notin":
            return f"{key} {operator} ({','.join(values)})"
        case "<" | ">":
            return f"{key}{operator}3"
    return f"{key}{operator}{values[0]}"


def holds(key: str, operator: str, values: list[str], labels: dict[str, str]) -> bool:
    """What the documentation of labels says of the expression."""
    match operator:
        case "exists":
            return key in labels
        case "!":
            return key not in labels
        case "in":
            return key in labels and labels[key] in values
        case "notin":
            return not (key in labels and labels[key] in values)
        case "!=":
            return not (key in labels and labels[key] == values[0])
        case ">":
            return labels.get(key, "").isdecimal() and int(labels[key]) > 3
        case "<":
            return labels.get(key, "").isdecimal() and int(labels[key]) < 3
    return key in labels and labels[key] == values[0]


LABELLED = st.dictionaries(names, st.sampled_from(["x", "y", "", "1", "3", "4"]))


@given(st.lists(EXPRESSIONS, max_size=3), LABELLED)
def test_labels_are_selected_when_every_expression_holds(
    expressions: list[tuple[str, str, list[str]]], labels: dict[str, str]
) -> None:
    expected = all(holds(*each, labels) for each in expressions)
    text = ",".join(written(*each) for each in expressions)
    selector = selectors.parse_labels(text)
    assert selector.matches(labels) is expected
    assert selectors.parse_labels(str(selector)) == selector
    made = {
        "matchLabels": {key: values[0] for key, operator, values in expressions if operator == "="},
        "matchExpressions": [
            {
                "key": key,
                "operator": OBJECTS[operator],
                "values": [] if operator in ("exists", "!") else values,
            }
            for key, operator, values in expressions
            if operator in OBJECTS
        ],
    }
    kept = [(key, "=", [value]) for key, value in made["matchLabels"].items()]  # type: ignore[attr-defined]
    kept += [each for each in expressions if each[1] in OBJECTS]
    selected = selectors.from_object(made)
    assert selected is not None
    assert selected.matches(labels) is all(holds(*each, labels) for each in kept)


FIELD_TERMS = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["=", "==", "!="]), st.text(",=\\x", max_size=3)
)


@given(
    st.lists(FIELD_TERMS, max_size=3), st.dictionaries(st.sampled_from("ab"), st.text(",=\\x", max_size=3))
)
def test_fields_are_selected_when_every_term_holds(
    chosen: list[tuple[str, str, str]], fields: dict[str, str]
) -> None:
    text = ",".join(name + operator + selectors.escape_field_value(value) for name, operator, value in chosen)
    selector = selectors.parse_fields(text)
    expected = all((fields.get(name, "") == value) is (operator != "!=") for name, operator, value in chosen)
    assert selector.matches(fields) is expected
    for name in "ab":
        exact: set[str | None] = {
            value for field, operator, value in chosen if field == name and operator != "!="
        }
        assert selector.requires_exact(name) in (exact or {None})
