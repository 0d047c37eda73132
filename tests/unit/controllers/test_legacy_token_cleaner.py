"""Tokens in Secrets that nobody uses are marked after a year and removed after another."""

from datetime import UTC, datetime, timedelta

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, legacy_token_cleaner
from strongroom.controllers.legacy_token_cleaner import INVALID_SINCE, LAST_USED, PERIOD
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TYPE = "kubernetes.io/service-account-token"


def _secret(age_days: int = 400, **labels: str) -> Object:
    created = (NOW - timedelta(days=age_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {
        "name": "t",
        "namespace": "n",
        "uid": "u",
        "resourceVersion": "7",
        "creationTimestamp": created,
        "annotations": {"kubernetes.io/service-account.name": "app"},
        "labels": {{"used": LAST_USED, "invalid": INVALID_SINCE}[key]: day for key, day in labels.items()},
    }
    return {"metadata": metadata, "type": TYPE}


def test_one_that_was_used_or_made_within_a_year_stays() -> None:
    found, again = legacy_token_cleaner.decide(_secret(used="2025-06-01"), mounted=False, now=NOW)
    assert found == []
    assert again == datetime(2025, 6, 1, tzinfo=UTC) + PERIOD
    assert legacy_token_cleaner.decide(_secret(age_days=364), mounted=False, now=NOW)[0] == []


@pytest.mark.parametrize("labels", [{}, {"used": "2024-12-01"}, {"used": "no day"}])
def test_one_that_was_not_is_marked(labels: dict[str, str]) -> None:
    secret = _secret(400)
    secret["metadata"]["labels"] = _secret(400, **labels)["metadata"]["labels"]
    (patch,), again = legacy_token_cleaner.decide(secret, mounted=False, now=NOW)
    assert isinstance(patch, actions.Patch)
    assert patch.patch["metadata"]["labels"] == {INVALID_SINCE: "2026-01-02"}
    assert patch.patch["metadata"]["resourceVersion"] == "7"
    assert again == NOW + PERIOD


def test_one_that_a_pod_uses_is_looked_at_tomorrow() -> None:
    assert legacy_token_cleaner.decide(_secret(), mounted=True, now=NOW) == ([], NOW + timedelta(days=1))


def test_one_that_was_marked_a_year_ago_goes() -> None:
    marked = _secret(900, invalid="2025-06-01")
    assert legacy_token_cleaner.decide(marked, mounted=False, now=NOW)[0] == []
    (delete,), _ = legacy_token_cleaner.decide(_secret(900, invalid="2024-06-01"), mounted=False, now=NOW)
    assert isinstance(delete, actions.Delete)
    assert delete.uid == "u"


async def test_only_what_its_account_lists_is_touched() -> None:
    async with controllers.World() as world:
        for name in ("listed", "by-hand"):
            secret = _secret(500)
            secret["metadata"].update(name=name, uid=name)
            world.api.put(resources.SECRETS, secret)
        account = {"metadata": {"name": "app", "namespace": "n"}, "secrets": [{"name": "listed"}]}
        world.api.put(resources.SERVICE_ACCOUNTS, account)
        secrets, accounts, pods = (
            world.informer(r) for r in (resources.SECRETS, resources.SERVICE_ACCOUNTS, resources.PODS)
        )
        world.spawn(
            legacy_token_cleaner.LegacyTokenCleaner(world.client, secrets, accounts, pods, world.clock)
        )
        await world.settle()
        assert [call.path.rpartition("/")[2] for call in world.api.writes] == ["listed"]
