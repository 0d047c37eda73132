"""What an image's upper layers take away no container sees, whichever way containerd keeps layers apart."""

from pathlib import Path

import pytest

from strongroom.node.containerd import mounts, tools
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.testing import images
from strongroom.testing.own_containerd import OwnContainerd

pytestmark = pytest.mark.slow


@pytest.mark.containerd
@pytest.mark.parametrize("overlay", [True, False], ids=["overlayfs", "native"])
async def test_whiteouts_hide_files_and_opaque_folders_all_older_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlay: bool
) -> None:
    if missing := tools.requirements():
        pytest.skip(missing)
    monkeypatch.setattr(mounts, "overlay_works", lambda _: overlay)
    async with OwnContainerd(tmp_path) as containerd:
        config = (tmp_path / "data" / "containerd.toml").read_text()
        assert f'snapshotter = "{"overlayfs" if overlay else "native"}"' in config
        await containerd.put_image("test.local/layered:1", images.layered())
        container = {"image": pb.ImageSpec(image="test.local/layered:1"), "command": ["sleep", "99"]}
        (made,) = (await containerd.pod("p", {"c": container})).values()
        find = [
            "sh",
            "-c",
            "cd /l && find . ! -type d | sort | while read f; do echo ${f#./}=$(cat $f); done",
        ]
        seen = (await containerd.cri.exec_sync(made, find, 10)).stdout.decode().split()
        assert dict(line.split("=") for line in seen) == images.LAYERED
        folders = (await containerd.cri.exec_sync(made, ["find", "/l", "-type", "d"], 10)).stdout.decode()
        assert set(folders.split()) == {"/l", "/l/part", "/l/opaque", "/l/anew"}
