import asyncio

import pytest

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.server.admission.durations import ADMIT, VALIDATE, Who
from strongroom.server.admission.plugin import CREATE, DELETE, Attributes, Chain
from strongroom.server.request import ANONYMOUS
from strongroom.telemetry.metrics import Histogram


class Plugin:
    def __init__(self, name: str, *resources: Resource) -> None:
        self.name = name
        self.who = Who(name, ADMIT if name < "c" else VALIDATE)
        self.resources = resources

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource in self.resources and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None
        attributes.obj.setdefault("seen", []).append(self.name)


def _attributes(operation: str, resource: Resource, name: str = "", **metadata: str) -> Attributes:
    return Attributes(operation, resource, "", "n", name, ANONYMOUS, {"metadata": metadata})


async def test_those_concerned_are_asked_in_order() -> None:
    chain = Chain(
        (Plugin("a", resources.SECRETS), Plugin("b", resources.PODS), Plugin("c", resources.SECRETS))
    )
    for operation, resource, seen in (
        (CREATE, resources.SECRETS, ["a", "c"]),
        (CREATE, resources.PODS, ["b"]),
        (CREATE, resources.EVENTS, None),
        (DELETE, resources.SECRETS, None),
    ):
        attributes = _attributes(operation, resource)
        await chain.admit(attributes)
        assert attributes.obj is not None
        assert attributes.obj.get("seen") == seen
        assert chain.handles(operation, resource, "") is (seen is not None)


def test_how_a_refusal_names_the_object() -> None:
    assert _attributes(CREATE, resources.SECRETS, "a").shown_name == "a"
    assert _attributes(CREATE, resources.SECRETS, generateName="g-").shown_name == "g-"
    assert _attributes(CREATE, resources.SECRETS).shown_name == "Unknown"


class Refusing(Plugin):
    async def admit(self, attributes: Attributes) -> None:
        await asyncio.sleep(0.006)
        raise status.bad_request("no")


class Quick(Plugin):
    def passes(self, operation: str, namespace: str) -> bool:
        return namespace == "n"


def _counted(chain: Chain) -> dict[str, float]:
    """How often, by labels."""
    return {
        " ".join(labels): sum(value.counts)
        for family in chain.durations.families()
        for labels, value in family.samples
        if isinstance(value, Histogram)
    }


async def test_durations_by_plugin_and_by_step_of_a_request() -> None:
    chain = Chain(
        (Plugin("a", resources.SECRETS), Plugin("b", resources.SECRETS), Plugin("c", resources.SECRETS))
    )
    for _ in range(2):
        await chain.admit(_attributes(CREATE, resources.SECRETS))
    assert _counted(chain) == {
        "a CREATE false admit": 2,
        "b CREATE false admit": 2,
        "c CREATE false validate": 2,
        "CREATE false admit": 2,
        "CREATE false validate": 2,
    }


async def test_a_refusal_is_counted_as_one_with_its_time() -> None:
    chain = Chain(
        (Plugin("a", resources.SECRETS), Refusing("b", resources.SECRETS), Plugin("c", resources.SECRETS))
    )
    with pytest.raises(status.StatusError):
        await chain.admit(_attributes(CREATE, resources.SECRETS))
    assert _counted(chain) == {"a CREATE false admit": 1, "b CREATE true admit": 1, "CREATE true admit": 1}
    step = list(chain.durations.families())[1]
    assert [value.counts[0] for _, value in step.samples if isinstance(value, Histogram)] == [0]


def test_writes_that_nobody_needs_to_look_at_are_counted_too() -> None:
    chain = Chain((Quick("a", resources.SECRETS), Quick("c", resources.SECRETS)))
    assert chain.passes(CREATE, resources.SECRETS, "n") and chain.passes(CREATE, resources.SECRETS, "n")
    assert not chain.passes(CREATE, resources.SECRETS, "other")
    assert _counted(chain) == {
        "a CREATE false admit": 2,
        "c CREATE false validate": 2,
        "CREATE false admit": 2,
        "CREATE false validate": 2,
    }
