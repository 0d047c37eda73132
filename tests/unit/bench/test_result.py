import json
import math

import pytest
from bench import result
from bench.result import Figure
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_a_measured_value_that_enough_others_do_not_exceed(
    values: list[float], share: float
) -> None:
    chosen = result.quantile(values, share)
    assert chosen in values
    assert sum(value <= chosen for value in values) >= share * len(values)


def test_ratio_above_one_is_better_in_both_directions() -> None:
    fast, slow = Figure("rate", 200, "/s", "higher"), Figure("rate", 100, "/s", "higher")
    assert result.ratio(fast, slow) == 2
    short, long = Figure("time", 1, "s", "lower"), Figure("time", 4, "s", "lower")
    assert result.ratio(short, long) == 4
    assert result.ratio(long, short) == 0.25


def test_nothing_measured_is_a_failure_and_no_number() -> None:
    (figure,) = result.latencies("pod", [])
    assert math.isnan(figure.value)
    assert figure.failures == 1


def test_latencies_are_in_milliseconds() -> None:
    median, p99 = result.latencies("pod", [0.001, 0.002, 0.009], failures=2)
    assert [median.value, p99.value] == pytest.approx([2, 9])
    assert median.failures == 2


def test_table_shows_both_clusters_their_ratio_and_failures() -> None:
    ours = [Figure("GET", 9000, "/s", "higher", note="16 connections"), Figure("own only", 1.5, "s", "lower")]
    shown = result.table({"ours": ours, "theirs": [Figure("GET", 3000, "/s", "higher", failures=3)]})
    header, get, own = shown.splitlines()
    assert header.split() == ["work", "ours", "theirs", "times", "better"]
    assert get.split() == ["GET", "9,000", "/s", "3,000", "/s", "(3", "FAILED)", "3.00", "16", "connections"]
    assert own.split() == ["own", "only", "1.50", "s", "-"]


def test_document_is_json_by_cluster() -> None:
    document = json.loads(result.document({"ours": [Figure("GET", 1, "/s", "higher")]}))
    assert document["ours"][0]["name"] == "GET"
