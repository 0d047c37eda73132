"""The selectors of workloads are parsed once, and forgotten with them."""

from typing import Any

from strongroom.controllers import selection
from strongroom.machinery.gvk import Object


def workload(name: str, selector: Any, namespace: str = "n") -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"selector": selector}}


def test_those_that_choose_an_object() -> None:
    known = selection.Selectors()
    web = workload("web", {"matchLabels": {"app": "web"}})
    known.changed("ADDED", web)
    known.changed("ADDED", workload("db", {"matchLabels": {"app": "db"}}))
    known.changed("ADDED", workload("other", {"matchLabels": {"app": "web"}}, "elsewhere"))
    known.changed("MODIFIED", web)
    assert known.matching("n", {"app": "web", "x": "y"}) == ["web"]
    assert known.matching("n", None) == []
    assert known.matching("nowhere", {"app": "web"}) == []
    selector = known.of(web)
    assert selector is not None
    assert str(selector) == "app=web"
    known.changed("DELETED", web)
    assert (known.matching("n", {"app": "web"}), known.of(web)) == ([], None)


def test_a_selector_that_is_empty_or_broken_chooses_nothing() -> None:
    known = selection.Selectors()
    broken = {"matchExpressions": [{"key": "a", "operator": "Like"}]}
    for number, selector in enumerate([None, {}, broken]):
        known.changed("ADDED", workload(f"w{number}", selector))
    assert known.matching("n", {"a": "b"}) == []
    known.changed("DELETED", workload("w0", None))
