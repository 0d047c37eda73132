"""The command line, and what it prints."""

from datetime import UTC, datetime

import click
import pytest

from strongroom.api.core.v1.pod.secret_uses import ENV, VOLUME, Use
from strongroom.cli.delivery import report
from strongroom.cli.delivery.command import Duration
from strongroom.cli.delivery.holders import Holder, State
from strongroom.cmd import main

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FOUND = [
    Holder("web", "u", "n1", Use("db", "app", VOLUME, "creds"), State.CURRENT, "9", "2026-01-02T03:04:00Z"),
    Holder("web", "u", "n1", Use("db", "app", ENV), State.STALE, "7", "2026-01-02T02:04:00Z", "restart it"),
]


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400), ("0", 0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "1s2", "soon", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


def test_a_timeout_without_a_wait_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["delivery", "secret", "db", "--timeout", "3s"]) == 2
    assert capsys.readouterr().err == "strongroom: error: --timeout and --for need --wait\n"


def test_the_table() -> None:
    assert report.table("9", FOUND, NOW) == (
        "POD   CONTAINER   WAY            VERSION   NEWEST   STATE     SINCE   NODE   NOTE\n"
        "web   app         Volume creds   9         9        Current   5s      n1\n"
        "web   app         Env            7         9        Stale     60m     n1     restart it"
    )


def test_the_document() -> None:
    document = report.document("shop", "db", "9", FOUND)
    assert document["secret"] == {"namespace": "shop", "name": "db", "resourceVersion": "9"}
    assert (document["filesCurrent"], document["allCurrent"]) == (True, False)
    assert document["holders"][1] == {
        "pod": "web",
        "podUID": "u",
        "node": "n1",
        "container": "app",
        "way": "Env",
        "state": "Stale",
        "resourceVersion": "7",
        "time": "2026-01-02T02:04:00Z",
        "message": "restart it",
    }
