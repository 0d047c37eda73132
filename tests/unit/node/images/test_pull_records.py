"""A private image on the node is used by those who could pull it, and by nobody else."""

import base64
from pathlib import Path

import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.images import verification
from strongroom.node.images.credentials import Credential, Keyring
from strongroom.node.images.pull_records import PullRecords
from strongroom.node.images.puller import ImageError, Puller
from strongroom.node.images.verification import Policy
from strongroom.testing.fake_cri import FakeCRI

IMAGE = "private.example/team/app:1"
ALICE = Credential("alice", "hunter2")


def secret(name: str, user: str = ALICE.username, password: str = ALICE.password, uid: str = "") -> Object:
    auths = {"auths": {"private.example": {"username": user, "password": password}}}
    data = {".dockerconfigjson": base64.b64encode(orjson.dumps(auths)).decode()}
    metadata = {"name": name, "namespace": "ns", "uid": uid or f"uid-{name}"}
    return {"type": "kubernetes.io/dockerconfigjson", "metadata": metadata, "data": data}


@pytest.fixture
def records(tmp_path: Path) -> PullRecords:
    return PullRecords(tmp_path, FakeClock())


def pull(records: PullRecords, *pull_secrets: Object, credential: Credential | None = ALICE) -> None:
    records.begin(IMAGE)
    records.end(IMAGE, "sha256:1", credential, pull_secrets)


def may(records: PullRecords, *pull_secrets: Object, image: str = IMAGE) -> bool:
    return records.may_use(image, "sha256:1", pull_secrets)


def test_what_nobody_here_pulled_is_free_for_all(records: PullRecords) -> None:
    assert may(records)


def test_what_was_pulled_without_credentials_is_free_for_all(records: PullRecords) -> None:
    pull(records, credential=None)
    assert may(records)
    pull(records, secret("a"))
    assert may(records)


def test_what_was_pulled_with_a_secret_takes_that_secret(records: PullRecords) -> None:
    pull(records, secret("a"))
    assert may(records, secret("a"))
    assert not may(records)
    assert not may(records, secret("b", "bob", "other"))
    assert not may(records, secret("a", "bob", "other", uid="another"))


def test_the_same_secret_with_a_new_password_will_do(records: PullRecords) -> None:
    pull(records, secret("a"))
    assert may(records, secret("a", "alice", "changed"))


def test_the_same_credentials_in_another_secret_will_do(records: PullRecords, tmp_path: Path) -> None:
    pull(records, secret("a"))
    assert may(records, secret("b"))
    again = PullRecords(tmp_path, FakeClock())
    assert may(again, secret("b"))  # it was noted
    assert not may(again, secret("c"))  # without a hash on disk, the registry has to be asked


def test_a_secret_for_another_registry_is_none(records: PullRecords) -> None:
    pull(records, secret("a"))
    other = secret("a")
    auths = {"auths": {"elsewhere.example": {"username": "alice", "password": "hunter2"}}}
    other["data"][".dockerconfigjson"] = base64.b64encode(orjson.dumps(auths)).decode()
    assert not may(records, other)


def test_only_the_secret_whose_credential_was_accepted_counts(records: PullRecords) -> None:
    pull(records, secret("wrong", "alice", "typo"), secret("right"))
    assert may(records, secret("right"))
    assert not may(records, secret("wrong", "alice", "typo"))


def test_other_tags_are_the_same_repository_and_other_names_are_not(records: PullRecords) -> None:
    pull(records, secret("a"))
    assert may(records, secret("a"), image="private.example/team/app@sha256:" + "0" * 64)
    assert not may(records, secret("a"), image="private.example/other/app:1")


def test_each_puller_is_added(records: PullRecords) -> None:
    pull(records, secret("a"))
    pull(records, secret("b", "bob", "b"), credential=Credential("bob", "b"))
    assert may(records, secret("a")) and may(records, secret("b", "bob", "b"))
    pull(records, credential=None)
    assert may(records)


def test_an_agent_that_starts_anew_remembers(records: PullRecords, tmp_path: Path) -> None:
    pull(records, secret("a"))
    again = PullRecords(tmp_path, FakeClock())
    assert may(again, secret("a"))
    assert not may(again)


def test_a_pull_that_was_cut_short_leaves_nothing_free(records: PullRecords, tmp_path: Path) -> None:
    records.begin(IMAGE)
    again = PullRecords(tmp_path, FakeClock())
    assert not may(again, secret("a"))
    again.begin(IMAGE)
    again.end(IMAGE, None, None, ())
    assert not may(again)
    pull(again, secret("a"))
    assert may(again, secret("a"))
    assert list((tmp_path / "pulling").iterdir()) == []


def test_a_pull_that_failed_leaves_no_trace(records: PullRecords, tmp_path: Path) -> None:
    records.begin(IMAGE)
    records.begin(IMAGE)
    records.end(IMAGE, None, None, ())
    assert not may(records)
    records.end(IMAGE, None, None, ())
    assert may(records)
    assert list((tmp_path / "pulling").iterdir()) == []


def test_a_pull_that_nobody_waits_for_leaves_nothing_free(records: PullRecords) -> None:
    records.begin(IMAGE)
    records.cut_short(IMAGE)
    assert not may(records)


def test_a_record_that_cannot_be_read_leaves_nothing_free(records: PullRecords, tmp_path: Path) -> None:
    pull(records, secret("a"))
    (file,) = (tmp_path / "pulled").iterdir()
    for text in (b"", b"[]", b'{"credentialMapping'):
        file.write_bytes(text)
        assert not may(records, secret("a"))


