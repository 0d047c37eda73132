"""Bootstrap tokens whose time is over go; others, and other Secrets, stay."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, token_cleaner, token_secrets
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TYPE = "bootstrap.kubernetes.io/token"


def _secret(expiration: str | None, namespace: str = "kube-system", kind: str = TYPE) -> Object:
    metadata = {"name": "bootstrap-token-abcdef", "namespace": namespace, "uid": "u"}
    data = {"token-secret": "c2VjcmV0"}
    if expiration is not None:
        data["expiration"] = base64.b64encode(expiration.encode()).decode()
    return {"metadata": metadata, "type": kind, "data": data}


def test_one_whose_time_is_over_goes() -> None:
    (delete,), again = token_cleaner.decide(_secret("2026-01-02T03:04:05Z"), NOW)
    assert isinstance(delete, actions.Delete)
    assert (delete.namespace, delete.name, delete.uid) == ("kube-system", "bootstrap-token-abcdef", "u")
    assert again is None


def test_one_whose_time_can_not_be_read_goes() -> None:
    assert token_cleaner.decide(_secret("soon"), NOW)[0]


def test_one_that_is_good_is_looked_at_when_it_ends() -> None:
    end = NOW + timedelta(hours=1)
    assert token_cleaner.decide(_secret("2026-01-02T05:04:05+01:00"), NOW) == ([], end)
    assert token_cleaner.decide(_secret(None), NOW) == ([], None)


@pytest.mark.parametrize("other", [{"namespace": "default"}, {"kind": "Opaque"}])
def test_no_other_secret_is_touched(other: dict[str, str]) -> None:
    assert token_cleaner.decide(_secret("2020-01-01T00:00:00Z", **other), NOW) == ([], None)


def test_the_informer_keeps_when_it_ends_and_no_value() -> None:
    secret = _secret("2026-01-02T03:04:05Z")
    kept = token_secrets.reduce(secret)
    assert set(kept["data"]) == {"expiration"}
    assert token_cleaner.decide(kept, NOW)[0] == token_cleaner.decide(secret, NOW)[0]
    assert token_secrets.relevant(b'{"type":"bootstrap.kubernetes.io/token"}')


async def test_it_goes_when_its_time_comes() -> None:
    async with controllers.World() as world:
        end = (world.clock.now() + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        world.api.put(resources.SECRETS, _secret(end))
        secrets = world.informer(resources.SECRETS)
        cleaner = token_cleaner.TokenCleaner(world.client, secrets, world.clock)
        world.spawn(cleaner)
        await world.settle()
        assert not world.api.writes
        world.clock.advance(31)
        # What the queue's timer does, which knows the real time alone.
        cleaner._loop.queue.add("kube-system/bootstrap-token-abcdef")
        await world.settle()
        assert [call.method for call in world.api.writes] == ["DELETE"]
