"""Who names many Secrets gets so many watches and no more, and takes no others' away."""

from collections.abc import AsyncIterator

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.controllers.restart import secret_watches
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.secret_watches import SecretWatches
from strongroom.testing.fake_api import FakeAPI


def names(*numbers: int) -> frozenset[str]:
    return frozenset(f"s{number}" for number in numbers)


@pytest.fixture
async def watches(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SecretWatches]:
    monkeypatch.setattr(secret_watches, "OF_A_NAMESPACE", 3)
    monkeypatch.setattr(secret_watches, "IN_ALL", 5)
    client = Client(FakeAPI([resources.SECRETS]), "test")
    made = SecretWatches(client, SealingKey(b"k" * 32), lambda _: None, FakeClock())
    yield made
    await made.aclose()


async def test_no_namespace_has_more_watches_than_its_share(watches: SecretWatches) -> None:
    assert watches.use("a", names(*range(10))) == names(*range(3, 10))
    assert watches.use("b", names(1, 2)) == frozenset()
    assert watches.use("c", names(1)) == names(1), "all that there are"


async def test_what_is_watched_stays_so_and_what_goes_makes_room(watches: SecretWatches) -> None:
    watches.use("a", names(5, 6, 7))
    assert watches.use("a", names(1, 5, 6, 7)) == names(1)
    assert watches.use("a", names(1, 6, 7)) == frozenset()
    watches.use("b", names(1, 2))
    assert watches.use("c", names(9)) == names(9)
    watches.use("a", frozenset())
    assert watches.use("c", names(9)) == frozenset()
