"""The configuration of a container."""

from pathlib import Path

from strongroom.machinery.gvk import Object
from strongroom.node import env
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import container as containers

POD: Object = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
    "spec": {"terminationGracePeriodSeconds": 30},
}


def test_configuration() -> None:
    spec = {
        "name": "c",
        "image": "nginx",
        "command": ["sh", "-c", "$(A)"],
        "args": ["$(B)"],
        "workingDir": "/w",
        "tty": True,
        "stdin": True,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    found = containers.config(
        POD,
        spec,
        3,
        image=pb.Image(id="sha256:1"),
        environment=env.Environment({"A": b"\xff"}),
        mounts=[pb.Mount(container_path="/x", host_path="/y")],
        memory=1,
    )
    assert found.metadata == pb.ContainerMetadata(name="c", attempt=3)
    assert found.image == pb.ImageSpec(image="sha256:1", user_specified_image="nginx")
    assert list(found.command) == ["sh", "-c", "�"]
    assert list(found.args) == ["$(B)"]
    assert list(found.envs) == [pb.KeyValue(key="A", value=b"\xff")]
    assert found.log_path == "c/3.log"
    assert (found.working_dir, found.tty, found.stdin) == ("/w", True, True)
    assert dict(found.labels) == {
        "io.kubernetes.container.name": "c",
        "io.kubernetes.pod.name": "p",
        "io.kubernetes.pod.namespace": "ns",
        "io.kubernetes.pod.uid": "u",
    }
    assert found.annotations["io.kubernetes.container.restartCount"] == "3"
    assert found.annotations["io.kubernetes.container.terminationMessagePath"] == "/dev/termination-log"
    assert found.annotations["io.kubernetes.container.terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert found.annotations["io.kubernetes.pod.terminationGracePeriod"] == "30"
    assert len(found.annotations["io.kubernetes.container.hash"]) == 8


def test_volumes_of_objects_are_read_only_whatever_is_asked() -> None:
    mount = {"name": "v", "mountPath": "s", "readOnly": False, "mountPropagation": "HostToContainer"}
    found = containers.volume_mount(mount, Path("/h"), read_only_volume=True)
    assert (found.container_path, found.host_path, found.readonly) == ("/s", "/h", True)
    assert found.propagation == pb.PROPAGATION_HOST_TO_CONTAINER
    assert not containers.volume_mount(mount, Path("/h"), read_only_volume=False).readonly
