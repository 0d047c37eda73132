"""The query of a request for logs."""

from datetime import UTC, datetime

import pytest

from strongroom.node.streaming import log_options
from strongroom.node.streaming.log_options import LogOptions

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_nothing_asked() -> None:
    assert log_options.parse({}, NOW) == LogOptions()


def test_everything() -> None:
    query = {
        "follow": "true",
        "previous": "1",
        "timestamps": "true",
        "sinceTime": "1970-01-01T00:00:01Z",
        "tailLines": "0",
        "limitBytes": "9",
        "stream": "Stderr",
    }
    assert log_options.parse(query, NOW) == LogOptions(
        follow=True,
        previous=True,
        timestamps=True,
        since=10**9,
        tail_lines=0,
        limit_bytes=9,
        stream=b"stderr",
    )


def test_seconds_count_from_now() -> None:
    assert log_options.parse({"sinceSeconds": "5"}, NOW).since == int((NOW.timestamp() - 5) * 10**9)


@pytest.mark.parametrize(
    "query",
    [
        {"tailLines": "-1"},
        {"tailLines": "x"},
        {"limitBytes": "0"},
        {"sinceSeconds": "0"},
        {"sinceSeconds": "1.5"},
        {"sinceTime": "yesterday"},
        {"stream": "stdout"},
    ],
)
def test_wrong_values(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"invalid|not a time"):
        log_options.parse(query, NOW)
