"""Every active namespace has its ServiceAccount `default`."""

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, service_account
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

ACTIVE: Object = {"metadata": {"name": "n"}, "status": {"phase": "Active"}}


def test_an_active_namespace_without_one_gets_one() -> None:
    (action,) = service_account.decide(ACTIVE, None)
    assert isinstance(action, actions.Create)
    assert (action.resource, action.namespace) == (resources.SERVICE_ACCOUNTS, "n")
    assert action.obj["metadata"] == {"name": "default", "namespace": "n"}


@pytest.mark.parametrize(
    ("namespace", "account"),
    [
        (None, None),
        (ACTIVE, {"metadata": {"name": "default"}}),
        ({"metadata": {"name": "n"}, "status": {"phase": "Terminating"}}, None),
        ({"metadata": {"name": "n", "deletionTimestamp": "t"}, "status": {"phase": "Active"}}, None),
        ({"metadata": {"name": "n"}}, None),
    ],
)
def test_otherwise_there_is_nothing_to_do(namespace: Object | None, account: Object | None) -> None:
    assert service_account.decide(namespace, account) == []


async def test_it_is_made_for_old_and_new_namespaces_and_made_again() -> None:
    async with controllers.World() as world:
        world.namespace("old")
        world.namespace("ending", phase="Terminating")
        informers = (world.informer(resources.NAMESPACES), world.informer(resources.SERVICE_ACCOUNTS))
        task = world.spawn(service_account.ServiceAccountController(world.client, *informers, world.clock))
        await world.settle()
        world.namespace("new")
        await world.settle()
        for name, expected in (("old", ["default"]), ("new", ["default"]), ("ending", [])):
            assert world.api.names(resources.SERVICE_ACCOUNTS, name) == expected
        world.api.remove(resources.SERVICE_ACCOUNTS, "default", "old")
        await world.settle()
        assert world.api.names(resources.SERVICE_ACCOUNTS, "old") == ["default"]
        assert len(world.api.writes) == 3
        await controllers.cancel_twice(task)
