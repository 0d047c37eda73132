"""`/openapi/v2`: a Swagger document without definitions.

kubectl asks for it only when `/openapi/v3` does not know a kind (`kind: List`, a kind that is not served), to
validate by it on its own side. Finding no definition it goes on, and the API judges the object.
"""

from typing import Final

from strongroom.server import negotiation, responses, version
from strongroom.server.request import Request

PATH: Final = "/openapi/v2"
_TYPE: Final = b"application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_ASKED: Final = "proto-openapi.spec.v2"


async def send(request: Request) -> None:
    """Answer a GET in the form asked for."""
    if _ASKED in request.header(b"accept"):
        await responses.send(request, 200, _protobuf(), (b"content-type", _TYPE))
    else:
        info = {"title": "Kubernetes", "version": version.GIT_VERSION}
        await responses.decoded(
            request, 200, {"swagger": "2.0", "info": info, "paths": {}}, negotiation.PLAIN
        )


def _protobuf() -> bytes:
    """The same as an `openapi.v2.Document`: swagger = 1, info = 2 (title = 1, version = 2), paths = 8."""
    info = _field(1, b"Kubernetes") + _field(2, version.GIT_VERSION.encode())
    return _field(1, b"2.0") + _field(2, info) + _field(8, b"")


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field; numbers up to 15, contents up to 127 bytes."""
    return bytes((number << 3 | 2, len(content))) + content
