"""Bearer tokens of browsers, which can set no headers on a WebSocket: they send them as a subprotocol.

Kubernetes' `apiserver/pkg/authentication/request/websocket`.
"""

import base64
import binascii
from typing import Final

from strongroom.server.request import Scope

PREFIX: Final = "base64url.bearer.authorization.k8s.io."


def moved(scope: Scope) -> Scope:
    """The scope of a WebSocket whose token, if it has one that counts, stands in its Authorization header.

    Among the subprotocols it stands no more: what is chosen of them is sent back. One counts if it is the
    only one, well-formed, beside another subprotocol, and if no header says whose the request is."""
    offered = scope.get("subprotocols") or ()
    given = [each for each in offered if each.startswith(PREFIX)]
    if not given:
        return scope
    rest = [each for each in offered if not each.startswith(PREFIX)]
    headers = list(scope["headers"])
    token = _token(given[0][len(PREFIX) :]) if len(given) == 1 and rest else b""
    if token and not any(name == b"authorization" for name, _ in headers):
        headers.append((b"authorization", b"Bearer " + token))
    return {**scope, "headers": headers, "subprotocols": rest}


def _token(text: str) -> bytes:
    """Base64url without padding; b"" for anything else."""
    if "=" in text:
        return b""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        decoded.decode()
    except (binascii.Error, ValueError):
        return b""
    return decoded
