"""What a machine and the API say to each other when the machine becomes a node.

A machine makes a key of 256 random bits and posts it to `nodes/‹name›/token` with a bootstrap token. The API
keeps the key's digest on the Node and answers with tokens that live for a day at most and die with the Node.
With its token and its key the node gets new ones, again and again; with its key and a bootstrap token too.
"""

import hashlib
import re
from typing import Final

API_VERSION: Final = "strongroom.dev/v1"
KIND: Final = "NodeTokenRequest"
SUBRESOURCE: Final = "token"

KEY_ANNOTATION: Final = "strongroom.dev/key-sha256"
"""On a Node: the digest of the key of the machine that joined under its name."""
TOKEN_ANNOTATION: Final = "strongroom.dev/bootstrap-token-id"  # noqa: S105 - a key, no token
"""On a Node: the id of the bootstrap token that the machine joined with."""
CERTIFICATE_ANNOTATION: Final = "strongroom.dev/serving-certificate-sha256"
"""On a Node: the digest of the certificate that its endpoint for exec and logs shows."""

POD_NETWORK_ANNOTATION: Final = "strongroom.dev/pod-network"
"""On a Node: the subnet that it would like for its Pods, since it is free there."""

USER_PREFIX: Final = "system:node:"
PROXY_USER: Final = "system:kube-proxy"
"""Who keeps a node's routes and cluster IPs: it reads Services, endpoints and Nodes."""
SERVER_USER: Final = "system:kube-apiserver"
"""As whom the API comes to a node's endpoint."""

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43,128}")


def is_key(text: object) -> bool:
    """Whether it has the form of a key: base64url of at least 256 bits."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def key_digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def audience(node: str) -> str:
    """What a token is for that the API shows to this node, and to no other."""
    return f"{USER_PREFIX}{node}"
