"""Volumes are set up, brought up to date and taken down."""

import errno
import os
from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.machinery.gvk import Object
from strongroom.node.lookup import NotSyncedError
from strongroom.node.volumes import manager
from strongroom.node.volumes.manager import VolumeManager
from strongroom.node.volumes.payload import VolumeError
from strongroom.testing.fake_mounts import FakeMounts

SECRET: Object = {"name": "v", "secret": {"secretName": "s"}}
CONFIG_MAP: Object = {"name": "w", "configMap": {"name": "c"}}
EMPTY: Object = {"name": "e", "emptyDir": {}}


class World:
    """Objects by name; an absent name is one that was not read yet."""

    def __init__(self, directory: Path, mounts: FakeMounts | None = None) -> None:
        self.directory = directory
        self.mounts = mounts or FakeMounts()
        self.objects: dict[str, Object | None] = {}
        self.manager = VolumeManager(directory, self, FakeClock(), memory=self.mounts)

    def secret(self, namespace: str, name: str) -> Object | None:
        return self._find("secret", name)

    def config_map(self, namespace: str, name: str) -> Object | None:
        return self._find("configmap", name)

    def service_account_token(self, pod: Object, audience: str, seconds: int) -> str:
        return str((self._find("token", audience) or {})["token"])

    def _find(self, kind: str, name: str) -> Object | None:
        if name not in self.objects:
            raise NotSyncedError(kind)
        return self.objects[name]

    def pod(self, **spec: object) -> Object:
        return {"metadata": {"name": "p", "namespace": "ns", "uid": "u1"}, "spec": spec}


