"""A quota's status tells what there is: more at once, less when nothing is on its way any more."""

from strongroom.api import resources
from strongroom.controllers import actions, resource_quota
from strongroom.machinery.gvk import Object
from strongroom.machinery.quantity import NANO
from strongroom.testing import controllers


def _quota(used: dict[str, str] | None = None, **hard: str) -> Object:
    reported = {"status": {"hard": hard, "used": used}} if used is not None else {}
    return {"metadata": {"name": "q", "namespace": "n"}, "spec": {"hard": hard}, **reported}


def _said(found: list[actions.Action]) -> dict[str, str]:
    (action,) = found
    assert isinstance(action, actions.Update)
    assert action.subresource == "status"
    used: dict[str, str] = action.obj["status"]["used"]
    return used


def test_a_new_quota_is_told_at_once() -> None:
    found, held_back = resource_quota.decide(_quota(secrets="5", cpu="2"), {"secrets": NANO}, quiet=False)
    assert _said(found) == {"secrets": "1", "cpu": "0"}
    assert not held_back


def test_what_is_as_it_says_stays() -> None:
    quota = _quota({"secrets": "1", "cpu": "500m"}, secrets="5", cpu="2")
    assert resource_quota.decide(quota, {"secrets": NANO, "cpu": NANO // 2}, quiet=True) == ([], False)


def test_less_is_told_only_when_the_quota_was_left_alone() -> None:
    quota = _quota({"secrets": "3"}, secrets="5")
    assert resource_quota.decide(quota, {"secrets": NANO}, quiet=False) == ([], True)
    found, held_back = resource_quota.decide(quota, {"secrets": NANO}, quiet=True)
    assert _said(found) == {"secrets": "1"}
    assert not held_back


def test_a_changed_limit_is_taken_over() -> None:
    quota = _quota({"secrets": "3"}, secrets="5")
    quota["spec"]["hard"] = {"secrets": "7", "configmaps": "1"}
    found, _ = resource_quota.decide(quota, {"secrets": 3 * NANO, "configmaps": 0}, quiet=False)
    assert _said(found) == {"secrets": "3", "configmaps": "0"}


async def test_a_deletion_is_counted_after_a_moment_of_quiet() -> None:
    async with controllers.World() as world:
        followed = {r: world.informer(r) for r in (resources.SECRETS, resources.PODS)}
        quotas = world.informer(resources.RESOURCE_QUOTAS)
        world.api.put(resources.SECRETS, {"metadata": {"name": "a", "namespace": "n"}})
        world.api.put(resources.RESOURCE_QUOTAS, _quota({"secrets": "4"}, secrets="5"))
        world.clock.advance(100)
        world.spawn(resource_quota.ResourceQuotaController(world.client, quotas, followed, world.clock))
        await world.settle()
        assert world.api.writes == [], "one may be on its way"
