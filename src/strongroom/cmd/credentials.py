"""Bearer tokens: the administrator's, kept; the components', made anew at each start and never on disk."""

import secrets
from pathlib import Path

from strongroom.cmd import files
from strongroom.machinery.request_info import UserInfo

ADMIN = UserInfo("kubernetes-admin", groups=("system:masters", "system:authenticated"))


def component(name: str) -> UserInfo:
    """A part of the control plane: it has the rights of its name and no groups'."""
    return UserInfo(name, groups=("system:authenticated",))


CONTROLLER_MANAGER = component("system:kube-controller-manager")
SCHEDULER = component("system:kube-scheduler")


class CredentialError(Exception):
    """A credential file can't be used: names the file and the reason."""


def node_user(name: str) -> UserInfo:
    """The identity of a node agent (Kubernetes' Node authorization page)."""
    return UserInfo(f"system:node:{name}", groups=("system:nodes", "system:authenticated"))


def new_token() -> str:
    """256 random bits, in characters that a header and a shell leave alone."""
    return secrets.token_urlsafe(32)


def admin_token(path: Path) -> str:
    """The administrator's token in `path` (0600), made at first start. Raises CredentialError."""
    files.make_private_folder(path.parent)
    if not path.exists():
        files.write_private(path, new_token().encode() + b"\n")
    if path.stat().st_mode & 0o077:
        raise CredentialError(
            f"{path}: others may read it: chmod 600 it, or remove it to have a new token made"
        )
    token = path.read_text().strip()
    if len(token) < 32 or not token.isascii() or not token.isprintable() or " " in token:
        raise CredentialError(f"{path}: not a token of at least 32 printable characters")
    return token
