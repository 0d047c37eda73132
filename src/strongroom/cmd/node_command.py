"""The command line of `strongroom node`."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from strongroom.client import authority
from strongroom.cmd import image_access, node_flags, settings
from strongroom.cmd.flags import PATH, flag
from strongroom.cmd.settings import SettingsError
from strongroom.machinery import duration

PORT: Final = 10250
_EXAMPLES: Final = """\b
Examples:
  strongroom token create --print-join-command
      on the server's machine: prints the command to type on the machine that joins
  strongroom node --server https://10.0.0.1:6443 --ca-cert-hash sha256:3f... --token-file ./token
      joins with the token in ./token; later starts need it no more
  strongroom node --server https://10.0.0.1:6443 --ca-file ./ca.crt --token-file ./token --node-name rack7
      the same, with the cluster's certificate and another name
"""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """The settings of a node whose server is elsewhere, checked."""

    server: str
    token_file: Path
    ca_file: Path | None
    ca_cert_hash: str
    data_dir: Path
    run_dir: Path
    node_name: str
    node_ip: str
    """"": the address from which this machine reaches the server."""
    port: int
    heartbeat: float
    runtime_endpoint: str | None
    registry_config: Path
    pause_image: str
    images: image_access.Options
    pod_pids_limit: int

    @property
    def api(self) -> tuple[str, int]:
        """Host and port of the server."""
        parts = urlsplit(self.server)
        return parts.hostname or "", parts.port or 443


def _runtime_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.reduce(lambda inner, each: each(inner), reversed(node_flags.RUNTIME), function)


@click.command(epilog=_EXAMPLES)
@flag("--server", required=True, metavar="URL", help="The API server: https://HOST:PORT.")
@flag(
    "--token-file",
    required=True,
    type=PATH,
    metavar="F",
    help="Holds a bootstrap token (`strongroom token create`). Read when the node joins, and then only.",
)
@flag("--ca-file", type=PATH, metavar="F", help="The cluster's certificate authority, PEM.")
@flag(
    "--ca-cert-hash",
    default="",
    metavar="sha256:HEX",
    help="Instead: the digest of its key, as `strongroom token create --print-join-command` prints it.",
)
@flag(
    "--data-dir",
    type=PATH,
    metavar="D",
    help="Everything durable.  [default: /var/lib/strongroom]",
)
@node_flags.NAME
@node_flags.IP
@flag(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="P",
    help="Where the server reaches the node for exec and logs.  0: any free one.",
)
@flag(
    "--node-status-update-frequency",
    "heartbeat",
    default="10s",
    show_default=True,
    metavar="SPAN",
    help="How often the node says that it is alive.",
)
@_runtime_flags
def node(**flags: Any) -> int:
    """Make this machine a node of the cluster at URL, and run the Pods that are bound to it.

    The token is exchanged for credentials of the node's own, which read nothing but what its Pods name, are
    renewed by themselves, and die when the Node is deleted. They lie in the data directory, readable for root
    alone. Needs root and containerd.

    Prints one line when the node is ready. SIGTERM or Ctrl-C stops it; containers run on and are found again
    at the next start. Each flag can be given as STRONGROOM_<FLAG> in the environment.

    Exit codes: 0 stopped when asked, 1 could not join, start or go on, 2 a flag is wrong.
    """
    chosen = resolve(**flags)
    from strongroom.cmd import hardening

    hardening.leave_forks_alone()
    from strongroom.cmd import remote_node

    return int(remote_node.main(chosen))


def resolve(
    *,
    server: str,
    token_file: Path,
    ca_file: Path | None,
    ca_cert_hash: str,
    data_dir: Path | None,
    node_name: str | None,
    node_ip: str,
    port: int,
    heartbeat: str,
    runtime_endpoint: str | None,
    registry_config: Path | None,
    pause_image: str,
    image_credential_config: Path | None = None,
    image_pull_credentials_verification_policy: str = image_access.DEFAULT,
    preloaded_images_verification_allowlist: Sequence[str] = (),
    pod_pids_limit: int = settings.POD_PIDS_LIMIT,
    environ: Mapping[str, str] = os.environ,
) -> RemoteSettings:
    """Raises SettingsError."""
    root = (data_dir or settings.default_data_dir(environ)).absolute()
    if ca_file is None and not ca_cert_hash:
        raise SettingsError("--ca-cert-hash or --ca-file: one of them tells this server from an impostor")
    if ca_cert_hash and not authority.is_hash(ca_cert_hash):
        raise SettingsError("--ca-cert-hash: not sha256: and 64 hexadecimal digits")
    return RemoteSettings(
        server=_server(server),
        token_file=token_file.absolute(),
        ca_file=ca_file.absolute() if ca_file else None,
        ca_cert_hash=ca_cert_hash.lower(),
        data_dir=root,
        run_dir=settings.default_run_dir(environ, root),
        node_name=settings.parse_node_name(node_name or settings.default_node_name()),
        node_ip=settings.parse_node_ip(node_ip),
        port=port,
        heartbeat=_span(heartbeat),
        runtime_endpoint=settings.parse_endpoint(runtime_endpoint),
        registry_config=(registry_config or settings.default_registry_config()).absolute(),
        pause_image=pause_image,
        images=settings.images_options(
            image_credential_config,
            image_pull_credentials_verification_policy,
            preloaded_images_verification_allowlist,
        ),
        pod_pids_limit=pod_pids_limit,
    )


def _server(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path not in ("", "/") or parts.query or parts.username:
        raise SettingsError(f"--server: {text!r} is not https://HOST:PORT")
    return text.rstrip("/")


def _span(text: str) -> float:
    try:
        seconds = duration.parse_span(text)
    except ValueError as error:
        raise SettingsError(f"--node-status-update-frequency: {error}") from None
    if seconds <= 0:
        raise SettingsError("--node-status-update-frequency: must be more than 0s")
    return seconds
