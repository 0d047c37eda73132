"""What comes of an image, and what is told of it."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError
from strongroom.node.images.pull_records import PullRecords
from strongroom.node.images.puller import ImageError, Puller, go_duration
from strongroom.testing.fake_cri import FakeCRI

POD: Object = {"metadata": {"name": "p", "namespace": "ns", "uid": "u1"}}


@dataclass
class Case:
    place: ClassVar[Path]
    """Where the records of the test at hand are."""
    clock: FakeClock = field(default_factory=FakeClock)
    cri: FakeCRI = field(default_factory=FakeCRI)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        records = PullRecords(self.place, self.clock)
        self.puller = Puller(self.cri, self, self.clock, records)

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        assert field_path == "spec.containers{c}"
        self.told.append(f"{type} {reason}: {message}")

    async def ensure(self, image: str, *pull_secrets: Object, **container: str) -> pb.Image:
        self.told.clear()
        spec = {"name": "c", "image": image, **container}
        return await self.puller.ensure(POD, spec, pull_secrets, pb.PodSandboxConfig(), is_init=False)

    async def failure(self, image: str, *pull_secrets: Object, **container: str) -> ImageError:
        with pytest.raises(ImageError) as error:
            await self.ensure(image, *pull_secrets, **container)
        return error.value


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> None:
    Case.place = tmp_path


def pull_secret(host: str, user: str, password: str) -> Object:
    entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    document = base64.b64encode(orjson.dumps({"auths": {host: entry}})).decode()
    return {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": document}}


async def test_image_that_is_there() -> None:
    case = Case()
    case.cri.add_image("nginx:1")
    assert (await case.ensure("nginx:1")).id == "id:nginx:1"
    assert case.told == [
        'Normal Pulled: Container image "nginx:1" already present on machine and can be accessed by the pod'
    ]


async def test_pull_of_the_latest() -> None:
    case = Case()
    case.cri.publish("nginx:latest")
    assert (await case.ensure("nginx")).id == "id:nginx:latest"
    assert case.told == [
        'Normal Pulling: Pulling image "nginx"',
        'Normal Pulled: Successfully pulled image "nginx" in 0s (0s including waiting).'
        " Image size: 1000 bytes.",
    ]


async def test_never() -> None:
    case = Case()
    error = await case.failure("nginx:1", imagePullPolicy="Never")
    text = 'Container image "nginx:1" is not present with pull policy of Never'
    assert (error.reason, error.message) == ("ErrImageNeverPull", text)
    assert case.told == [f"Warning ErrImageNeverPull: {text}", "Warning Failed: Error: ErrImageNeverPull"]


async def test_bad_name() -> None:
    case = Case()
    error = await case.failure("Nginx")
    text = (
        'Failed to apply default image tag "Nginx": couldn\'t parse image name "Nginx":'
        " invalid reference format: repository name (library/Nginx) must be lowercase"
    )
    assert (error.reason, error.message) == ("InvalidImageName", text)
    assert case.told == [f"Warning InspectFailed: {text}", "Warning Failed: Error: InvalidImageName"]


async def test_runtime_that_cannot_be_asked() -> None:
    def fail(call: str, _: str) -> None:
        raise CRIError("Unknown", "broken")

    case = Case(cri=FakeCRI(fail=fail))
    error = await case.failure("nginx:1")
    assert error.reason == "ImageInspectError"
    assert case.told[0] == (
        'Warning InspectFailed: Failed to inspect image "": rpc error: code = Unknown desc = broken'
    )


async def test_failed_pull_then_back_off_then_another_try() -> None:
    case = Case()
    error = await case.failure("none:1")
    rpc = 'rpc error: code = NotFound desc = failed to pull and unpack image "none:1": not found'
    assert (error.reason, error.message) == ("ErrImagePull", rpc)
    assert case.told == [
        'Normal Pulling: Pulling image "none:1"',
        f'Warning Failed: Failed to pull image "none:1": {rpc}',
        "Warning Failed: Error: ErrImagePull",
    ]
    case.clock.advance(1)
    error = await case.failure("none:1")
    waiting = 'Back-off pulling image "none:1"'
    assert (error.reason, error.message) == ("ImagePullBackOff", f"{waiting}: ErrImagePull: {rpc}")
    assert case.told == [f"Normal BackOff: {waiting}", "Warning Failed: Error: ImagePullBackOff"]
    case.clock.advance(9)
    assert case.puller.remaining(POD, {"image": "none:1"}) == 0
    case.cri.publish("none:1")
    assert (await case.ensure("none:1")).id == "id:none:1"


async def test_a_pod_that_is_gone_is_forgotten() -> None:
    case = Case()
    await case.failure("none:1")
    assert case.puller.remaining(POD, {"image": "none:1"}) == 10
    case.puller.forget(POD)
    assert case.puller.remaining(POD, {"image": "none:1"}) == 0


async def test_credentials_are_tried_in_turn() -> None:
    case = Case()
    case.cri.publish("h.io/x:1", ("admin", "right-password"))
    wrong, right = (
        pull_secret("h.io", "admin", "wrong-password"),
        pull_secret("h.io", "admin", "right-password"),
    )
    denied = await case.failure("h.io/x:1")
    assert "pull access denied" in denied.message
    case.clock.advance(10)
    assert (await case.ensure("h.io/x:1", wrong, right)).id == "id:h.io/x:1"
    assert len([call for call, _ in case.cri.calls if call == "pull_image"]) == 3


async def test_refusals_are_told_together_and_without_passwords() -> None:
    case = Case()
    case.cri.publish("h.io/x:1", ("admin", "right-password"))
    error = await case.failure(
        "h.io/x:1", pull_secret("h.io", "a", "wrong-password"), pull_secret("h.io", "b", "wrong-password")
    )
    one = 'rpc error: code = Unknown desc = failed to pull and unpack image "h.io/x:1": pull access denied'
    assert error.message == f"[{one}, {one}]"
    assert "password" not in " ".join(case.told)


async def test_pull_secret_that_cannot_be_read() -> None:
    case = Case()
    broken = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "W10="}}
    error = await case.failure("h.io/x:1", broken)
    assert error.reason == "ErrImagePull"
    assert error.message == "unable to parse the registry configuration in a pull secret"


async def test_class_of_a_runtime_error() -> None:
    def fail(call: str, _: str) -> None:
        if call == "pull_image":
            raise CRIError("Unknown", "RegistryUnavailable: no route")

    error = await Case(cri=FakeCRI(fail=fail)).failure("x:1")
    text = "image pull failed for x:1 because the registry is unavailable: no route"
    assert (error.reason, error.message) == ("RegistryUnavailable", text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0854, "85ms"),
        (1.0, "1s"),
        (1.234, "1.234s"),
        (62.5, "1m2.5s"),
        (300.0, "5m0s"),
        (3661.0, "1h1m1s"),
    ],
)
def test_durations_as_go_prints_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
