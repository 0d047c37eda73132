from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.registry import deletion
from strongroom.registry.deletion import Outcome
from strongroom.registry.options import DeleteOptions

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP, IN_30 = "2026-01-02T03:04:05Z", "2026-01-02T03:04:35Z"


class Plain(Strategy):
    resource = resources.SECRETS
    singular = "secret"


class Graceful(Plain):
    def grace_period(self, obj: Any, asked: int | None) -> int | None:
        return 30 if asked is None else asked


def _object(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "uid": "u", "resourceVersion": "7", **metadata}}


def _decide(strategy: Strategy, obj: dict[str, Any], **options: Any) -> Outcome:
    return deletion.decide(strategy, obj, DeleteOptions(**options), NOW)


def test_plain_object_is_removed() -> None:
    assert _decide(Plain(), _object()) is Outcome.REMOVE
    assert _decide(Plain(), _object(), grace_period_seconds=30) is Outcome.REMOVE


def test_finalizer_marks() -> None:
    obj = _object(finalizers=["x/y"], generation=3)
    assert _decide(Plain(), obj) is Outcome.MARK
    assert obj["metadata"]["deletionTimestamp"] == STAMP
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 0
    assert obj["metadata"]["generation"] == 4
    assert _decide(Plain(), obj) is Outcome.NOTHING


@pytest.mark.parametrize(
    ("present", "options", "after"),
    [
        ([], {"propagation_policy": "Foreground"}, ["foregroundDeletion"]),
        ([], {"propagation_policy": "Orphan"}, ["orphan"]),
        ([], {"orphan_dependents": True}, ["orphan"]),
        (["x/y", "orphan"], {"propagation_policy": "Foreground"}, ["x/y", "foregroundDeletion"]),
        (["x/y", "orphan"], {}, ["x/y", "orphan"]),
        (["x/y", "orphan"], {"propagation_policy": "Background"}, ["x/y"]),
    ],
)
def test_finalizers_of_the_collector(present: list[str], options: dict[str, Any], after: list[str]) -> None:
    obj = _object(finalizers=present)
    assert _decide(Plain(), obj, **options) is Outcome.MARK
    assert obj["metadata"]["finalizers"] == after


@pytest.mark.parametrize("options", [{"propagation_policy": "Background"}, {"orphan_dependents": False}])
def test_background_takes_the_collectors_finalizer_away(options: dict[str, Any]) -> None:
    assert _decide(Plain(), _object(finalizers=["orphan"]), **options) is Outcome.REMOVE


def test_grace_period_is_a_deadline() -> None:
    obj = _object(generation=1)
    assert _decide(Graceful(), obj) is Outcome.MARK
    assert obj["metadata"]["deletionTimestamp"] == IN_30
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 30
    assert obj["metadata"]["generation"] == 2


def test_second_delete_only_shortens() -> None:
    marked = {"deletionTimestamp": IN_30, "deletionGracePeriodSeconds": 30, "generation": 2}
    for asked in (None, 30, 60):
        assert _decide(Graceful(), _object(**marked), grace_period_seconds=asked) is Outcome.NOTHING
    obj = _object(**marked)
    assert _decide(Graceful(), obj, grace_period_seconds=10) is Outcome.MARK
    assert obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:15Z"
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 10
    assert obj["metadata"]["generation"] == 2


def test_no_grace_removes_at_once() -> None:
    assert _decide(Graceful(), _object(), grace_period_seconds=0) is Outcome.REMOVE
    marked = {"deletionTimestamp": IN_30, "deletionGracePeriodSeconds": 30}
    assert _decide(Graceful(), _object(**marked), grace_period_seconds=0) is Outcome.REMOVE


def test_negative_grace_is_one_second() -> None:
    obj = _object()
    assert _decide(Graceful(), obj, grace_period_seconds=-1) is Outcome.MARK
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 1


def test_no_grace_with_a_finalizer_marks() -> None:
    obj = _object(finalizers=["x/y"])
    assert _decide(Graceful(), obj, grace_period_seconds=0) is Outcome.MARK
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 0


@pytest.mark.parametrize(
    ("metadata", "finished"),
    [
        ({}, False),
        ({"deletionTimestamp": STAMP}, True),
        ({"deletionTimestamp": STAMP, "deletionGracePeriodSeconds": 0}, True),
        ({"deletionTimestamp": STAMP, "deletionGracePeriodSeconds": 30}, False),
        ({"deletionTimestamp": STAMP, "finalizers": ["x/y"]}, False),
    ],
)
def test_finished(metadata: dict[str, Any], finished: bool) -> None:
    assert deletion.finished(_object(**metadata)) is finished


def test_preconditions() -> None:
    obj = _object()
    deletion.check_preconditions(resources.SECRETS, obj, DeleteOptions(uid="u", resource_version="7"))
    for options in (DeleteOptions(uid="v"), DeleteOptions(resource_version="8")):
        with pytest.raises(status.StatusError) as refused:
            deletion.check_preconditions(resources.SECRETS, obj, options)
        assert refused.value.code == 409


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (DeleteOptions(uid="v", resource_version="8"), "UID in precondition: v, UID in object meta: u"),
        (
            DeleteOptions(uid="u", resource_version="8"),
            "ResourceVersion in precondition: 8, ResourceVersion in object meta: 7",
        ),
    ],
)
def test_preconditions_of_a_namespace_are_refused_in_words_of_its_own(
    options: DeleteOptions, text: str
) -> None:
    deletion.check_preconditions(
        resources.NAMESPACES, _object(), DeleteOptions(uid="u", resource_version="7")
    )
    with pytest.raises(status.StatusError) as refused:
        deletion.check_preconditions(resources.NAMESPACES, _object(), options)
    expected = f'Operation cannot be fulfilled on namespaces "a": Precondition failed: {text}'
    assert (refused.value.code, str(refused.value)) == (409, expected)
    assert refused.value.details == {"name": "a", "kind": "namespaces"}
