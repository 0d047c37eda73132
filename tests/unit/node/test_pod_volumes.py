"""When volumes are looked at again."""

from typing import Any, cast

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.node.pod_volumes import PodVolumes


class Services:
    clock = FakeClock()


def test_a_change_that_met_an_unforeseen_error_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = PodVolumes(cast(Any, Services()))
    pod = {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}}
    tries: list[str] = []

    def set_up(_: PodVolumes, __: Any, volume: dict[str, Any], ___: float) -> None:
        tries.append(volume["name"])
        if len(tries) == 1:
            raise RuntimeError("unforeseen")

    monkeypatch.setattr(PodVolumes, "_set_up", set_up)
    monkeypatch.setattr(PodVolumes, "_tell_of_swap", lambda *_: None)
    with pytest.raises(RuntimeError):
        volumes.refresh(pod)
    assert volumes.refresh(pod) and volumes.refresh(pod)
    assert tries == ["v", "v"], "again, and then no more"
