"""Containers that run are given other amounts of cpu and memory when their Pod asks for them (`pods/resize`).

What a container was given when it was made is noted on it in the runtime. What it was given since is
remembered; an agent that starts anew gives it once more, which changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.machinery.gvk import Object
from strongroom.node import events
from strongroom.node.cri.errors import CRIError
from strongroom.node.runtime import plan, resources
from strongroom.node.runtime.observed import Container, PodRuntime, State
from strongroom.node.services import Services


@dataclass(frozen=True, slots=True)
class Resize:
    """A container that is to be given something else."""

    container: Container
    spec: Object
    is_init: bool
    restarts: bool
    """Its `resizePolicy` wants it to start anew."""


class Resizing:
    """Of one pod."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._given: dict[str, str] = {}

    def given(self, container: Container) -> str:
        """What a container has: a note of `resources`."""
        return self._given.get(container.id, container.resources)

    def due(self, pod: Object, runtime: PodRuntime) -> Iterator[Resize]:
        """The containers that run with something else than the pod asks for."""
        for is_init, listed in ((False, plan.spec_containers(pod)), (True, plan.init_containers(pod))):
            for spec in listed:
                container = runtime.latest(str(spec["name"]))
                if container is None or container.state is not State.RUNNING:
                    continue
                given = self.given(container)
                if given and given != resources.note(spec):
                    yield Resize(container, spec, is_init, resources.restarts(spec, given))

    async def apply(self, pod: Object, resize: Resize) -> None:
        """Raises CRIError when the runtime refuses, which an Event tells."""
        services = self._services
        wanted = resources.of_container(pod, resize.spec, services.machine.memory)
        try:
            await services.cri.update_container_resources(resize.container.id, wanted)
        except CRIError as error:
            path = events.field_path(resize.spec, is_init=resize.is_init)
            text = f"Error resizing container {resize.container.name}: {error.rpc}"
            services.recorder.event(pod, events.WARNING, "ResizeError", text, path)
            raise
        self._given[resize.container.id] = resources.note(resize.spec)
