from collections.abc import Iterator

import pytest

from strongroom.telemetry import metrics, work_queues
from strongroom.telemetry.metrics import Family, Histogram

NAME = "queue-of-this-test"


@pytest.fixture(autouse=True)
def unknown_afterwards() -> Iterator[None]:
    yield
    work_queues._known.pop(NAME, None)


def _shown(now: float) -> dict[str, float]:
    """Of the queue of this test: a histogram stands for its sum."""
    found = {}
    for family in work_queues.families(now):
        for labels, value in family.samples:
            if labels == (NAME,):
                found[family.name] = value.total if isinstance(value, Histogram) else value
    return found


def test_a_key_from_its_arrival_to_its_end() -> None:
    queue = work_queues.of(NAME)
    queue.add("secret/canary", 10.0)
    queue.add("b", 11.0)
    assert _shown(12.0)["workqueue_depth"] == 2
    queue.take("secret/canary", 12.0)
    queue.take("b", 12.5)
    assert _shown(13.0) == {
        "workqueue_adds_total": 2,
        "workqueue_depth": 0,
        "workqueue_longest_running_processor_seconds": 1.0,
        "workqueue_queue_duration_seconds": 3.5,
        "workqueue_retries_total": 0,
        "workqueue_unfinished_work_seconds": 1.5,
        "workqueue_work_duration_seconds": 0.0,
    }
    queue.done("secret/canary", 13.0)
    queue.done("b", 13.0)
    assert _shown(20.0)["workqueue_work_duration_seconds"] == 1.5
    assert _shown(20.0)["workqueue_unfinished_work_seconds"] == 0


def test_a_queue_made_anew_goes_on_counting_with_nothing_waiting() -> None:
    before = work_queues.of(NAME)
    before.add("a", 1.0)
    before.add("b", 1.0)
    before.take("a", 2.0)
    after = work_queues.of(NAME)
    after.add("c", 3.0)
    shown = _shown(4.0)
    assert (shown["workqueue_adds_total"], shown["workqueue_depth"]) == (3, 1)
    assert shown["workqueue_unfinished_work_seconds"] == 0


def test_a_queue_without_a_name_is_not_shown() -> None:
    names = [labels for family in work_queues.families(0.0) for labels, _ in family.samples]
    work_queues.of("").add("a", 1.0)
    assert [labels for family in work_queues.families(0.0) for labels, _ in family.samples] == names


def test_no_key_is_in_the_text_and_bounds_are_as_client_go_prints_them() -> None:
    queue = work_queues.of(NAME)
    queue.add("secret/canary", 1.0)
    queue.take("secret/canary", 1.5)

    def collect() -> Iterator[Family]:
        return work_queues.families(2.0)

    text = metrics.exposition(collect)[0].decode()
    assert "canary" not in text
    for bound in ("1e-08", "9.999999999999999e-06", "0.001", "10", "+Inf"):
        assert f'workqueue_queue_duration_seconds_bucket{{le="{bound}",name="{NAME}"}}' in text
