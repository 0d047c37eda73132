"""What covers what, held against the requests that rules allow: one by one, from a small world."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.machinery.request_info import RequestInfo
from strongroom.server.authorization import cover
from strongroom.server.authorization.rules import Rule

OTHER = "other"
"""Stands for all that no rule names: a wildcard allows it, and nothing else does."""
INFOS = [
    *(
        RequestInfo(True, verb, "", group, "v1", "n", resource, subresource, name)
        for verb, group, resource, subresource, name in itertools.product(
            ("get", "list", OTHER),
            ("", "apps", OTHER),
            ("pods", "secrets", OTHER),
            ("", "log", OTHER),
            ("", "a", "b", OTHER),
        )
    ),
    *(
        RequestInfo(False, verb, path)
        for verb in ("get", "list", OTHER)
        for path in ("/", "/api", "/api/", "/api/v1", "/api/other", "/metrics", "/other")
    ),
]


def some(*values: str, least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True).map(tuple)


verbs = some("get", "list", "*")
on_resources = st.builds(
    Rule,
    verbs,
    some("", "apps", "*"),
    some("pods", "secrets", "pods/log", "*/log", "*"),
    st.just(()),
    some("a", "b", least=0),
)
on_paths = st.builds(
    lambda verbs, paths: Rule(verbs, paths=paths), verbs, some("/api", "/api/*", "/api/v1", "*", "/metrics")
)
rules = st.lists(on_resources | on_paths, min_size=1, max_size=3)


def allowed(held: list[Rule]) -> set[int]:
    return {number for number, info in enumerate(INFOS) if any(rule.allows(info) for rule in held)}


@settings(max_examples=150, deadline=None)
@given(rules, rules)
def test_what_is_covered_allows_nothing_new_and_each_part_that_is_not_does(
    held: list[Rule], wanted: list[Rule]
) -> None:
    lacking = cover.uncovered(held, wanted)
    may = allowed(held)
    assert allowed(wanted) <= may | allowed(lacking)
    for part in lacking:
        assert not allowed([part]) <= may, part
    assert cover.uncovered([*held, *lacking], wanted) == []


@given(rules)
def test_everybody_covers_themselves_and_all_is_covered_by_all(held: list[Rule]) -> None:
    assert cover.uncovered(held, held) == []
    everything = Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",))
    assert cover.uncovered(everything, held) == []


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (Rule(("get",), paths=("/api",)), Rule(("get",), paths=("/metrics",))),
        (Rule(("get",), paths=("/api",)), Rule(("get",), paths=("/api/*",))),
        (Rule(("get",), ("",), ("pods",)), Rule(("get",), paths=("/api",))),
        (Rule(("get",), paths=("*",)), Rule(("get",), ("",), ("pods",))),
        (Rule(("get",), ("",), ("pods",), (), ("a",)), Rule(("get",), ("",), ("pods",))),
        (Rule(("get",), ("",), ("pods",), (), ("a",)), Rule(("get",), ("",), ("pods",), (), ("b",))),
    ],
)
def test_nobody_grants_paths_or_names_that_they_lack(held: Rule, wanted: Rule) -> None:
    assert cover.uncovered([held], [wanted]) == [wanted]


def test_combinations_are_counted_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cover, "LIMIT", 4)
    four = Rule(("get", "list"), ("", "apps"), ("pods",))
    assert len(cover.uncovered([], [four])) == 4
    with pytest.raises(cover.TooMany):
        cover.uncovered([], [four, Rule(("get",), ("",), ("secrets",))])
