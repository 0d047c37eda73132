"""Makes sure that a container's image is on the machine, and tells the pod's owner what comes of it."""

import asyncio
from collections.abc import Sequence

from strongroom.aio.clock import Clock
from strongroom.machinery import image_reference
from strongroom.machinery.gvk import Object
from strongroom.node import events
from strongroom.node.back_off import BackOffs
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import Images
from strongroom.node.images import credentials, pull_policy
from strongroom.node.images.credentials import Credential
from strongroom.node.images.node_credentials import NodeKeyring
from strongroom.node.images.pull_policy import Decision
from strongroom.node.images.pull_records import PullRecords

_CLASSES = {
    "RegistryUnavailable": "the registry is unavailable",
    "SignatureValidationFailed": "the signature validation failed",
}


class ImageError(Exception):
    """There is no image to start the container from. `reason` and `str()` go to the container's status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Puller:
    """Pulls images for pods. Failed attempts are spaced, for each pod and image, from 10 s to 5 minutes.

    `records` decide who may use an image that is there already. `node_keyring`: the node's own credentials,
    which all pods may pull with.
    """

    def __init__(
        self,
        cri: Images,
        recorder: events.Recorder,
        clock: Clock,
        records: PullRecords,
        node_keyring: NodeKeyring = dict,
    ) -> None:
        self._node_keyring = node_keyring
        self._cri = cri
        self._records = records
        self._recorder = recorder
        self._clock = clock
        self._back_offs = BackOffs(clock)
        self._failures: dict[tuple[str, str], str] = {}

    def remaining(self, pod: Object, container: Object) -> float:
        """Seconds before the image may be pulled again."""
        return self._back_offs.remaining(self._key(pod, container))

    def forget(self, pod: Object) -> None:
        """The pod is gone."""
        uid = pod["metadata"]["uid"]
        for key in [key for key in self._failures if key[0] == uid]:
            del self._failures[key]
            self._back_offs.forget(key)

    @staticmethod
    def _key(pod: Object, container: Object) -> tuple[str, str]:
        return (pod["metadata"]["uid"], str(container.get("image", "")))

    async def ensure(
        self,
        pod: Object,
        container: Object,
        pull_secrets: Sequence[Object],
        sandbox_config: pb.PodSandboxConfig,
        *,
        is_init: bool,
        is_ephemeral: bool = False,
    ) -> pb.Image:
        """The image of `container`, pulled where its policy asks for it. Raises `ImageError`."""
        path = events.field_path(container, is_init=is_init, is_ephemeral=is_ephemeral)
        attempt = _Attempt(self._recorder, pod, container, path)
        full = self._full_name(attempt)
        present = await self._inspect(attempt, full)
        if present is not None and not self._may_use(attempt, full, present, pull_secrets):
            present = None
        match pull_policy.decide(pull_policy.policy_of(container), present=present is not None):
            case Decision.USE if present is not None:
                text = f'Container image "{attempt.image}" already present on machine'
                attempt.normal("Pulled", f"{text} and can be accessed by the pod")
                return present
            case Decision.REFUSE:
                text = f'Container image "{attempt.image}" is not present with pull policy of Never'
                attempt.warning("ErrImageNeverPull", text)
                raise attempt.failed("ErrImageNeverPull", text)
        key = self._key(pod, container)
        if self._back_offs.remaining(key):
            text = f'Back-off pulling image "{attempt.image}"'
            attempt.normal("BackOff", text)
            last = self._failures.get(key)
            raise attempt.failed("ImagePullBackOff", f"{text}: ErrImagePull: {last}" if last else text)
        return await self._pull(attempt, full, pull_secrets, sandbox_config)

    def _full_name(self, attempt: "_Attempt") -> str:
        try:
            return image_reference.with_default_tag(attempt.image)
        except image_reference.InvalidReferenceError as error:
            text = (
                f'Failed to apply default image tag "{attempt.image}":'
                f' couldn\'t parse image name "{attempt.image}": {error}'
            )
            attempt.warning("InspectFailed", text)
            raise attempt.failed("InvalidImageName", text) from error

    async def _inspect(self, attempt: "_Attempt", full: str) -> pb.Image | None:
        try:
            return await self._cri.image_status(full)
        except CRIError as error:
            # The empty quotes are what the kubelet prints here.
            text = f'Failed to inspect image "": {error.rpc}'
            attempt.warning("InspectFailed", text)
            raise attempt.failed("ImageInspectError", text) from error

    def _may_use(
        self, attempt: "_Attempt", full: str, present: pb.Image, pull_secrets: Sequence[Object]
    ) -> bool:
        if pull_policy.policy_of(attempt.container) == pull_policy.ALWAYS:
            return True  # the registry is asked anyway
        try:
            return self._records.may_use(full, present.id, pull_secrets)
        except (credentials.CredentialsError, OSError):
            return False

    async def _pull(
        self,
        attempt: "_Attempt",
        full: str,
        pull_secrets: Sequence[Object],
        sandbox_config: pb.PodSandboxConfig,
    ) -> pb.Image:
        key = self._key(attempt.pod, attempt.container)
        attempt.normal("Pulling", f'Pulling image "{attempt.image}"')
        began = self._clock.monotonic()
        try:
            image = await self._pull_and_record(full, pull_secrets, sandbox_config)
            took = self._clock.monotonic() - began
        except (CRIError, credentials.CredentialsError, OSError) as error:
            text = error.rpc if isinstance(error, CRIError) else _plain(error)
            self._back_offs.next(key)
            self._failures[key] = text
            raise self._pull_failed(attempt, text) from None
        self._back_offs.forget(key)
        self._failures.pop(key, None)
        waited = go_duration(took)
        attempt.normal(
            "Pulled",
            f'Successfully pulled image "{attempt.image}" in {waited} ({waited} including waiting).'
            f" Image size: {image.size} bytes.",
        )
        return image

    async def _pull_and_record(
        self, full: str, pull_secrets: Sequence[Object], sandbox_config: pb.PodSandboxConfig
    ) -> pb.Image:
        """Pull, and note with whose credentials that was."""
        self._records.begin(full)
        try:
            pulled, used = await self._try_credentials(full, pull_secrets, sandbox_config)
            image = await self._cri.image_status(pulled) or await self._cri.image_status(full)
        except asyncio.CancelledError:
            self._records.cut_short(full)
            raise
        except BaseException:
            self._records.end(full, None, None, ())
            raise
        self._records.end(full, image.id if image is not None else None, used, pull_secrets)
        if image is None:
            raise CRIError("NotFound", f'image "{full}" is gone since it was pulled')
        return image

    async def _try_credentials(
        self, full: str, pull_secrets: Sequence[Object], sandbox_config: pb.PodSandboxConfig
    ) -> tuple[str, Credential | None]:
        """Pull with each credential in turn, the pod's before the node's; without any, as anyone. The image,
        and the pod's credential that was used, if one was."""
        repository = image_reference.parse(full).name
        own = credentials.find(credentials.keyring(pull_secrets), repository)
        shared = credentials.find(self._node_keyring(), repository)
        found = list(dict.fromkeys([*own, *shared]))
        if not found:
            return await self._cri.pull_image(full, None, sandbox_config), None
        failures: list[CRIError] = []
        for credential in found:
            # Without an address, as the kubelet sends it: the runtime would hold it against the host that it
            # asks, which is another for Docker Hub and for every mirror.
            auth = pb.AuthConfig(username=credential.username, password=credential.password)
            try:
                pulled = await self._cri.pull_image(full, auth, sandbox_config)
                return pulled, credential if credential in own else None
            except CRIError as error:
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        raise _AggregateError(failures)

    @staticmethod
    def _pull_failed(attempt: "_Attempt", text: str) -> ImageError:
        attempt.warning("Failed", f'Failed to pull image "{attempt.image}": {text}')
        for reason, why in _CLASSES.items():
            if reason in text.partition(":")[0] or f"desc = {reason}" in text:
                rest = text.partition(f"{reason}: ")[2] or text
                return attempt.failed(reason, f"image pull failed for {attempt.image} because {why}: {rest}")
        return attempt.failed("ErrImagePull", text)


