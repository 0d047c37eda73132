"""A KMS v2 plugin as the holder of key-encryption keys. Kubernetes' intervals and limits.

A seed is encrypted when the plugin's key changes, not when a value is written: `poll` asks for it ahead, and
`new_seed` only hands it out. So no write waits for the plugin; a value of another start of a server asks it
once, to open that start's seed.
"""

import threading
import time
import uuid
from collections.abc import Callable
from os import urandom
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from strongroom.encryption.encrypted_object import DEK_SOURCE_LIMIT, KEY_ID_LIMIT, check_annotations
from strongroom.encryption.envelope import SEED_SIZE, Wrapped
from strongroom.encryption.kms import _generated_kms_pb2 as pb
from strongroom.encryption.transformer import TransformError, WrongKey

POLL_SECONDS: Final = 60.0
POLL_SECONDS_UNHEALTHY: Final = 10.0
GRACE_SECONDS: Final = 180.0
"""How long after its last good state a plugin's seed is still written with."""

VERSIONS: Final = ("v2", "v2beta1")

_OPTIONS: Final = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The authority that gRPC derives from a socket's path is refused by Go servers.
    ("grpc.default_authority", "localhost"),
    ("grpc.enable_http_proxy", 0),
]


class Plugin:
    """`endpoint`: `unix:///path`; `unix:///@name` is an abstract socket. `timeout`: seconds for an answer.

    Thread-safe. `poll` before use, and from then on every `interval` seconds."""

    def __init__(
        self, name: str, endpoint: str, timeout: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._timeout = timeout
        self._monotonic = monotonic
        path = endpoint.removeprefix("unix://")
        target = f"unix-abstract:{path[2:]}" if path.startswith("/@") else f"unix:{path}"
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._lock = threading.Lock()
        self._seed: tuple[bytes, Wrapped] | None = None
        self._good = 0.0
        self.problem = "it was not asked yet"
        """Why it is not healthy; "" when it is."""

    def __repr__(self) -> str:
        return f"Plugin({self._name!r})"

    @property
    def interval(self) -> float:
        """Seconds until it should be asked again."""
        return POLL_SECONDS_UNHEALTHY if self.problem else POLL_SECONDS

    @property
    def current_key_id(self) -> str:
        """ "" when nothing may be written."""
        return self._seed[1].key_id if self._seed is not None and not self._is_overdue() else ""

    def _is_overdue(self) -> bool:
        return bool(self.problem) and self._monotonic() - self._good > GRACE_SECONDS

    def poll(self) -> bool:
        """Ask for its state, and for a seed under its key when that is another one. Blocks.

        True: values are written under another key from now on. Never raises: see `problem`."""
        with self._lock:
            known = self._seed[1].key_id if self._seed is not None else ""
            try:
                status: pb.StatusResponse = self._call("Status", pb.StatusRequest(), pb.StatusResponse)
                self._check(status)
                if status.key_id != known:
                    self._seed = self._wrapped(status.key_id)
                self._good, self.problem = self._monotonic(), ""
            except TransformError as error:
                self.problem = str(error)
            return self._seed is not None and self._seed[1].key_id != known

    def new_seed(self) -> tuple[bytes, Wrapped]:
        """The seed that `poll` had encrypted. Raises TransformError when that is too long ago."""
        if self._seed is None or self._is_overdue():
            raise TransformError(f'KMS plugin "{self._name}" is not healthy: {self.problem}')
        return self._seed

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Asks the plugin. Raises TransformError: WrongKey when it does not open this."""
        request = pb.DecryptRequest(
            ciphertext=wrapped.ciphertext,
            uid=str(uuid.uuid4()),
            key_id=wrapped.key_id,
            annotations=dict(wrapped.annotations),
        )
        try:
            answer: pb.DecryptResponse = self._call("Decrypt", request, pb.DecryptResponse)
        except TransformError as error:
            raise WrongKey(f'key "{wrapped.key_id}": {error}') from None
        return answer.plaintext

    def close(self) -> None:
        self._channel.close()

    def _wrapped(self, key_id: str) -> tuple[bytes, Wrapped]:
        seed = urandom(SEED_SIZE)
        request = pb.EncryptRequest(plaintext=seed, uid=str(uuid.uuid4()))
        answer: pb.EncryptResponse = self._call("Encrypt", request, pb.EncryptResponse)
        annotations = dict(answer.annotations)
        if answer.key_id != key_id:
            raise TransformError(
                f'KMS plugin "{self._name}" encrypts under another key than its status names'
            )
        if not 0 < len(answer.ciphertext) <= DEK_SOURCE_LIMIT:
            raise TransformError(f"the encrypted DEK source must have 1 to {DEK_SOURCE_LIMIT} bytes")
        try:
            check_annotations(annotations)
        except ValueError as error:
            raise TransformError(str(error)) from None
        return seed, Wrapped(key_id, answer.ciphertext, tuple(sorted(annotations.items())))

    def _check(self, status: pb.StatusResponse) -> None:
        if status.version not in VERSIONS:
            raise TransformError(f'KMS plugin "{self._name}" speaks version {status.version[:20]!r}, not v2')
        if status.healthz != "ok":
            raise TransformError(f'KMS plugin "{self._name}" says that it is not healthy')
        if not 0 < len(status.key_id.encode()) <= KEY_ID_LIMIT:
            raise TransformError(f'KMS plugin "{self._name}" names no key of 1 to {KEY_ID_LIMIT} bytes')

    def _call(self, method: str, request: Message, answer: type[Any]) -> Any:
        call = self._channel.unary_unary(
            f"/v2.KeyManagementService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=self._timeout, wait_for_ready=False)
        except grpc.RpcError as error:
            # Its own text may hold what was sent.
            told: Any = error  # it is a call, too, which its type does not say
            code = told.code().name
            raise TransformError(f'KMS plugin "{self._name}" answers {method} with {code}') from None
