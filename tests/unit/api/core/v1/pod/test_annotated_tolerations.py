"""The annotation `scheduler.alpha.kubernetes.io/tolerations`: as Kubernetes 1.36 was seen to answer."""

import pytest

from strongroom.api.core.v1.pod import annotated_tolerations
from strongroom.machinery import names

KEY = annotated_tolerations.KEY
A = "metadata.annotations"
NO_KEY = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'


def errors(text: str) -> list[str]:
    return [str(error) for error in annotated_tolerations.validate({KEY: text}, A)]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '[{"key":"a"}]', '[{"Key":"x","OPERATOR":"Exists","foo":1}]']
)
def test_valid(text: str) -> None:
    assert errors(text) == []
    assert annotated_tolerations.validate({}, A) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "invalid character 'x' looking for beginning of value"),
        ("[", "unexpected end of JSON input"),
        ("{}", "json: cannot unmarshal object into Go value of type []core.Toleration"),
        ("[5]", "json: cannot unmarshal number into Go value of type core.Toleration"),
        ('[{"key":5}]', "json: cannot unmarshal number into Go struct field Toleration.Key of type string"),
        (
            '[{"tolerationSeconds":"x"}]',
            "json: cannot unmarshal string into Go struct field Toleration.TolerationSeconds of type int64",
        ),
    ],
)
def test_unreadable(text: str, why: str) -> None:
    assert errors(text) == [f'{A}: Invalid value: "{KEY}": {why}']


def test_rules_are_those_of_the_field() -> None:
    assert errors('[{"key":"a b","effect":"X"},null]') == [
        f'{A}.{KEY}[0].key: Invalid value: "a b": {names.qualified_name("a b")[0]}',
        f'{A}.{KEY}[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", '
        '"NoExecute"',
        f'{A}.{KEY}[1].operator: Invalid value: "": {NO_KEY}',
    ]
