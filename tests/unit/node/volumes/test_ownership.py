"""What fsGroup makes of modes."""

import stat

import pytest

from strongroom.node.volumes import ownership


@pytest.mark.parametrize(
    ("mode", "read_only", "result"),
    [
        (stat.S_IFREG | 0o400, True, 0o440),
        (stat.S_IFREG | 0o644, True, 0o644),
        (stat.S_IFREG | 0o600, True, 0o640),
        (stat.S_IFDIR | 0o755, True, 0o2755),
        (stat.S_IFDIR | 0o700, True, 0o2750),
        (stat.S_IFREG | 0o600, False, 0o660),
        (stat.S_IFDIR | 0o1777, False, 0o3777),
    ],
)
def test_mode_with_group(mode: int, read_only: bool, result: int) -> None:
    assert oct(ownership.mode_with_group(mode, read_only=read_only)) == oct(result)