def _plain(error: Exception) -> str:
    return error.strerror or "input/output error" if isinstance(error, OSError) else str(error)


class _AggregateError(CRIError):
    """Several refusals, one for each credential."""

    def __init__(self, failures: Sequence[CRIError]) -> None:
        super().__init__(failures[0].code, f"[{', '.join(failure.rpc for failure in failures)}]")

    @property
    def rpc(self) -> str:
        return self.message


class _Attempt:
    """One container's need of an image, and the events about it."""

    def __init__(self, recorder: events.Recorder, pod: Object, container: Object, path: str) -> None:
        self.pod = pod
        self.container = container
        self.image = str(container.get("image", ""))
        self._recorder = recorder
        self._path = path

    def normal(self, reason: str, message: str) -> None:
        self._recorder.event(self.pod, events.NORMAL, reason, message, self._path)

    def warning(self, reason: str, message: str) -> None:
        self._recorder.event(self.pod, events.WARNING, reason, message, self._path)

    def failed(self, reason: str, message: str) -> ImageError:
        self.warning("Failed", f"Error: {reason}")
        return ImageError(reason, message)


def go_duration(seconds: float) -> str:
    """A duration in whole milliseconds as Go prints it: `85ms`, `1.234s`, `1m2.5s`."""
    milliseconds = int(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
