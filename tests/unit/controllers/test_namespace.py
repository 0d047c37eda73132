"""A namespace that was deleted is emptied, Pods first, and then goes."""

import pytest

from strongroom.api import resources
from strongroom.controllers import namespace
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers, fake_api


class World(controllers.World):
    def start(self) -> None:
        informers = (self.informer(resources.NAMESPACES), self.informer(resources.PODS))
        self.task = self.spawn(
            namespace.NamespaceController(self.client, *informers, controllers.CORE, self.clock)
        )

    def fill(self) -> None:
        for space in ("n", "other"):
            self.namespace(space)
            for resource in (resources.SECRETS, resources.CONFIG_MAPS):
                for name in ("a", "b"):
                    self.api.put(resource, {"metadata": {"name": name, "namespace": space}})

    async def delete(self) -> None:
        await self.client.delete(resources.NAMESPACES, "n")
        await self.settle()

    def condition(self, kind: str) -> Object:
        found = self.api.get(resources.NAMESPACES, "n")
        assert found is not None
        by_type: dict[str, Object] = {c["type"]: c for c in found["status"]["conditions"]}
        return by_type[kind]

    def contents(self, space: str = "n") -> list[str]:
        return [
            n for resource in controllers.CORE if resource.namespaced for n in self.api.names(resource, space)
        ]


async def test_all_content_goes_and_then_the_namespace() -> None:
    async with World() as world:
        world.fill()
        world.start()
        await world.settle()
        assert world.api.writes == []
        await world.delete()
        assert world.api.get(resources.NAMESPACES, "n") is None
        assert world.contents() == []
        assert world.contents("other") == ["a", "b", "a", "b"]


async def test_a_deletion_from_before_the_start_is_finished() -> None:
    async with World() as world:
        world.fill()
        await world.client.delete(resources.NAMESPACES, "n")
        world.start()
        await world.settle()
        assert world.api.get(resources.NAMESPACES, "n") is None


async def test_while_a_pod_stops_everything_else_stays() -> None:
    async with World() as world:
        world.fill()
        for name in ("p", "q"):
            pod = {"metadata": {"name": name, "namespace": "n"}, "spec": {"nodeName": "node"}}
            world.api.put(resources.PODS, pod)
        world.start()
        await world.delete()
        assert world.contents() == ["a", "b", "a", "b", "p", "q"]
        assert world.condition("NamespaceContentRemaining")["message"] == (
            "Some resources are remaining: pods. has 2 resource instances"
        )
        world.api.remove(resources.PODS, "p", "n")
        await world.settle()
        assert world.contents() == ["a", "b", "a", "b", "q"]
        world.api.remove(resources.PODS, "q", "n")
        await world.settle()
        assert world.api.get(resources.NAMESPACES, "n") is None, "no timer was needed"


async def test_content_with_finalizers_is_waited_for() -> None:
    async with World() as world:
        world.namespace("n")
        metadata = {"name": "held", "namespace": "n", "finalizers": ["example.com/hold"]}
        world.api.put(resources.SECRETS, {"metadata": metadata})
        world.start()
        await world.delete()
        assert world.condition("NamespaceFinalizersRemaining")["message"] == (
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        )
        before = len(world.api.calls)
        await world.settle()
        assert len(world.api.calls) == before, "nothing is asked before its time"
        world.api.remove(resources.SECRETS, "held", "n")
        world.clock.advance(9)
        world.api.put(resources.NAMESPACES, world.api.get(resources.NAMESPACES, "n") or {})
        await world.settle()
        assert world.api.get(resources.NAMESPACES, "n") is None


async def test_a_kind_that_cannot_be_deleted_as_a_collection_is_deleted_one_by_one() -> None:
    async with World() as world:
        world.fill()

        def fail(call: fake_api.Call) -> None:
            if call.method == "DELETE" and call.path.endswith("/secrets"):
                raise status.method_not_allowed()

        world.api.fail = fail
        world.start()
        await world.delete()
        assert world.api.get(resources.NAMESPACES, "n") is None


async def test_a_kind_that_cannot_be_deleted_is_told_and_the_rest_goes() -> None:
    async with World() as world:
        world.fill()

        def fail(call: fake_api.Call) -> None:
            if call.method == "DELETE" and call.path.endswith("/secrets"):
                raise status.forbidden(resources.SECRETS, "", "no")

        world.api.fail = fail
        world.start()
        await world.delete()
        assert world.contents() == ["a", "b"]
        assert world.condition("NamespaceDeletionContentFailure")["status"] == "True"


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}},
        {"metadata": {"name": "n", "deletionTimestamp": "t"}, "spec": {"finalizers": ["example.com/x"]}},
        {"metadata": {"name": "n", "deletionTimestamp": "t"}},
    ],
)
def test_other_namespaces_are_left_alone(found: Object | None) -> None:
    assert not namespace.must_empty(found)


async def test_finalizers_of_others_stay() -> None:
    async with World() as world:
        finalizers = ["kubernetes", "example.com/hold"]
        world.api.put(resources.NAMESPACES, {"metadata": {"name": "n"}, "spec": {"finalizers": finalizers}})
        world.start()
        await world.delete()
        found = world.api.get(resources.NAMESPACES, "n")
        assert found is not None
        assert found["spec"]["finalizers"] == ["example.com/hold"]
        said = world.condition("NamespaceContentRemaining")
        assert (said["status"], said["reason"]) == ("False", "ContentRemoved")


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [(["kubernetes"], [], False), (["kubernetes", "x"], [], True), (["kubernetes"], ["x"], True)],
)
def test_it_stays_while_others_hold_it(own: list[str], others: list[str], expected: bool) -> None:
    found: Object = {"metadata": {"finalizers": others}, "spec": {"finalizers": own}}
    assert namespace.is_held(found) is expected


async def test_it_can_be_cancelled_twice() -> None:
    async with World() as world:
        world.start()
        await world.settle()
        await controllers.cancel_twice(world.task)
