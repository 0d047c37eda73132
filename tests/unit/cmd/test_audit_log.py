"""The flags of the audit log."""

import asyncio
import json
from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.cmd import audit_log, settings
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.audit import log
from strongroom.server.audit.policy import DEFAULT

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [robot]
- level: RequestResponse
  resources: [{group: "", resources: [secrets]}]
"""


def resolve(tmp_path: Path, **flags: object) -> settings.Settings:
    return settings.resolve(
        listen="127.0.0.1:1",
        with_node=False,
        store="sqlite",
        data_dir=tmp_path,
        **flags,  # type: ignore[arg-type]
    )


def test_none_is_kept_unless_asked_for(tmp_path: Path) -> None:
    assert resolve(tmp_path).audit is None
    asked = resolve(tmp_path, audit_log_path=tmp_path / "a.log").audit
    assert asked is not None
    assert (asked.policy, asked.fail_open) == (DEFAULT, False)


def test_a_policy_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(POLICY)
    asked = resolve(tmp_path, audit_log_path=tmp_path / "a.log", audit_policy_file=tmp_path / "p").audit
    assert asked is not None
    info = RequestInfo(True, "get", "", "", "v1", "ns", "secrets", "", "s")
    robot, ann = UserInfo("robot"), UserInfo("ann")
    rules = [asked.policy.rule(user, info) for user in (robot, ann)]
    assert [rule.level for rule in rules] == ["None", "Metadata"], (
        "no more of a Secret, whatever the file says"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: [", "not YAML"),
        ("kind: Policy", "apiVersion: must be audit.k8s.io/v1"),
        (POLICY.replace("level: None", "level: All"), r"rules\[0\].level: Unsupported value"),
    ],
)
def test_a_policy_that_can_not_be_followed_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(settings.SettingsError, match=f"--audit-policy-file: {tmp_path}/p: {problem}"):
        resolve(tmp_path, audit_log_path=tmp_path / "a.log", audit_policy_file=tmp_path / "p")


def test_a_policy_without_a_log_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match="--audit-policy-file: needs --audit-log-path"):
        resolve(tmp_path, audit_policy_file=tmp_path / "p")


async def test_files_are_put_aside_by_size_and_few_are_kept(tmp_path: Path) -> None:
    options = audit_log.Options(tmp_path / "a.log", max_size=1, max_backups=2)
    clock = FakeClock()
    written = options.open(clock)
    event = json.dumps({"padding": "x" * 300_000}).encode()
    for _ in range(16):
        clock.advance(1)
        await written.write(event)
        await asyncio.sleep(0)
    written.close()
    assert len(log.files(tmp_path / "a.log")) == 3
    assert all(path.stat().st_size <= 1 << 20 for path in log.files(tmp_path / "a.log"))
