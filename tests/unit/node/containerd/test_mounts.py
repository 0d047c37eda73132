"""Reading the table of mounts."""

from pathlib import Path

from strongroom.node.containerd import mounts

TABLE = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /run rw - tmpfs none rw
24 23 0:22 / /run/a\040b rw shared:5 - overlay overlay rw,lowerdir=/x
"""


def test_table() -> None:
    assert mounts.table(TABLE) == [
        (Path("/"), "ext4"),
        (Path("/run"), "tmpfs"),
        (Path("/run/a b"), "overlay"),
    ]


def test_kind_of_file_system_at_a_path() -> None:
    assert mounts.kind_of(Path("/proc/self")) == "proc"
