"""The image of the container that holds a pod's namespaces: built here from Debian's catatonit, or pulled.

`catatonit -P` does what the pause program does: it sleeps, reaps orphans and ends on a signal. The binary is
static, so an image of that one file is enough.
"""

import asyncio
import gzip
import hashlib
import io
import logging
import os
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import orjson

from strongroom.aio import clock as clocks
from strongroom.node.containerd import _generated_types_pb2 as types_pb
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import errors, tools
from strongroom.node.settings import DEFAULT_PAUSE_IMAGE

_log = logging.getLogger(__name__)

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
_LEASE_TIME = timedelta(minutes=10)
_SEEN_TIMEOUT = 10.0


class PauseImageError(Exception):
    """There is no pause image and none can be made; `str()` says why in one line."""


class Puller(Protocol):
    """The part of the CRI client that brings an image from its registry."""

    async def pull_image(self, image: str, auth: None, sandbox_config: None) -> str: ...


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that content-addressed storage knows by their digest."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, slots=True)
class Image:
    """An OCI image of one platform."""

    manifest: Blob
    config: Blob
    layers: Sequence[Blob]


async def ensure(
    client: clients.ContainerdClient, puller: Puller, name: str, *, clock: clocks.Clock, timeout: float
) -> None:
    """Have an image of this name: there already, built here, or pulled within `timeout` seconds.

    For the default image building goes first: it takes a moment and needs no network, and Pods wait for this.
    An image that someone chose is pulled if it can be. Raises `PauseImageError`.
    """
    with suppress(errors.ContainerdError):
        if await client.image_target(name) is not None:
            return
    build_first = name == DEFAULT_PAUSE_IMAGE
    if build_first and await _build(client, name, clock):
        return
    # Whatever keeps it from being pulled, building one is what remains.
    try:
        async with asyncio.timeout(timeout):
            await puller.pull_image(name, None, None)
            return
    except Exception as error:
        reason = str(error) or f"no answer within {timeout:.0f} s"
    if build_first or not await _build(client, name, clock):
        raise PauseImageError(
            f"the pause image {name} cannot be pulled ({reason}) and catatonit is not installed to build one"
        )


async def _build(client: clients.ContainerdClient, name: str, clock: clocks.Clock) -> bool:
    """Build and import an image of this name; false if there is no program for it."""
    catatonit = tools.find("catatonit")
    if catatonit is None:
        return False
    _log.info("building the pause image %s from %s", name, catatonit)
    try:
        await import_image(client, name, build(catatonit.read_bytes(), os.uname().machine), clock)
    except (errors.ContainerdError, OSError) as error:
        raise PauseImageError(f"the pause image {name} cannot be built: {error}") from error
    return True


def build(program: bytes, machine: str) -> Image:
    """An image whose one file is the program, started as `/pause -P`; equal input gives equal digests."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("pause")
        info.mode, info.size = 0o755, len(program)
        archive.addfile(info, io.BytesIO(program))
    layer_tar = buffer.getvalue()
    layer = Blob(LAYER_TYPE, gzip.compress(layer_tar, compresslevel=6, mtime=0))
    config = Blob(
        CONFIG_TYPE,
        orjson.dumps(
            {
                "created": "1970-01-01T00:00:00Z",
                "architecture": _ARCHITECTURES.get(machine, machine),
                "os": "linux",
                "config": {"Entrypoint": ["/pause", "-P"], "User": "65535:65535", "WorkingDir": "/"},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer_tar).hexdigest()]},
            }
        ),
    )
    manifest = Blob(
        MANIFEST_TYPE,
        orjson.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.descriptor(),
                "layers": [layer.descriptor()],
            }
        ),
    )
    return Image(manifest, config, [layer])


async def import_image(
    client: clients.ContainerdClient, name: str, image: Image, clock: clocks.Clock
) -> None:
    """Put an image into containerd under a name, replacing what had it, and wait until CRI knows it."""
    lease = f"strongroom-{os.urandom(8).hex()}"
    await client.create_lease(lease, clock.now() + _LEASE_TIME)
    try:
        for layer in image.layers:
            await client.write_content(layer.data, layer.digest, {}, lease)
        await client.write_content(image.config.data, image.config.digest, {}, lease)
        references = {
            f"containerd.io/gc.ref.content.{index}": blob.digest
            for index, blob in enumerate((image.config, *image.layers))
        }
        await client.write_content(image.manifest.data, image.manifest.digest, references, lease)
        target = types_pb.Descriptor(
            media_type=image.manifest.media_type,
            digest=image.manifest.digest,
            size=len(image.manifest.data),
        )
        # The label keeps containerd 2.x and the node's own image collection from removing it.
        labels = {"io.cri-containerd.pinned": "pinned"}
        await client.delete_image(name)
        await client.create_image(name, target, labels)
    finally:
        await client.delete_lease(lease)
    await _wait_until_known(client, image.config.digest, clock)


async def _wait_until_known(client: clients.ContainerdClient, image_id: str, clock: clocks.Clock) -> None:
    """The CRI plugin learns of images by events, and then names them by their id too."""
    deadline = clock.monotonic() + _SEEN_TIMEOUT
    while await client.image_target(image_id) is None:
        if clock.monotonic() > deadline:
            raise errors.ContainerdError(f"the CRI plugin did not take notice of image {image_id}")
        await asyncio.sleep(0.01)
