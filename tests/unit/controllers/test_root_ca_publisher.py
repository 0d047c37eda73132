"""Every active namespace has the cluster's CA."""

import pytest

from strongroom.api import resources
from strongroom.controllers import actions, root_ca_publisher
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers

ACTIVE: Object = {"metadata": {"name": "n"}, "status": {"phase": "Active"}}


def _published(**changes: object) -> Object:
    (action,) = root_ca_publisher.decide(ACTIVE, None, "PEM")
    assert isinstance(action, actions.Create)
    return {**action.obj, **changes}


def test_a_namespace_without_it_gets_it() -> None:
    (action,) = root_ca_publisher.decide(ACTIVE, None, "PEM")
    assert isinstance(action, actions.Create)
    assert action.obj["metadata"]["name"] == "kube-root-ca.crt"
    assert action.obj["data"] == {"ca.crt": "PEM"}
    assert "kubernetes.io/description" in action.obj["metadata"]["annotations"]


def test_what_was_published_stays() -> None:
    assert root_ca_publisher.decide(ACTIVE, _published(), "PEM") == []


@pytest.mark.parametrize(
    "altered",
    [
        _published(data={"ca.crt": "other"}),
        _published(data={"ca.crt": "PEM", "more": "x"}),
        _published(data=None),
        _published(metadata={"name": "kube-root-ca.crt", "namespace": "n", "labels": {"a": "b"}}),
    ],
)
def test_what_was_altered_is_reset_and_keeps_its_other_metadata(altered: Object) -> None:
    (action,) = root_ca_publisher.decide(ACTIVE, altered, "PEM")
    assert isinstance(action, actions.Update)
    assert action.obj["data"] == {"ca.crt": "PEM"}
    assert action.obj["metadata"].get("labels") == altered["metadata"].get("labels")
    assert root_ca_publisher.decide(ACTIVE, action.obj, "PEM") == []


@pytest.mark.parametrize(
    "namespace",
    [
        None,
        {"metadata": {"name": "n"}, "status": {"phase": "Terminating"}},
        {"metadata": {"name": "n", "deletionTimestamp": "t"}, "status": {"phase": "Active"}},
    ],
)
def test_a_namespace_that_ends_gets_nothing(namespace: Object | None) -> None:
    assert root_ca_publisher.decide(namespace, None, "PEM") == []


async def test_it_is_published_and_put_back() -> None:
    async with controllers.World() as world:
        world.namespace("n")
        informers = (world.informer(resources.NAMESPACES), world.informer(resources.CONFIG_MAPS))
        task = world.spawn(root_ca_publisher.RootCAPublisher(world.client, *informers, "PEM", world.clock))
        await world.settle()
        world.namespace("m")
        await world.settle()
        for name in ("n", "m"):
            assert world.api.names(resources.CONFIG_MAPS, name) == ["kube-root-ca.crt"]
        world.api.put(resources.CONFIG_MAPS, _published(data={}))
        await world.settle()
        world.api.remove(resources.CONFIG_MAPS, "kube-root-ca.crt", "m")
        await world.settle()
        for name in ("n", "m"):
            stored = world.api.get(resources.CONFIG_MAPS, "kube-root-ca.crt", name)
            assert stored is not None
            assert stored["data"] == {"ca.crt": "PEM"}
        assert [call.method for call in world.api.writes] == ["POST", "POST", "PUT", "POST"]
        await controllers.cancel_twice(task)
