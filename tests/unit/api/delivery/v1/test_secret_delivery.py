"""SecretDeliveries."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.SECRET_DELIVERIES]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(*deliveries: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "web", "creationTimestamp": "2026-01-02T03:04:00Z"}
    return {"metadata": metadata, "nodeName": "n1", "deliveries": list(deliveries)}


def delivery(**changed: Any) -> dict[str, Any]:
    return {
        "secret": "db",
        "container": "c",
        "way": "Volume",
        "volume": "v",
        "resourceVersion": "7",
    } | changed


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([], []),
        ([delivery(), delivery(container="d"), delivery(way="Env", volume="")], []),
        ([delivery(resourceVersion="")], []),
        ([{}],
         ["deliveries[0].secret: Required value",
          "deliveries[0].container: Required value",
          "deliveries[0].way: Required value"]),
        ([delivery(way="Pigeon")],
         ['deliveries[0].way: Unsupported value: "Pigeon": supported values: "Env", "SubPath", "Volume"']),
        ([delivery(resourceVersion="sha256:ab")],
         ['deliveries[0].resourceVersion: Invalid value: "sha256:ab": must be a number']),
        ([delivery(message="x" * 1025)],
         ["deliveries[0].message: Too long: may not be more than 1024 bytes"]),
        ([delivery(), delivery()], ['deliveries[1]: Duplicate value: "db/c/Volume/v"']),
    ],
)  # fmt: skip
def test_rules(deliveries: list[dict[str, Any]], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(make(*deliveries))] == expected


def test_a_value_is_no_version() -> None:
    """Only numbers are taken for a version, so no value and no hash of one can be put there."""
    for smuggled in ("hunter2", "5f4dcc3b5aa765d61d8327deb882cf99", "-1", "٣"):
        assert STRATEGY.validate(make(delivery(resourceVersion=smuggled)))


def test_no_version_of_one_node_keeps_a_table_from_being_shown() -> None:
    longest = make(delivery(resourceVersion=str(2**64 - 1)))
    assert STRATEGY.validate(longest) == [] and STRATEGY.row(longest, NOW)
    assert STRATEGY.validate(make(delivery(resourceVersion="9" * 5000)))


def test_deliveries_are_always_there() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "web"}}
    STRATEGY.default(obj)
    assert obj["deliveries"] == []


@pytest.mark.parametrize(
    ("deliveries", "shown"),
    [
        ([], "<none>"),
        ([delivery(), delivery(secret="a", resourceVersion="")], "a@<none>,db@7"),
        ([delivery(), delivery(way="Env", resourceVersion="3")], "db@3"),
    ],
)
def test_the_row_shows_the_oldest_version_of_each_secret(
    deliveries: list[dict[str, Any]], shown: str
) -> None:
    assert STRATEGY.row(make(*deliveries), NOW) == ["web", "n1", shown, "5s"]
