"""What a node needs to know before it starts: names, directories, endpoints."""

from dataclasses import dataclass, field
from pathlib import Path

from strongroom.node.images.verification import Verification

DEFAULT_POD_PIDS_LIMIT = 4096
"""More than servers with many threads need, and an eighth of what the kernel gives out by default."""
DEFAULT_PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Settings of one node agent. Directories need not exist; whoever uses one makes it."""

    node_name: str
    """Name of the Node object; a DNS subdomain."""

    data_dir: Path
    """What must outlive a reboot: images, containerd's database, pod directories, logs."""

    run_dir: Path
    """What need not: sockets, pid files, FIFOs, container bundles. At most 70 bytes long, as containerd
    makes sockets below it and their paths are limited."""

    runtime_endpoint: str | None = None
    """`unix:///...` of a running CRI runtime; None: the node runs a containerd of its own."""

    registry_config_dir: Path | None = None
    """containerd's `certs.d`; None: `<data_dir>/certs.d`. Only for a containerd of our own."""

    pause_image: str = DEFAULT_PAUSE_IMAGE
    """Image of the container that holds a pod's namespaces."""

    node_ip: str = ""
    """InternalIP of the Node; empty: the host's first address (`network.host_address`)."""

    streaming_address: str = ""
    """Address on which exec, attach and logs are served; empty: the node's IP."""

    streaming_port: int = 0
    """Port for that; 0: any free one. It is published in the Node's `daemonEndpoints`."""

    heartbeat: float = 10.0
    """Seconds between two looks at the runtime, and between two renewals of the node's Lease."""

    pod_logs_dir: Path | None = None
    """Where CRI writes container logs; None: `<data_dir>/logs/pods`."""

    image_credential_config: Path | None = None
    """The node's own credentials for registries; None: where the kubelet looks for them."""

    image_verification: Verification = field(default_factory=Verification)
    """When a pod has to show a credential for an image that is there already."""

    image_pull_timeout: float = 15.0
    """Seconds to wait for the pause image before one is built here."""

    pod_pids_limit: int = DEFAULT_POD_PIDS_LIMIT
    """Processes and threads that a pod may have at once; 0: as many as the machine. Only for pods on a
    containerd of our own."""

    @property
    def endpoint(self) -> str:
        """The CRI endpoint in use: the one given, or that of our own containerd."""
        return self.runtime_endpoint or f"unix://{self.containerd_socket}"

    @property
    def owns_containerd(self) -> bool:
        return self.runtime_endpoint is None

    @property
    def containerd_run_dir(self) -> Path:
        """containerd's `state`, its socket and all else that must vanish with a reboot."""
        return self.run_dir / "containerd"

    @property
    def containerd_socket(self) -> Path:
        return self.containerd_run_dir / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        """containerd's `root`: images, snapshots, its database."""
        return self.data_dir / "containerd"

    @property
    def runtimes_dir(self) -> Path:
        """What runc or crun know of running containers, `<handler>/<namespace>/<container>`."""
        return self.containerd_run_dir / "runtimes"

    @property
    def secret_env_dir(self) -> Path:
        """Values of Secrets for the environment of running containers; in memory."""
        return self.containerd_run_dir / "env"

    @property
    def oom_kills_dir(self) -> Path:
        """Notes of the containers that had no memory left."""
        return self.containerd_run_dir / "oom"

    @property
    def wrappers_dir(self) -> Path:
        """Programs that stand in for the OCI runtimes. Not below /run, from where nothing may be run."""
        return self.data_dir / "bin"

    @property
    def certs_dir(self) -> Path:
        """containerd's `certs.d`, looked at whenever a registry is spoken to."""
        return self.registry_config_dir or self.data_dir / "certs.d"

    @property
    def pods_dir(self) -> Path:
        """Volumes and other files of pods, `<pods_dir>/<uid>/...`."""
        return self.data_dir / "pods"

    @property
    def seccomp_dir(self) -> Path:
        """Where a `localhostProfile` of a pod is looked for."""
        return self.data_dir / "seccomp"

    @property
    def image_records_dir(self) -> Path:
        """By whose credentials the images on this node were pulled."""
        return self.data_dir / "image_manager"

    @property
    def logs_dir(self) -> Path:
        """Container logs, `<logs_dir>/<namespace>_<pod>_<uid>/<container>/<attempt>.log`."""
        return self.pod_logs_dir or self.data_dir / "logs" / "pods"

    @property
    def streams_dir(self) -> Path:
        """FIFOs of running execs."""
        return self.run_dir / "streams"
