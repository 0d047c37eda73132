"""New Pods when a Secret changes, with the real server and controllers; the node agent is played."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.api import resources
from strongroom.api.apps.v1.restart_on_change import ANNOTATION, OBSERVED, RESTARTED_AT
from strongroom.client.requests import MERGE_PATCH
from strongroom.controllers.restart import decision, secret_watches
from strongroom.controllers.restart.view import CONDITION
from strongroom.machinery.gvk import Object
from strongroom.testing import managed, pod_runner

QUIET = 0.1


@pytest.fixture(autouse=True)
def _short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "QUIET_SECONDS", QUIET)


class World:
    def __init__(self, world: managed.World, group: tasks.TaskGroup) -> None:
        self.world = world
        self.client = world.client
        self.nodes = pod_runner.PodRunner(world.client, group)

    async def secret(self, **values: str) -> None:
        await self.world.create(resources.SECRETS, "db", stringData=values)

    async def change(self, **values: str) -> None:
        await self._patch(resources.SECRETS, "db", {"stringData": values})

    async def deployment(self, name: str, *, wants: bool = True, **spec: Any) -> None:
        labels = {"app": name}
        reference = {"secretKeyRef": {"name": "db", "key": "password"}}
        container = {"name": "c", "image": "i", "env": [{"name": "P", "valueFrom": reference}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        await self.world.create(
            resources.DEPLOYMENTS,
            name,
            metadata={"annotations": {ANNOTATION: "true"}} if wants else {},
            spec={"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec},
        )
        await self.complete(name)
        if wants:
            await managed.until(lambda: self._observed(name))

    async def _observed(self, name: str) -> bool:
        found = await self.get(name)
        return "db" in found["metadata"]["annotations"].get(OBSERVED, "")

    async def get(self, name: str) -> Object:
        return await self.client.get(resources.DEPLOYMENTS, name, "default")

    async def patch(self, name: str, patch: Object) -> None:
        await self._patch(resources.DEPLOYMENTS, name, patch)

    async def _patch(self, resource: Any, name: str, patch: Object) -> None:
        await self.client.patch(resource, name, patch, "default", content_type=MERGE_PATCH)

    async def complete(self, name: str) -> None:
        async def through() -> bool:
            found = await self.get(name)
            state = found["status"]
            counts = [state.get(each, 0) for each in ("replicas", "updatedReplicas", "availableReplicas")]
            return counts == [1] * 3 and state["observedGeneration"] == found["metadata"]["generation"]

        await managed.until(through)

    async def mark(self, name: str) -> str:
        template = (await self.get(name))["spec"]["template"]["metadata"]
        return str((template.get("annotations") or {}).get(RESTARTED_AT, ""))

    async def reason(self, name: str) -> str:
        found = (await self.get(name))["status"].get("conditions") or ()
        return next((str(each["reason"]) for each in found if each["type"] == CONDITION), "")

    async def said(self, name: str, reason: str) -> None:
        async def so() -> bool:
            return await self.reason(name) == reason

        await managed.until(so)

    async def restarts(self) -> list[str]:
        """Whom the controller told that it restarts them, in order."""
        found = await self.world.events("RestartedOnSecretChange")
        return [each["involvedObject"]["name"] for each in found for _ in range(each.get("count") or 1)]

    async def rest(self) -> None:
        """Longer than the controller would take."""
        await asyncio.sleep(QUIET + 0.5)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running, tasks.TaskGroup("nodes") as group:
        made = World(running, group)
        await made.nodes.start()
        yield made
        assert not group.failed.is_set()


async def test_a_changed_value_gives_new_pods_and_says_so(world: World) -> None:
    await world.secret(password="one", other="x")
    await world.deployment("web")
    assert await world.mark("web") == ""
    await world.change(password="two")
    await world.said("web", "Restarted")
    await world.complete("web")
    assert await world.mark("web")
    (event,) = await world.world.events("RestartedOnSecretChange")
    assert event["message"] == 'Restarting: Secret "db" changed'
    assert len(await world.world.names(resources.REPLICA_SETS)) == 2


async def test_off_by_default(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("web", wants=False)
    await world.change(password="two")
    await world.rest()
    assert await world.mark("web") == ""
    assert OBSERVED not in (await world.get("web"))["metadata"]["annotations"]


async def test_labels_and_keys_that_are_not_used_restart_nobody(world: World) -> None:
    await world.secret(password="one", other="x")
    await world.deployment("web")
    patch = {"metadata": {"labels": {"a": "b"}}, "stringData": {"other": "y"}}
    await world._patch(resources.SECRETS, "db", patch)
    await world.rest()
    assert await world.restarts() == []


async def test_quick_changes_are_one_restart(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("web")
    for number in range(5):
        await world.change(password=f"new-{number}")
        await asyncio.sleep(QUIET / 5)
    await world.said("web", "Restarted")
    await world.rest()
    assert await world.restarts() == ["web"]


async def test_one_after_the_other_and_the_next_only_when_the_one_before_is_ready(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("a")
    await world.deployment("b")
    world.nodes.frozen = True
    await world.change(password="two")
    await world.said("a", "Restarting")
    await world.rest()
    assert await world.mark("b") == ""
    world.nodes.thaw()
    await world.said("b", "Restarted")
    assert await world.restarts() == ["a", "b"]


async def test_it_stops_when_new_pods_do_not_get_ready_and_goes_on_when_they_do(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("a", progressDeadlineSeconds=1)
    await world.deployment("b")
    world.nodes.frozen = True
    await world.change(password="two")
    await world.said("a", "NewPodsNotReady")
    await world.said("b", "WaitingForOther")
    await managed.until(lambda: world.world.events("RestartOnSecretChangeStopped"))
    (event,) = await world.world.events("RestartOnSecretChangeStopped")
    assert (event["type"], event["involvedObject"]["name"]) == ("Warning", "a")
    assert await world.mark("b") == ""
    assert (await world.get("a"))["status"]["availableReplicas"] == 1, "the old Pod stays"
    world.nodes.thaw()
    await world.said("a", "Restarted")
    await world.said("b", "Restarted")


async def test_a_template_that_comes_with_the_change_is_restart_enough(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("web")
    before = await world.get("web")
    await world.change(password="two")
    await world.patch("web", {"spec": {"template": {"metadata": {"labels": {"new": "one"}}}}})
    await world.rest()
    assert await world.restarts() == []
    noted = (await world.get("web"))["metadata"]["annotations"][OBSERVED]
    assert noted != before["metadata"]["annotations"][OBSERVED], "the change is not pending"


async def test_an_apply_that_knows_nothing_of_it_takes_no_mark_away(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("web")
    await world.change(password="two")
    await world.said("web", "Restarted")
    mark = await world.mark("web")
    labels = {"app": "web"}
    container = {"name": "c", "image": "i2"}
    applied = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "annotations": {ANNOTATION: "true"}},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    path = f"{resources.DEPLOYMENTS.path('default')}/web?fieldManager=gitops&force=true"
    answer = await world.world.server.request(
        "PATCH", path, applied, content_type="application/apply-patch+yaml"
    )
    assert answer.status == 200, answer.text
    assert await world.mark("web") == mark


async def test_who_opts_out_keeps_no_trace(world: World) -> None:
    await world.secret(password="one")
    await world.deployment("web")
    await world.change(password="two")
    await world.said("web", "Restarted")
    await world.patch("web", {"metadata": {"annotations": {ANNOTATION: None}}})
    await world.said("web", "")

    async def gone() -> bool:
        return OBSERVED not in (await world.get("web"))["metadata"]["annotations"]

    await managed.until(gone)
    await world.change(password="three")
    await world.rest()
    assert await world.restarts() == ["web"]


async def test_no_value_and_nothing_to_guess_it_by_is_in_the_workload(world: World) -> None:
    await world.secret(password="a-value-to-look-for")
    await world.deployment("web")
    await world.change(password="another-value")
    await world.said("web", "Restarted")
    text = str(await world.get("web")) + str(await world.world.events("RestartedOnSecretChange"))
    for value in ("a-value-to-look-for", "another-value"):
        assert value not in text
        assert base64.b64encode(value.encode()).decode() not in text


async def test_a_change_while_no_controller_ran_is_not_missed_and_nothing_else_restarts() -> None:
    """The notes are in the store: another set of controllers, perhaps on another server, reads them."""
    async with managed.running() as first, tasks.TaskGroup("nodes") as group:
        made = World(first, group)
        await made.nodes.start()
        await made.secret(password="one")
        await made.deployment("a")
        await first.stop_controllers()
        await made.change(password="two")
        await first.start_controllers()
        await made.said("a", "Restarted")
        await made.rest()
        assert await made.restarts() == ["a"]
        await first.stop_controllers()
        await first.start_controllers()
        await made.rest()
        assert await made.restarts() == ["a"]


async def test_who_names_more_secrets_than_are_watched_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_watches, "OF_A_NAMESPACE", 1)
    await world.secret(password="one")
    await world.deployment("a")
    reference = {"secretKeyRef": {"name": "more", "key": "k", "optional": True}}
    container = {"name": "c", "env": [{"name": "M", "valueFrom": reference}]}
    patch = {"spec": {"template": {"spec": {"containers": [{**container, "image": "i"}]}}}}
    await world.client.patch(
        resources.DEPLOYMENTS, "a", patch, "default", content_type="application/strategic-merge-patch+json"
    )

    async def told() -> bool:
        found = await world.client.list(resources.EVENTS, "default")
        return any(
            each["reason"] == "TooManySecretsToWatch" and "1 secrets, more first" in each["message"]
            for each in found.items
        )

    await managed.until(told)
