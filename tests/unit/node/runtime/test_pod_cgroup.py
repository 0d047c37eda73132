"""The control group of a pod."""

from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.runtime import pod_cgroup
from strongroom.node.runtime.pod_cgroup import PodCgroups


def pod(*resources: Object, **spec: Object) -> Object:
    containers = [{"name": f"c{index}", "resources": each} for index, each in enumerate(resources)]
    return {"metadata": {"uid": "u"}, "spec": {"containers": containers, **spec}}


LIMITED: Object = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}


@pytest.mark.parametrize(
    ("what", "unified", "wanted"),
    [
        (pod({}), False, {"pids": {"pids.max": "9"}, "cpu": {"cpu.shares": "2"}}),
        (pod({}, LIMITED), False, {"pids": {"pids.max": "9"}, "cpu": {"cpu.shares": "256"}}),
        (
            pod(LIMITED, LIMITED),
            False,
            {
                "pids": {"pids.max": "9"},
                "cpu": {"cpu.shares": "512", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"},
                "memory": {"memory.limit_in_bytes": "134217728"},
            },
        ),
        (
            pod(LIMITED),
            True,
            {
                "pids": {"pids.max": "9"},
                "cpu": {"cpu.weight": "10", "cpu.max": "50000 100000"},
                "memory": {"memory.max": "67108864"},
            },
        ),
        (
            pod({}, resources={"limits": {"memory": "1Gi"}}),
            False,
            {
                "pids": {"pids.max": "9"},
                "cpu": {"cpu.shares": "2"},
                "memory": {"memory.limit_in_bytes": "1073741824"},
            },
        ),
    ],
)
def test_what_a_group_is_given(what: Object, unified: bool, wanted: Object) -> None:
    assert pod_cgroup.limits(what, 9, unified=unified) == wanted


def test_no_limit_of_processes() -> None:
    assert "pids" not in pod_cgroup.limits(pod({}), 0, unified=False)


def test_groups_in_hierarchies_of_their_own(tmp_path: Path) -> None:
    for hierarchy in ("pids", "cpu"):
        (tmp_path / hierarchy).mkdir()
    groups = PodCgroups(9, tmp_path)
    assert groups.make(pod(LIMITED)) == "/strongroom/podu"
    assert not (tmp_path / "memory").exists(), "not mounted here"
    assert groups.make(pod({})) == "/strongroom/podu"
    assert (tmp_path / "pids" / "strongroom" / "podu" / "pids.max").read_text() == "9"
    assert (tmp_path / "cpu" / "strongroom" / "podu" / "cpu.shares").read_text() == "2"
    assert groups.make(pod({})) == "/strongroom/podu", "again"


def test_groups_in_one_hierarchy_get_their_controllers_from_above(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    assert PodCgroups(9, tmp_path).make(pod({})) == "/strongroom/podu"
    assert (tmp_path / "strongroom" / "podu" / "pids.max").read_text() == "9"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    assert (tmp_path / "strongroom" / "cgroup.subtree_control").read_text() == "+cpu"


def test_where_no_group_can_be_made_the_pod_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cpu").mkdir()
    groups = PodCgroups(9, tmp_path)
    assert groups.make(pod({})) == groups.make(pod({})) == ""
    assert [record.getMessage() for record in caplog.records] == [
        f"no limit on the processes of Pods: {tmp_path}/pids/strongroom: No such file or directory"
    ]


def test_a_group_goes_with_what_is_in_it(tmp_path: Path) -> None:
    for hierarchy in ("pids", "memory"):
        (tmp_path / hierarchy / "strongroom" / "podu" / "container").mkdir(parents=True)
        (tmp_path / hierarchy / "strongroom" / "podother").mkdir()
    groups = PodCgroups(9, tmp_path)
    groups.remove("u")
    groups.remove("u")
    assert {path.name for path in tmp_path.glob("*/strongroom/*")} == {"podother"}
