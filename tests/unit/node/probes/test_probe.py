"""When a probe asks, and what its answers amount to."""

import pytest

from strongroom.node.probes.outcome import Kind
from strongroom.node.probes.probe import Probe


def make(kind: Kind = Kind.READINESS, **spec: int) -> Probe:
    initial = {Kind.STARTUP: None, Kind.LIVENESS: True, Kind.READINESS: False}
    return Probe(kind, spec, initial[kind])


def first(probe: Probe, age: float = 0.0, *, adopted: bool = False) -> float:
    return probe.first(age, adopted=adopted, spread=lambda: 0.5)


def moments(probe: Probe, count: int, answer: bool) -> list[float]:
    """When the probe of a new container asks, if it always gets the same answer."""
    due = first(probe)
    found = []
    for _ in range(count):
        found.append(round(due, 3))
        probe.record(answer)
        due = probe.next(due, due)
    return found


@pytest.mark.parametrize("kind", Kind)
def test_the_initial_delay_counts_from_the_start_of_the_container(kind: Kind) -> None:
    assert first(make(kind, initialDelaySeconds=5)) == 5.0
    assert first(make(kind, initialDelaySeconds=5), age=3.0) == 2.0
    assert first(make(kind, initialDelaySeconds=5), age=9.0) == 0.0


def test_a_new_container_is_asked_soon_and_then_by_its_period() -> None:
    assert moments(make(periodSeconds=10), 5, answer=False) == [0.1, 0.4, 1.0, 11.0, 21.0]
    assert moments(make(periodSeconds=10), 3, answer=True) == [0.1, 10.1, 20.1]
    assert moments(make(Kind.LIVENESS, periodSeconds=3), 3, answer=True) == [1.0, 4.0, 7.0]
    assert moments(make(initialDelaySeconds=2, periodSeconds=1), 3, answer=False) == [2.0, 3.0, 4.0]


def test_failures_of_the_first_moments_do_not_count() -> None:
    probe = make(Kind.STARTUP, failureThreshold=1)
    first(probe)
    seen = [(probe.quiet, probe.record(False)) for _ in range(3)]
    assert seen == [(True, False), (True, False), (False, True)]
    assert probe.passed is False


def test_once_ready_the_first_moments_are_over() -> None:
    probe = make(failureThreshold=1)
    first(probe)
    probe.record(True)
    assert not probe.quiet
    probe.record(False)
    assert probe.passed is False


def test_after_a_restart_of_the_agent_probes_are_spread_over_their_period() -> None:
    assert first(make(periodSeconds=20), age=100.0, adopted=True) == 10.0
    assert first(make(periodSeconds=2, initialDelaySeconds=30), age=10.0, adopted=True) == 20.0


def test_periods_that_an_answer_took_are_left_out() -> None:
    probe = make(Kind.LIVENESS, periodSeconds=2)
    probe.record(True)
    assert probe.next(10.0, 10.5) == 12.0
    assert probe.next(10.0, 15.0) == 16.0


def test_thresholds_take_answers_in_a_row() -> None:
    probe = make(successThreshold=2, failureThreshold=3, initialDelaySeconds=1)
    answers = [True, False, True, True, False, False, True, False, False, False]
    seen = []
    for answer in answers:
        probe.record(answer)
        seen.append(probe.passed)
    assert seen == [False, False, False, True, True, True, True, True, True, False]


def test_only_changes_are_told() -> None:
    probe = make(initialDelaySeconds=1, failureThreshold=1)
    assert [probe.record(answer) for answer in (False, True, True, False, False)] == [
        False,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("kind", "over"), [(Kind.LIVENESS, True), (Kind.STARTUP, True), (Kind.READINESS, False)]
)
def test_who_will_be_killed_is_not_asked_again(kind: Kind, over: bool) -> None:
    probe = make(kind, failureThreshold=1, initialDelaySeconds=1)
    probe.record(False)
    assert probe.over is over


def test_what_could_not_be_asked_changes_nothing() -> None:
    probe = make(Kind.LIVENESS, failureThreshold=2)
    probe.record(False)
    probe.errored()
    assert probe.passed is True
    probe.record(False)
    assert probe.passed is False
