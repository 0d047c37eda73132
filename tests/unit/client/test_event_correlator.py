"""New, counted up, combined or dropped."""

from hypothesis import given
from hypothesis import strategies as st

from strongroom.client import event_correlator
from strongroom.client.event_correlator import Create, Happening, Patch

POD = {"kind": "Pod", "namespace": "n", "name": "p", "uid": "u", "apiVersion": "v1"}
START = 1_767_323_045_000_000_000  # 2026-01-02T03:04:05Z


def _happening(
    message: str = "m", *, at: float = 0.0, reason: str = "Created", involved: dict[str, str] = POD
) -> Happening:
    return Happening(involved, "Normal", reason, message, START + int(at * 1e9), at)


def _correlator() -> event_correlator.EventCorrelator:
    return event_correlator.EventCorrelator("kubelet", "node-1")


def test_the_first_is_an_event_as_kubernetes_names_it() -> None:
    action = _correlator().correlate(_happening("Container created"))
    assert isinstance(action, Create)
    assert action.namespace == "n"
    assert action.event == {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": f"p.{START:x}", "namespace": "n"},
        "involvedObject": POD,
        "reason": "Created",
        "message": "Container created",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "lastTimestamp": "2026-01-02T03:04:05Z",
        "count": 1,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": "kubelet",
        "reportingInstance": "node-1",
    }


def test_a_controller_has_no_host_and_a_node_event_goes_to_default() -> None:
    node = {"kind": "Node", "name": "node-1", "uid": "node-1"}
    action = event_correlator.EventCorrelator("scheduler", "").correlate(_happening(involved=node))
    assert isinstance(action, Create)
    assert action.event["source"] == {"component": "scheduler"}
    assert action.namespace == action.event["metadata"]["namespace"] == "default"


def test_a_repeat_counts_up_under_the_first_name() -> None:
    correlator = _correlator()
    correlator.correlate(_happening())
    correlator.correlate(_happening(at=5))
    action = correlator.correlate(_happening(at=60))
    assert isinstance(action, Patch)
    assert action.name == f"p.{START:x}"
    assert action.patch == {"message": "m", "count": 3, "lastTimestamp": "2026-01-02T03:05:05Z"}
    assert action.event["firstTimestamp"] == "2026-01-02T03:04:05Z"
    assert action.event["count"] == 3


def test_another_reason_message_object_or_container_is_another_event() -> None:
    correlator = _correlator()
    different = [
        _happening(),
        _happening(reason="Started"),
        _happening("other"),
        _happening(involved=POD | {"uid": "v"}),
        _happening(involved=POD | {"fieldPath": "spec.containers{c}"}),
    ]
    assert [type(correlator.correlate(h)) for h in different] == [Create] * 5


def test_many_messages_that_are_alike_become_one_combined_event() -> None:
    correlator = _correlator()
    actions = [correlator.correlate(_happening(f"m{n}", at=n)) for n in range(12)]
    assert [type(action) for action in actions] == [Create] * 10 + [Patch] * 2
    assert isinstance(actions[9], Create)
    assert actions[9].event["message"] == "(combined from similar events): m9"
    assert isinstance(actions[11], Patch)
    assert actions[11].patch["count"] == 3
    assert actions[11].patch["message"] == "(combined from similar events): m11"


def test_after_ten_quiet_minutes_messages_are_told_apart_again() -> None:
    correlator = _correlator()
    for n in range(12):
        correlator.correlate(_happening(f"m{n}", at=n))
    action = correlator.correlate(_happening("later", at=11 + 601))
    assert isinstance(action, Create)
    assert action.event["message"] == "later"


def test_one_object_is_spoken_of_25_times_and_then_once_in_five_minutes() -> None:
    correlator = _correlator()
    assert sum(correlator.correlate(_happening(at=0)) is not None for _ in range(40)) == 25
    assert correlator.correlate(_happening(at=299)) is None
    assert correlator.correlate(_happening(at=301)) is not None
    assert correlator.correlate(_happening(at=301)) is None
    assert correlator.correlate(_happening(involved=POD | {"uid": "v"}, at=301)) is not None


def test_what_was_not_stored_is_forgotten() -> None:
    correlator = _correlator()
    action = correlator.correlate(_happening())
    assert action is not None
    correlator.forget(action.key)
    assert isinstance(correlator.correlate(_happening(at=1)), Create)


def test_a_reference_says_what_the_object_says() -> None:
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n", "uid": "u"}}
    assert event_correlator.reference(obj) == POD
    assert event_correlator.reference(obj, "spec.containers{c}")["fieldPath"] == "spec.containers{c}"


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 400)), max_size=80))
def test_counts_of_one_event_only_grow(steps: list[tuple[int, float]]) -> None:
    correlator, now = _correlator(), 0.0
    counts: dict[str, int] = {}
    for message, wait in steps:
        now += wait + 1e-6
        action = correlator.correlate(_happening(f"m{message}", at=now))
        if action is not None:
            name = action.event["metadata"]["name"]
            assert action.event["count"] > counts.get(name, 0)
            counts[name] = action.event["count"]
