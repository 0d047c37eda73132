"""What `strongroom up` is told: flag > environment > configuration file > default."""

import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from strongroom.client import kubeconfig as kubeconfigs
from strongroom.cmd import audit_log, authentication, cluster_options, image_access
from strongroom.server.audit import policy
from strongroom.server.audit.policy_file import PolicyError
from strongroom.store.engines.etcd import endpoint

SQLITE = "sqlite"
ETCD_SCHEMES = ("etcd://", "etcds://")
DEFAULT_LISTEN = "127.0.0.1:6443"
MAX_REQUESTS_INFLIGHT = 400
POD_PIDS_LIMIT = 4096
MAX_MUTATING_REQUESTS_INFLIGHT = 200
_NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class SettingsError(Exception):
    """A flag, variable or line of the configuration file can't be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, checked."""

    data_dir: Path
    """Everything durable; created with mode 0700."""
    run_dir: Path
    """Sockets and what must be gone after a boot."""
    host: str
    """Address the API listens on."""
    port: int
    store: str
    """`sqlite`, or where the etcd is."""
    kubeconfig: Path
    """Where the administrator's kubeconfig is written or merged."""
    node_name: str
    node_ip: str
    """The node's address for other machines; "": the one towards them."""
    with_node: bool
    runtime_endpoint: str | None
    """A CRI socket (`unix:///…`); None: a containerd of our own."""
    registry_config: Path
    """containerd's `certs.d` directory."""
    pause_image: str
    images: image_access.Options
    """Whose credentials images are pulled with, and who may use those that are there."""
    pod_pids_limit: int
    """Processes and threads of each Pod; 0: no limit."""
    audit: audit_log.Options | None
    """The audit log; None: none is kept."""
    max_requests_inflight: int
    """Reads at once, long-running ones not counted; 0: no limit."""
    max_mutating_requests_inflight: int
    """Writes at once; 0: no limit."""

    passphrase_file: Path | None
    """Holds the passphrase of the keyring; None: the keyring is plain, or systemd hands the passphrase."""
    encryption_config: Path | None
    """An EncryptionConfiguration file; None: the keyring encrypts Secrets."""
    authentication: authentication.Options
    cluster: cluster_options.Options
    """Who is known beside the administrator and ServiceAccounts."""

    @property
    def server_url(self) -> str:
        """The URL that clients on this machine use."""
        host = self.host
        if ipaddress.ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """/var/lib/strongroom for root, else below the XDG data directory."""
    if is_root():
        return Path("/var/lib/strongroom")
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "strongroom"


def default_run_dir(environ: Mapping[str, str], data_dir: Path) -> Path:
    """/run/strongroom for root and the default data directory, else one for this data directory alone."""
    if is_root():
        root = Path("/run/strongroom")
        return root if data_dir == default_data_dir(environ) else root / _digest(data_dir)
    runtime = environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "strongroom" / _digest(data_dir) if runtime else data_dir / "run"


def default_registry_config() -> Path:
    return (
        Path("/etc/strongroom/certs.d") if is_root() else Path.home() / ".config" / "strongroom" / "certs.d"
    )


def default_kubeconfig(environ: Mapping[str, str]) -> Path:
    """The first file of $KUBECONFIG, else ~/.kube/config."""
    return kubeconfigs.default_path(environ)


def default_node_name() -> str:
    """The machine's name in lower case, as the kubelet takes it."""
    return socket.gethostname().strip().lower() or "localhost"


def parse_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT`. Raises SettingsError."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host else "0.0.0.0"  # noqa: S104 - asked for by the user
    if host == "localhost":
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host)
        number = int(port)
    except ValueError:
        number = -1
    if not separator or not 0 < number < 65536:
        raise SettingsError(f"--listen: {text!r} is not HOST:PORT with an IP address and a port of 1-65535")
    return host, number


def parse_node_name(text: str) -> str:
    """A node name is a DNS-1123 subdomain of at most 253 characters. Raises SettingsError."""
    if len(text) > 253 or not _NODE_NAME.fullmatch(text):
        raise SettingsError(
            f"--node-name: {text!r} is not a lower case DNS name (letters, digits, '-' and '.', 253 at most)"
        )
    return text


def parse_node_ip(text: str) -> str:
    """An IPv4 address, or "". Raises SettingsError."""
    try:
        return str(ipaddress.IPv4Address(text)) if text else ""
    except ValueError:
        raise SettingsError(f"--node-ip: {text!r} is no IPv4 address") from None


def parse_endpoint(text: str | None) -> str | None:
    """`unix:///absolute/path` (a bare absolute path is taken as one). Raises SettingsError."""
    if not text:
        return None
    path = text.removeprefix("unix://")
    if not path.startswith("/"):
        raise SettingsError(f"--runtime-endpoint: {text!r} is not unix:///path/to/socket")
    return f"unix://{path}"


