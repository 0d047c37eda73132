from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from strongroom.telemetry import metrics
from strongroom.telemetry.metrics import Family, Histogram


def test_histogram_counts_a_value_in_the_range_that_it_does_not_exceed() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.2, 5.0):
        histogram.observe(value)
    assert histogram.buckets() == [("0.1", 2), ("1", 3), ("+Inf", 4)]
    assert histogram.total == pytest.approx(5.35)


def _families() -> Iterator[Family]:
    latency = Histogram((1.0,))
    latency.observe(0.5)
    yield Family("counter", "a_total", "How many.", ("verb",), [(("GET",), 3), (('"\\\n',), 1)])
    yield Family("gauge", "b", "How much.", (), [((), 2.5)])
    yield Family("histogram", "c_seconds", "How long.", ("verb",), [(("GET",), latency)])


def test_prometheus_reads_what_was_counted() -> None:
    text, content_type = metrics.exposition(_families)
    assert content_type.startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    assert samples["a_total", "GET"] == 3
    assert samples["a_total", '"\\\n'] == 1
    assert samples["b",] == 2.5
    assert samples["c_seconds_bucket", "1", "GET"] == samples["c_seconds_bucket", "+Inf", "GET"] == 1
    assert (samples["c_seconds_count", "GET"], samples["c_seconds_sum", "GET"]) == (1, 0.5)
    assert samples["process_virtual_memory_max_bytes",] >= samples["process_virtual_memory_bytes",]
    assert samples["process_open_fds",] > 0 and samples["process_resident_memory_bytes",] > 1e6


def test_a_counter_keeps_the_name_that_it_was_given() -> None:
    def collect() -> Iterator[Family]:
        yield Family("counter", "attempts", "How many.", ("result",), [(("success",), 3)])
        yield Family("counter", "other_attempts_total", "How many.", (), [((), 4)])

    lines = metrics.exposition(collect)[0].decode().splitlines()
    assert lines[:6] == [
        "# HELP attempts How many.",
        "# TYPE attempts counter",
        'attempts{result="success"} 3.0',
        "# HELP other_attempts_total How many.",
        "# TYPE other_attempts_total counter",
        "other_attempts_total 4.0",
    ]
