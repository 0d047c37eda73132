from strongroom.api import resources
from strongroom.machinery.gvk import Resource
from strongroom.server.admission.plugin import CREATE, DELETE, Attributes, Chain
from strongroom.server.request import ANONYMOUS


class Plugin:
    def __init__(self, name: str, *resources: Resource) -> None:
        self.name = name
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
