"""The flags that say who else is known to the API, with kube-apiserver's names."""

from dataclasses import dataclass
from pathlib import Path

from strongroom.cmd.flags import PATH, flag

FLAGS = (
    flag(
        "--token-auth-file",
        type=PATH,
        metavar="F",
        help='Users and their tokens, CSV as Kubernetes takes it: token,user,uid,"group1,group2".',
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """Who is known beside the administrator and ServiceAccounts."""

    token_file: Path | None = None


def resolve(*, token_auth_file: Path | None = None) -> Options:
    """What the flags say."""
    return Options(token_auth_file.absolute() if token_auth_file else None)
