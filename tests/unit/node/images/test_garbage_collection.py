"""Images that no container uses go when the disk fills up."""

from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.images import garbage_collection
from strongroom.node.images.garbage_collection import Disk, ImageCollector
from strongroom.testing.fake_cri import FakeCRI

GIB = 1024**3


class World:
    """A node with the images `a`, `b`, `used` and `pause`, of 1 GiB each; a container is made of `used`."""

    def __init__(self) -> None:
        self.cri, self.clock = FakeCRI(), FakeClock()
        self.told: list[str] = []
        self.used = 86
        self.collector = ImageCollector(
            self.cri, self.clock, Path("/"), "pause:1", self.told.append, disk=lambda _: self.disk()
        )
        for name in ("b:1", "a:1", "used:1", "pause:1"):
            self.add(name)

    def add(self, name: str) -> None:
        self.cri.add_image(name)
        self.cri._images[name].size = GIB

    def disk(self) -> Disk:
        return Disk(100 * GIB, self.used * GIB)

    @property
    def images(self) -> set[str]:
        return set(self.cri._images)


@pytest.fixture
async def world() -> World:
    made = World()
    labels = {"io.kubernetes.pod.uid": "u"}
    sandbox = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="p", uid="u", namespace="ns"), labels=labels
    )
    home = await made.cri.run_pod_sandbox(sandbox)
    container = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name="c"), image=pb.ImageSpec(image="used:1"), labels=labels
    )
    await made.cri.create_container(home, container, sandbox)
    return made


async def test_a_disk_with_room_keeps_all_images(world: World) -> None:
    world.used = 84
    for _ in range(3):
        world.clock.advance(garbage_collection.INTERVAL)
        await world.collector.collect()
    assert world.images == {"a:1", "b:1", "used:1", "pause:1"}
    assert world.told == []


async def test_what_nobody_uses_goes_and_what_cannot_be_freed_is_told(world: World) -> None:
    await world.collector.collect()
    assert world.images == {"a:1", "b:1", "used:1", "pause:1"}, "too young"
    world.told.clear()
    world.clock.advance(garbage_collection.MIN_AGE)
    await world.collector.collect()
    assert world.images == {"used:1", "pause:1"}
    assert world.told == [
        "Failed to garbage collect required amount of images. Attempted to free 6442450944 bytes,"
        " but only found 2147483648 bytes eligible to free."
    ]


async def test_the_longest_unused_goes_first_and_no_more_than_needed() -> None:
    world = World()
    world.used = 0
    await world.collector.collect()
    world.clock.advance(200)
    world.add("late:1")
    await world.collector.collect()
    world.clock.advance(200)
    world.used = 85
    five = Disk(20 * GIB, 17 * GIB)  # 1 GiB above the low mark
    world.collector._disk = lambda _: five
    await world.collector.collect()
    assert "late:1" in world.images
    assert len(world.images) == 4
    assert world.told == []


@pytest.mark.parametrize(
    ("disk", "wanted"), [(Disk(0, 0), 0), (Disk(100, 84), 0), (Disk(100, 85), 5), (Disk(100, 100), 20)]
)
def test_how_much_has_to_go(disk: Disk, wanted: int) -> None:
    assert garbage_collection.excess(disk) == wanted