def test_a_secret_lives_in_memory_and_is_brought_up_to_date(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects["s"] = {"data": {"k": "djE="}}
    pod = world.pod()
    assert world.manager.set_up(pod, SECRET)
    path = tmp_path / "u1/volumes/kubernetes.io~secret/v"
    assert world.manager.path(pod, SECRET) == path
    assert world.mounts.mounted == [path]
    assert (path / "k").read_bytes() == b"v1"
    assert not world.manager.set_up(pod, SECRET)
    world.objects["s"] = {"data": {"k": "djI="}}
    assert world.manager.set_up(pod, SECRET)
    assert (path / "k").read_bytes() == b"v2"
    assert world.mounts.mounted == [path]
    assert (tmp_path / "u1").stat().st_mode & 0o777 == 0o750


def test_no_value_is_written_to_the_disk_below_a_volume_that_someone_unmounted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects |= {"s": {"data": {"k": "djE="}}, "c": {"data": {"k": "v"}}}
    pod = world.pod()
    for volume in (SECRET, CONFIG_MAP):
        world.manager.set_up(pod, volume)
    path = world.manager.path(pod, SECRET)
    world.mounts.unmount(path)
    world.objects["s"] = {"data": {"k": "djI="}}
    assert world.manager.set_up(pod, SECRET)
    assert world.mounts.mounted == [path]
    assert not world.manager.set_up(pod, CONFIG_MAP)


def test_a_missing_secret_leaves_no_mount(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(NotSyncedError):
        world.manager.set_up(world.pod(), SECRET)
    world.objects["s"] = None
    with pytest.raises(VolumeError, match=r'^secret "s" not found$'):
        world.manager.set_up(world.pod(), SECRET)
    assert world.mounts.mounted == []
    assert not world.manager.is_up(world.pod(), SECRET)
    assert list(tmp_path.iterdir()) == []


def test_a_config_map_lies_on_disk(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects["c"] = {"data": {"k": "v"}}
    world.manager.set_up(world.pod(), CONFIG_MAP)
    assert (tmp_path / "u1/volumes/kubernetes.io~configmap/w/k").read_text() == "v"
    assert world.mounts.mounted == []


def test_a_new_manager_knows_what_one_before_it_set_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects |= {"s": {"data": {"k": "djE="}}, "c": {"data": {}}}
    for volume in (SECRET, CONFIG_MAP, EMPTY):
        world.manager.set_up(world.pod(), volume)
    (tmp_path / "u1/volumes/kubernetes.io~empty-dir/e/kept").touch()
    after = World(tmp_path, world.mounts)
    for volume in (SECRET, CONFIG_MAP, EMPTY):
        assert after.manager.is_up(after.pod(), volume)
    after.objects = world.objects
    assert not after.manager.set_up(after.pod(), SECRET)
    after.manager.set_up(after.pod(), EMPTY)
    assert (tmp_path / "u1/volumes/kubernetes.io~empty-dir/e/kept").exists()
    assert len(world.mounts.mounted) == 1


def test_scratch_space(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.manager.set_up(world.pod(), EMPTY)
    assert (tmp_path / "u1/volumes/kubernetes.io~empty-dir/e").stat().st_mode & 0o777 == 0o777
    memory = {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    world.manager.set_up(world.pod(), memory)
    assert world.mounts.sizes == {tmp_path / "u1/volumes/kubernetes.io~empty-dir/m": 1024 * 1024}


def test_projected_sources_share_a_directory(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects |= {"s": {"data": {"k": "djE="}}, "c": {"data": {"color": "red"}}}
    sources = [
        {"secret": {"name": "s", "items": [{"key": "k", "path": "deep/k"}]}},
        {"configMap": {"name": "c"}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    volume = {"name": "all", "projected": {"sources": sources, "defaultMode": 0o440}}
    world.manager.set_up(world.pod(), volume)
    path = tmp_path / "u1/volumes/kubernetes.io~projected/all"
    assert (path / "deep/k").read_text() == "v1"
    assert (path / "color").read_text() == "red"
    assert (path / "name").read_text() == "p"
    assert (path / "name").stat().st_mode & 0o777 == 0o440
    assert world.mounts.mounted == [path]


def test_projected_sources_that_fail_are_told_together(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects |= {"s": None, "c": None}
    one = {"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}
    with pytest.raises(VolumeError, match=r'^secret "s" not found$'):
        world.manager.set_up(world.pod(), one)
    sources = [
        {"secret": {"name": "s"}},
        {"configMap": {"name": "c"}},
        {"clusterTrustBundle": {"path": "t"}},
    ]
    with pytest.raises(VolumeError) as error:
        world.manager.set_up(world.pod(), {"name": "v", "projected": {"sources": sources}})
    assert str(error.value) == (
        '[secret "s" not found, configmap "c" not found,'
        " projected volume source is not supported by this node: clusterTrustBundle]"
    )


def test_what_fails_in_two_projected_sources_is_told_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects["s"] = None
    sources = [{"secret": {"name": "s"}}, {"secret": {"name": "s"}}]
    with pytest.raises(VolumeError, match=r'^secret "s" not found$'):
        world.manager.set_up(world.pod(), {"name": "v", "projected": {"sources": sources}})


def test_downward_api_items_that_fail_are_told_together(tmp_path: Path) -> None:
    items = [{"path": "a", "fieldRef": {"fieldPath": "x"}}, {"path": "b", "fieldRef": {"fieldPath": "y"}}]
    volume = {"name": "v", "downwardAPI": {"items": items}}
    with pytest.raises(VolumeError, match=r"^\[unsupported fieldPath: x, unsupported fieldPath: y\]$"):
        World(tmp_path).manager.set_up(World(tmp_path).pod(), volume)


def test_host_path(tmp_path: Path) -> None:
    world = World(tmp_path / "pods")
    volume = {"name": "h", "hostPath": {"path": str(tmp_path), "type": "Directory"}}
    assert not world.manager.set_up(world.pod(), volume)
    assert world.manager.path(world.pod(), volume) == tmp_path
    assert world.manager.is_up(world.pod(), volume)


def test_types_that_are_not_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(VolumeError, match=r"matched: this node does not do volumes of type nfs$"):
        world.manager.set_up(world.pod(), {"name": "v", "nfs": {"server": "h", "path": "/"}})
    assert manager.kind({"name": "v"}) == "emptyDir"


@pytest.mark.parametrize("uid", ["", "..", "a/b", "."])
def test_a_uid_that_leads_elsewhere_is_refused(tmp_path: Path, uid: str) -> None:
    with pytest.raises(VolumeError, match="invalid pod uid"):
        World(tmp_path).manager.tear_down(uid)


def test_taking_down(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects["s"] = {"data": {"k": "djE="}}
    world.manager.set_up(world.pod(), SECRET)
    world.manager.set_up(world.pod(), EMPTY)
    assert world.manager.pods_on_disk() == ["u1"]
    world.manager.forget("u1")
    world.manager.tear_down("u1")
    world.manager.tear_down("u1")
    assert world.mounts.mounted == []
    assert world.manager.pods_on_disk() == []
    world.manager.set_up(world.pod(), SECRET)
    assert len(world.mounts.mounted) == 1


def test_no_directory_of_pods(tmp_path: Path) -> None:
    assert World(tmp_path / "none").manager.pods_on_disk() == []


@pytest.mark.parametrize(("swap", "seen"), [(True, True), (False, False)])
def test_a_kernel_that_may_swap_is_noticed(tmp_path: Path, swap: bool, seen: bool) -> None:
    world = World(tmp_path, FakeMounts(kept_from_swap=False, swap=swap))
    world.objects["s"] = {"data": {}}
    world.manager.set_up(world.pod(), SECRET)
    assert world.manager.swap_seen is seen


def test_files_of_the_file_system_s_errors_are_named_without_content(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.objects["s"] = {"data": {"k": "djE="}}
    (tmp_path / "u1").write_text("in the way")
    with pytest.raises(VolumeError, match=r"^(Not a directory|File exists): ") as error:
        world.manager.set_up(world.pod(), SECRET)
    assert "v1" not in str(error.value)


def test_a_volume_that_is_full_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.objects["s"] = {"data": {"k": "djE="}}

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # one that names no file, as writing does

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(VolumeError, match=r"^No space left on device$"):
        world.manager.set_up(world.pod(), SECRET)