def test_records_hold_no_credential_nor_a_hash_of_one(records: PullRecords, tmp_path: Path) -> None:
    pull(records, secret("a"))
    (file,) = (tmp_path / "pulled").iterdir()
    assert orjson.loads(file.read_bytes()) == {
        "kind": "ImagePulledRecord",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "lastUpdatedTime": "2026-01-02T03:04:05Z",
        "imageRef": "sha256:1",
        "credentialMapping": {
            "private.example/team/app": {
                "kubernetesSecrets": [{"uid": "uid-a", "namespace": "ns", "name": "a"}]
            }
        },
    }


# Through the puller


class Case:
    def __init__(self, directory: Path) -> None:
        self.told: list[str] = []
        self.cri = FakeCRI()
        self.cri.publish(IMAGE, ("alice", "hunter2"))
        clock = FakeClock()
        self.node: Keyring = {}
        self.puller = Puller(self.cri, self, clock, PullRecords(directory, clock), lambda: self.node)

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.told.append(f"{type} {reason}: {message}")

    async def ensure(self, pod: str, *pull_secrets: Object, policy: str = "IfNotPresent") -> pb.Image:
        self.told.clear()
        owner = {"metadata": {"name": pod, "namespace": "ns", "uid": pod}}
        container = {"name": "c", "image": IMAGE, "imagePullPolicy": policy}
        return await self.puller.ensure(owner, container, pull_secrets, pb.PodSandboxConfig(), is_init=False)


async def test_a_private_image_is_not_handed_to_a_pod_without_a_credential_for_it(tmp_path: Path) -> None:
    case = Case(tmp_path)
    await case.ensure("one", secret("a"))
    with pytest.raises(ImageError) as error:
        await case.ensure("two")
    assert error.value.reason == "ErrImagePull"
    assert case.told[0] == f'Normal Pulling: Pulling image "{IMAGE}"'
    with pytest.raises(ImageError) as error:
        await case.ensure("three", policy="Never")
    text = f'Container image "{IMAGE}" is not present with pull policy of Never'
    assert (error.value.reason, error.value.message) == ("ErrImageNeverPull", text)


async def test_who_has_a_credential_is_not_sent_to_the_registry_again(tmp_path: Path) -> None:
    case = Case(tmp_path)
    await case.ensure("one", secret("a"))
    pulls = case.cri.calls.count(("pull_image", IMAGE))
    for policy in ("IfNotPresent", "Never"):
        await case.ensure("two", secret("a"), policy=policy)
        text = f'Container image "{IMAGE}" already present on machine and can be accessed by the pod'
        assert case.told == [f"Normal Pulled: {text}"]
    assert case.cri.calls.count(("pull_image", IMAGE)) == pulls


# The node's own credentials, and the policies


async def test_what_the_nodes_credentials_brought_is_free_for_all(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.node = {"private.example": (ALICE,)}
    await case.ensure("one")
    case.node = {}
    for policy in ("IfNotPresent", "Never"):
        await case.ensure("two", policy=policy)
        assert "Normal Pulling" not in case.told[0]


async def test_the_pods_credentials_are_tried_before_the_nodes(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.node = {"private.example": (Credential("node", "wrong"), ALICE)}
    await case.ensure("one", secret("a"))
    assert case.cri.calls.count(("pull_image", IMAGE)) == 1
    # With the pod's it came, so it is the pod's.
    case.node = {}
    with pytest.raises(ImageError):
        await case.ensure("two")
    case.node = {"private.example": (Credential("node", "wrong"), ALICE)}
    case.cri.calls.clear()
    await case.ensure("three", secret("b", "bob", "other"))
    assert case.cri.calls.count(("pull_image", IMAGE)) == 3


@pytest.mark.parametrize(
    ("policy", "patterns", "preloaded", "pulled"),
    [
        (Policy.NEVER_VERIFY, [], True, True),
        (Policy.NEVER_VERIFY_PRELOADED_IMAGES, [], True, False),
        (Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES, [], False, False),
        (Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES, ["private.example/team/*"], True, True),
        (Policy.ALWAYS_VERIFY, [], False, False),
    ],
)
def test_who_may_use_what_is_there(
    tmp_path: Path, policy: Policy, patterns: list[str], preloaded: bool, pulled: bool
) -> None:
    records = PullRecords(tmp_path, FakeClock(), verification.of(policy, patterns))
    assert may(records) is preloaded
    pull(records, secret("a"))
    assert may(records) is pulled
    assert may(records, secret("a"))


def test_a_record_outlives_a_crash_at_any_point_of_its_writing(tmp_path: Path) -> None:
    """What a crash leaves is the record before, the one after, or a part beside them: never a free image."""
    records = PullRecords(tmp_path, FakeClock())
    pull(records, secret("a"))
    (record,) = (tmp_path / "pulled").iterdir()
    whole = record.read_bytes()
    for cut in range(0, len(whole), 7):
        record.with_name(f"{record.name}.tmp").write_bytes(whole[:cut])
        again = PullRecords(tmp_path, FakeClock())
        assert may(again, secret("a"))
        assert not may(again)
        record.write_bytes(whole[:cut])
        assert not may(PullRecords(tmp_path, FakeClock()))
        record.write_bytes(whole)
