"""The pause image that is built here, as an OCI image of one file."""

import gzip
import io
import json
import os
import tarfile
from types import SimpleNamespace
from typing import cast

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import pause
from strongroom.node.settings import DEFAULT_PAUSE_IMAGE


def test_blobs_refer_to_one_another() -> None:
    image = pause.build(b"program", "x86_64")
    manifest, config = json.loads(image.manifest.data), json.loads(image.config.data)
    (layer,) = image.layers
    assert manifest["config"] == {
        "mediaType": pause.CONFIG_TYPE,
        "digest": image.config.digest,
        "size": len(image.config.data),
    }
    assert manifest["layers"][0]["digest"] == layer.digest
    unpacked = pause.Blob("", gzip.decompress(layer.data))
    assert config["rootfs"]["diff_ids"] == [unpacked.digest]
    assert config["architecture"] == "amd64"


def test_layer_holds_the_program_and_nothing_else() -> None:
    (layer,) = pause.build(b"program", "x86_64").layers
    with tarfile.open(fileobj=io.BytesIO(layer.data)) as archive:
        (member,) = archive.getmembers()
        file = archive.extractfile(member)
        assert file is not None
        assert (member.name, member.mode, file.read()) == ("pause", 0o755, b"program")


def test_it_runs_as_the_pause_program_and_not_as_root() -> None:
    config = json.loads(pause.build(b"program", "x86_64").config.data)["config"]
    assert config["Entrypoint"] == ["/pause", "-P"]
    assert config["User"] == "65535:65535"


def test_equal_input_gives_equal_digests() -> None:
    assert pause.build(b"a", "x86_64") == pause.build(b"a", "x86_64")
    assert pause.build(b"a", "x86_64").manifest.digest != pause.build(b"b", "x86_64").manifest.digest


class Containerd:
    def __init__(self, *names: str) -> None:
        self.names = set(names)

    async def image_target(self, name: str) -> str | None:
        return "sha256:0" if name in self.names else None


class Registry:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.pulled: list[str] = []

    async def pull_image(self, image: str, auth: None, sandbox_config: None) -> str:
        self.pulled.append(image)
        if self.error:
            raise self.error
        return "sha256:0"


async def ensure(containerd: Containerd, registry: Registry, name: str = "r/pause:1") -> None:
    client = cast(clients.ContainerdClient, containerd)
    await pause.ensure(client, registry, name, clock=FakeClock(), timeout=1)


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, pause.Image]]:
    """What is imported where catatonit is installed."""
    found: list[tuple[str, pause.Image]] = []

    async def import_image(client: object, name: str, image: pause.Image, clock: object) -> None:
        found.append((name, image))

    program = SimpleNamespace(read_bytes=lambda: b"program")
    monkeypatch.setattr(pause, "tools", SimpleNamespace(find=lambda name: program))
    monkeypatch.setattr(pause, "import_image", import_image)
    return found


async def test_an_image_that_is_there_is_not_pulled() -> None:
    registry = Registry()
    await ensure(Containerd("r/pause:1"), registry)
    assert registry.pulled == []


async def test_the_default_image_is_built_without_asking_the_network(
    imported: list[tuple[str, pause.Image]],
) -> None:
    registry = Registry()
    await ensure(Containerd(), registry, DEFAULT_PAUSE_IMAGE)
    ((name, image),) = imported
    assert (name, registry.pulled) == (DEFAULT_PAUSE_IMAGE, [])
    assert image == pause.build(b"program", os.uname().machine)


async def test_a_chosen_image_is_pulled(imported: list[tuple[str, pause.Image]]) -> None:
    registry = Registry()
    await ensure(Containerd(), registry)
    assert (imported, registry.pulled) == ([], ["r/pause:1"])


async def test_a_chosen_image_that_cannot_be_pulled_is_built(
    imported: list[tuple[str, pause.Image]],
) -> None:
    await ensure(Containerd(), Registry(OSError("no such host")))
    assert [name for name, _ in imported] == ["r/pause:1"]


@pytest.mark.parametrize("name", ["r/pause:1", DEFAULT_PAUSE_IMAGE])
async def test_no_way_to_an_image_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(pause, "tools", SimpleNamespace(find=lambda name: None))
    with pytest.raises(pause.PauseImageError) as caught:
        await ensure(Containerd(), Registry(OSError("no such host")), name)
    assert str(caught.value) == (
        f"the pause image {name} cannot be pulled (no such host) and catatonit is not installed to build one"
    )
