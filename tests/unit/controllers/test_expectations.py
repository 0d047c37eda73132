"""What was asked for is waited for, but not for ever."""

import pytest

from strongroom.aio import clock
from strongroom.controllers import expectations


@pytest.fixture
def time() -> clock.FakeClock:
    return clock.FakeClock()


@pytest.fixture
def expected(time: clock.FakeClock) -> expectations.Expectations:
    return expectations.Expectations(time)


def test_nothing_expected_is_nothing_to_wait_for(expected: expectations.Expectations) -> None:
    expected.created("rs")
    expected.deleted("rs", "pod")
    assert expected.wait("rs") == 0


def test_creations_are_waited_for_one_by_one(expected: expectations.Expectations) -> None:
    expected.expect("rs", creations=3)
    expected.created("rs")
    assert expected.wait("rs") > 0
    assert expected.wait("another") == 0
    expected.created("rs", 2)
    assert expected.wait("rs") == 0


def test_deletions_are_waited_for_by_uid(expected: expectations.Expectations) -> None:
    expected.expect("rs", deletions=("a", "b"))
    expected.deleted("rs", "a")
    expected.deleted("rs", "a")
    assert expected.wait("rs") > 0
    expected.deleted("rs", "b")
    assert expected.wait("rs") == 0


def test_patience_ends(expected: expectations.Expectations, time: clock.FakeClock) -> None:
    expected.expect("rs", creations=1)
    time.advance(expectations.PATIENCE - 1)
    assert expected.wait("rs") == 1
    time.advance(1)
    assert expected.wait("rs") == 0


def test_a_forgotten_owner_waits_for_nothing(expected: expectations.Expectations) -> None:
    expected.expect("rs", creations=1)
    expected.forget("rs")
    expected.forget("rs")
    assert expected.wait("rs") == 0
