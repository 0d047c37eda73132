"""Decisions are done in order, and lost races are told from failures."""

import pytest

from strongroom.api import resources
from strongroom.controllers import actions
from strongroom.machinery import status
from strongroom.testing import controllers, fake_api


def _account(name: str) -> actions.Create:
    return actions.Create(resources.SERVICE_ACCOUNTS, "n", {"metadata": {"name": name}})


async def test_they_are_done_in_order() -> None:
    world = controllers.World()
    await actions.perform(world.client, [_account("a")])
    stored = world.api.get(resources.SERVICE_ACCOUNTS, "a", "n")
    assert stored is not None
    update = actions.Update(resources.SERVICE_ACCOUNTS, "n", stored | {"secrets": []})
    await actions.perform(world.client, [_account("b"), update])
    assert [(call.method, call.path.split("/")[-1]) for call in world.api.writes] == [
        ("POST", "serviceaccounts"),
        ("POST", "serviceaccounts"),
        ("PUT", "a"),
    ]


async def test_what_is_there_already_is_as_good() -> None:
    world = controllers.World()
    await actions.perform(world.client, [_account("a"), _account("a"), _account("b")])
    assert world.api.names(resources.SERVICE_ACCOUNTS, "n") == ["a", "b"]


@pytest.mark.parametrize(
    "error",
    [
        status.not_found(resources.NAMESPACES, "n"),
        status.forbidden(
            resources.SERVICE_ACCOUNTS, "a", "it ends", [status.Cause("NamespaceTerminating", "it ends")]
        ),
    ],
)
async def test_a_namespace_that_goes_away_is_no_failure(error: status.StatusError) -> None:
    world = controllers.World()

    def fail(call: fake_api.Call) -> None:
        raise error

    world.api.fail = fail
    await actions.perform(world.client, [_account("a")])


@pytest.mark.parametrize(
    "error",
    [
        status.forbidden(resources.SERVICE_ACCOUNTS, "a", "no"),
        status.conflict(resources.SERVICE_ACCOUNTS, "a"),
        status.not_found(resources.SERVICE_ACCOUNTS, "a"),
    ],
)
async def test_other_failures_are_raised(error: status.StatusError) -> None:
    world = controllers.World()

    def fail(call: fake_api.Call) -> None:
        raise error

    world.api.fail = fail
    with pytest.raises(status.StatusError):
        await actions.perform(world.client, [_account("a")])


def test_an_action_does_not_print_its_object() -> None:
    action = actions.Create(resources.SECRETS, "n", {"data": {"k": "czNjcmV0"}})
    assert "czNjcmV0" not in repr(action)


async def test_a_patch_changes_and_a_deletion_removes_what_was_meant() -> None:
    world = controllers.World()
    world.api.put(resources.SECRETS, {"metadata": {"name": "a", "namespace": "n", "uid": "1"}})
    patch = actions.Patch(resources.SECRETS, "n", "a", {"metadata": {"labels": {"x": "y"}}})
    await actions.perform(world.client, [patch])
    stored = world.api.get(resources.SECRETS, "a", "n")
    assert stored is not None
    assert stored["metadata"]["labels"] == {"x": "y"}
    assert world.api.writes[-1].headers["content-type"] == "application/merge-patch+json"
    await actions.perform(world.client, [actions.Delete(resources.SECRETS, "n", "a", "2")])
    assert world.api.names(resources.SECRETS, "n") == ["a"], "made anew under its name: not the one meant"
    await actions.perform(world.client, [actions.Delete(resources.SECRETS, "n", "a", "1")] * 2)
    assert world.api.names(resources.SECRETS, "n") == []
    with pytest.raises(status.StatusError):
        await actions.perform(world.client, [patch])
