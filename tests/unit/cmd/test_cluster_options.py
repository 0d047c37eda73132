"""The flags that matter where there are several machines."""

import pytest

from strongroom.cmd import cluster_options, settings
from strongroom.cmd.cluster_options import Options


def test_defaults() -> None:
    assert cluster_options.resolve() == Options((), 50.0)


def test_what_is_given() -> None:
    given = cluster_options.resolve(["api.example", "192.0.2.1", "fd00::1"], "1m30s")
    assert given == Options(("api.example", "192.0.2.1", "fd00::1"), 90.0)


@pytest.mark.parametrize(
    ("names", "grace", "text"),
    [
        (["no name"], "50s", "--tls-san: 'no name' is neither an IP address nor a DNS name"),
        ([""], "50s", "--tls-san: '' is neither"),
        ([], "soon", "--node-monitor-grace-period: 'soon' is no duration"),
        ([], "0", "--node-monitor-grace-period: must be more than 0s"),
    ],
)
def test_bad_flags_are_told_by_name(names: list[str], grace: str, text: str) -> None:
    with pytest.raises(settings.SettingsError) as told:
        settings.resolve(
            listen="127.0.0.1:1",
            with_node=False,
            store="sqlite",
            tls_san=names,
            node_monitor_grace_period=grace,
        )
    assert str(told.value).startswith(text)
