"""The flags of a node, in `strongroom up` as in `strongroom node`."""

from typing import Final

import click

from strongroom.cmd import image_access, settings
from strongroom.cmd.flags import PATH, flag

PAUSE_IMAGE: Final = "registry.k8s.io/pause:3.10"

NAME = flag("--node-name", metavar="N", help="The node's name.  [default: the host's]")
IP = flag(
    "--node-ip",
    default="",
    metavar="IP",
    help="The node's address for other machines.  [default: the one towards them]",
)
RUNTIME = (
    flag(
        "--runtime-endpoint",
        metavar="unix:///...",
        help="CRI socket of a containerd that runs already.  [default: a containerd of our own]",
    ),
    flag(
        "--registry-config",
        type=PATH,
        metavar="DIR",
        help="containerd's certs.d directory.  [default: /etc/strongroom/certs.d]",
    ),
    flag("--pause-image", default=PAUSE_IMAGE, show_default=True, metavar="IMAGE", help="The sandbox image."),
    flag(
        "--pod-pids-limit",
        type=click.IntRange(min=0),
        default=settings.POD_PIDS_LIMIT,
        show_default=True,
        metavar="N",
        help="Processes and threads of each Pod.  0: no limit.",
    ),
    *image_access.FLAGS,
)
