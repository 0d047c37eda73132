"""A KMS v2 plugin: keys in memory, behind a unix socket."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.encryption.kms import _generated_kms_pb2 as pb

ANNOTATION: Final = "kms.example.com"


class FakeKMS:
    """A context manager: serves between entering and leaving. All that may be changed may be changed
    meanwhile.

    It wants back, to decrypt, the annotation that it gave."""

    def __init__(self, socket: Path) -> None:
        self.endpoint = f"unix://{socket}"
        self.key_id = "kms-1"
        self.keys: dict[str, bytes] = {self.key_id: os.urandom(32)}
        self.version = "v2"
        self.health = "ok"
        self.encrypts_as = ""
        """Key id that Encrypt answers with, if it is to be another than Status names."""
        self.calls: list[str] = []
        self._server: grpc.Server | None = None

    def rotate(self) -> str:
        """Use a new key from now on; its id."""
        self.key_id = f"kms-{len(self.keys) + 1}"
        self.keys[self.key_id] = os.urandom(32)
        return self.key_id

    def __enter__(self) -> "FakeKMS":
        self._server = grpc.server(ThreadPoolExecutor(2))
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                answer, request_deserializer=kind.FromString, response_serializer=_serialize
            )
            for name, answer, kind in (
                ("Status", self._status, pb.StatusRequest),
                ("Encrypt", self._encrypt, pb.EncryptRequest),
                ("Decrypt", self._decrypt, pb.DecryptRequest),
            )
        }
        generic = grpc.method_handlers_generic_handler("v2.KeyManagementService", handlers)
        self._server.add_generic_rpc_handlers((generic,))
        self._server.add_insecure_port(self.endpoint)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.stop(0).wait()

    def _status(self, request: Any, context: Any) -> Any:
        self.calls.append("Status")
        return pb.StatusResponse(version=self.version, healthz=self.health, key_id=self.key_id)

    def _encrypt(self, request: Any, context: Any) -> Any:
        self.calls.append("Encrypt")
        nonce = os.urandom(12)
        ciphertext = nonce + AESGCM(self.keys[self.key_id]).encrypt(nonce, request.plaintext, b"")
        annotations = {ANNOTATION: self.key_id.encode()}
        key_id = self.encrypts_as or self.key_id
        return pb.EncryptResponse(ciphertext=ciphertext, key_id=key_id, annotations=annotations)

    def _decrypt(self, request: Any, context: Any) -> Any:
        self.calls.append("Decrypt")
        key = self.keys.get(request.key_id)
        if key is None or request.annotations.get(ANNOTATION) != request.key_id.encode():
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such key")
        assert key is not None
        try:
            plaintext = AESGCM(key).decrypt(request.ciphertext[:12], request.ciphertext[12:], b"")
        except InvalidTag:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "it does not open")
        return pb.DecryptResponse(plaintext=plaintext)


def _serialize(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded
