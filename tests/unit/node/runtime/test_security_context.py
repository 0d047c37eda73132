"""Who a container runs as, and what it may do."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import security_context

ROOT = pb.Image(id="i", uid=pb.Int64Value(value=0))


def pod(**context: object) -> Object:
    return {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"securityContext": context}}


def container(**context: object) -> Object:
    return {"name": "c", "securityContext": context}


def test_defaults() -> None:
    found = security_context.of_container(pod(), container(), pb.Image(id="i"))
    assert list(found.masked_paths) == list(security_context.MASKED_PATHS)
    assert list(found.readonly_paths) == list(security_context.READONLY_PATHS)
    assert found.seccomp.profile_type == pb.SecurityProfile.Unconfined
    assert not found.HasField("run_as_user")
    assert not found.no_new_privs


def test_the_container_s_word_goes_before_the_pod_s() -> None:
    whole = pod(runAsUser=1000, runAsGroup=7, fsGroup=9, seccompProfile={"type": "RuntimeDefault"})
    found = security_context.of_container(whole, container(runAsUser=2000), ROOT)
    assert (found.run_as_user.value, found.run_as_group.value) == (2000, 7)
    assert list(found.supplemental_groups) == [9]
    assert found.seccomp.profile_type == pb.SecurityProfile.RuntimeDefault


def test_user_of_the_image() -> None:
    numbered = security_context.of_container(pod(), container(), pb.Image(uid=pb.Int64Value(value=65534)))
    assert numbered.run_as_user.value == 65534
    named = security_context.of_container(pod(), container(), pb.Image(username="nobody"))
    assert named.run_as_username == "nobody"


def test_privileges() -> None:
    found = security_context.of_container(pod(), container(privileged=True), ROOT)
    assert found.privileged
    assert not found.masked_paths and not found.readonly_paths
    restricted = container(
        allowPrivilegeEscalation=False,
        readOnlyRootFilesystem=True,
        capabilities={"add": ["NET_ADMIN"], "drop": ["ALL"]},
        seccompProfile={"type": "Localhost", "localhostProfile": "p.json"},
        seLinuxOptions={"level": "s0"},
    )
    found = security_context.of_container(pod(), restricted, ROOT)
    assert found.no_new_privs and found.readonly_rootfs
    assert list(found.capabilities.add_capabilities) == ["NET_ADMIN"]
    assert list(found.capabilities.drop_capabilities) == ["ALL"]
    assert found.seccomp.localhost_ref == "p.json"
    assert found.selinux_options.level == "s0"


@pytest.mark.parametrize(
    ("spec", "image", "text"),
    [
        (container(runAsNonRoot=True), ROOT, "container has runAsNonRoot and image will run as root"),
        (container(runAsNonRoot=True), pb.Image(), "container has runAsNonRoot and image will run as root"),
        (container(runAsNonRoot=True, runAsUser=0), ROOT, "container's runAsUser breaks non-root policy"),
        (
            container(runAsNonRoot=True),
            pb.Image(username="web"),
            "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root",
        ),
    ],
)
def test_run_as_non_root(spec: Object, image: pb.Image, text: str) -> None:
    with pytest.raises(security_context.RunsAsRootError) as error:
        security_context.verify_non_root(pod(), spec, image)
    assert str(error.value) == f'{text} (pod: "p_ns(u)", container: c)'


def test_run_as_non_root_that_is_kept() -> None:
    security_context.verify_non_root(pod(), container(), ROOT)
    security_context.verify_non_root(pod(runAsNonRoot=True), container(runAsUser=5), ROOT)
    security_context.verify_non_root(
        pod(runAsNonRoot=True), container(), pb.Image(uid=pb.Int64Value(value=5))
    )