def load_config(path: Path, known: frozenset[str]) -> dict[str, Any]:
    """The flags in a YAML file, names as on the command line without the dashes. Raises SettingsError."""
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"--config: {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"--config: {path}{where}: not YAML") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"--config: {path}: not a mapping of settings")
    for name in content:
        if name not in known:
            choices = ", ".join(sorted(known))
            raise SettingsError(f"--config: {path}: unknown setting {name!r} (known: {choices})")
    return {str(name).replace("-", "_"): value for name, value in content.items()}


def check_store(text: str, flag: str = "--store") -> None:
    """`sqlite`, or the address of an etcd. Raises SettingsError, which names `flag`."""
    if text == SQLITE:
        return
    if not text.startswith(ETCD_SCHEMES):
        raise SettingsError(f"{flag}: {text!r} is neither {SQLITE} nor etcd://HOST:PORT,...")
    try:
        endpoint.parse(text)
    except endpoint.EndpointError as error:
        raise SettingsError(f"{flag}: {error}") from None


def resolve(
    *,
    listen: str,
    with_node: bool,
    store: str,
    data_dir: Path | None = None,
    kubeconfig: Path | None = None,
    node_name: str | None = None,
    runtime_endpoint: str | None = None,
    registry_config: Path | None = None,
    pause_image: str = "",
    image_credential_config: Path | None = None,
    image_pull_credentials_verification_policy: str = image_access.DEFAULT,
    preloaded_images_verification_allowlist: Sequence[str] = (),
    pod_pids_limit: int = POD_PIDS_LIMIT,
    audit_log_path: Path | None = None,
    audit_policy_file: Path | None = None,
    audit_log_maxsize: int = audit_log.MAX_SIZE,
    audit_log_maxbackup: int = audit_log.MAX_BACKUPS,
    audit_log_maxage: int = audit_log.MAX_AGE,
    audit_fail_open: bool = False,
    max_requests_inflight: int = MAX_REQUESTS_INFLIGHT,
    max_mutating_requests_inflight: int = MAX_MUTATING_REQUESTS_INFLIGHT,
    passphrase_file: Path | None = None,
    encryption_config: Path | None = None,
    node_ip: str = "",
    tls_san: Sequence[str] = (),
    node_monitor_grace_period: str = cluster_options.GRACE,
    environ: Mapping[str, str] = os.environ,
    **who: Any,
) -> Settings:
    """What the flags say, with the defaults of this user and machine. `who`: the flags of authentication.

    Raises SettingsError."""
    check_store(store)
    host, port = parse_listen(listen)
    root = (data_dir or default_data_dir(environ)).absolute()
    return Settings(
        data_dir=root,
        run_dir=default_run_dir(environ, root),
        host=host,
        port=port,
        store=store,
        kubeconfig=(kubeconfig or default_kubeconfig(environ)).absolute(),
        node_name=parse_node_name(node_name or default_node_name()),
        node_ip=parse_node_ip(node_ip) or _address_of(host),
        with_node=with_node,
        runtime_endpoint=parse_endpoint(runtime_endpoint),
        registry_config=(registry_config or default_registry_config()).absolute(),
        pause_image=pause_image,
        images=images_options(
            image_credential_config,
            image_pull_credentials_verification_policy,
            preloaded_images_verification_allowlist,
        ),
        pod_pids_limit=pod_pids_limit,
        audit=_audit(
            audit_log_path,
            audit_policy_file,
            audit_log_maxsize,
            audit_log_maxbackup,
            audit_log_maxage,
            audit_fail_open=audit_fail_open,
        ),
        max_requests_inflight=max_requests_inflight,
        max_mutating_requests_inflight=max_mutating_requests_inflight,
        passphrase_file=passphrase_file.absolute() if passphrase_file else None,
        encryption_config=encryption_config.absolute() if encryption_config else None,
        authentication=authentication.resolve(**who),
        cluster=_cluster(tls_san, node_monitor_grace_period),
    )


def _cluster(tls_san: Sequence[str], grace: str) -> cluster_options.Options:
    try:
        return cluster_options.resolve(tls_san, grace)
    except cluster_options.ClusterOptionError as error:
        raise SettingsError(str(error)) from None


def images_options(config: Path | None, policy: str, allowlist: Sequence[str]) -> image_access.Options:
    try:
        return image_access.resolve(config, policy, allowlist)
    except image_access.ImageAccessError as error:
        raise SettingsError(str(error)) from None


def _audit(
    path: Path | None,
    policy_file: Path | None,
    max_size: int,
    max_backups: int,
    max_age: int,
    *,
    audit_fail_open: bool,
) -> audit_log.Options | None:
    if path is None:
        if policy_file is not None:
            raise SettingsError("--audit-policy-file: needs --audit-log-path")
        return None
    try:
        chosen = audit_log.load_policy(policy_file) if policy_file else policy.DEFAULT
    except PolicyError as error:
        raise SettingsError(f"--audit-policy-file: {error}") from None
    return audit_log.Options(path.absolute(), chosen, max_size, max_backups, max_age, audit_fail_open)


def _address_of(host: str) -> str:
    """Where the API listens, if that is where others reach this machine."""
    address = ipaddress.ip_address(host)
    known = address.version == 4 and not (address.is_loopback or address.is_unspecified)
    return host if known else ""


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:10]
