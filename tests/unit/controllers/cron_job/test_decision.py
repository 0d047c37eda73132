"""What a CronJob needs done. Every time passes in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.controllers.cron_job import decision
from strongroom.controllers.cron_job.decision import SCHEDULED, Decision, State
from strongroom.machinery.gvk import Object

MADE = datetime(2026, 1, 2, 3, 0, 30, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def cron_job(status: Any = None, **spec: Any) -> Object:
    metadata = {"name": "c", "namespace": "n", "uid": "cron", "creationTimestamp": stamp(MADE)}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}}
    return {
        "metadata": metadata,
        "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Allow", "jobTemplate": template, **spec},
        "status": status or {},
    }


def job(name: str, end: str = "", *, scheduled: bool = True, completed: str = "") -> Object:
    status: Object = {"startTime": stamp(MADE)}
    if end:
        status["conditions"] = [{"type": end, "status": "True"}]
    if completed:
        status["completionTime"] = completed
    annotations = {SCHEDULED: stamp(MADE)} if scheduled else {}
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "annotations": annotations},
        "status": status,
    }


def decide(of: Object, *jobs: Object, after: float = 40) -> Decision:
    return decision.decide(State(of, jobs, MADE + timedelta(seconds=after)))


def running(*names: str, **more: Any) -> Any:
    return {"active": [decision.reference_to(job(name)) for name in names], **more}


def told(found: Decision) -> list[str]:
    return [each.reason for each in found.told]


def names(jobs: list[Object]) -> list[str]:
    return [each["metadata"]["name"] for each in jobs]


def test_before_its_time_it_waits_for_it() -> None:
    found = decide(cron_job(), after=20)
    assert found.create is None
    assert found.look_again == pytest.approx(10.1)


def test_when_it_is_time_a_job_is_made() -> None:
    found = decide(cron_job(), after=31)
    assert found.create == datetime(2026, 1, 2, 3, 1, tzinfo=UTC)
    assert found.look_again == pytest.approx(59.1)


def test_what_was_made_for_a_time_is_not_made_again() -> None:
    assert decide(cron_job({"lastScheduleTime": "2026-01-02T03:01:00Z"}), after=40).create is None


def test_of_several_times_that_were_missed_the_last_one_counts() -> None:
    found = decide(cron_job(), after=600)
    assert found.create == datetime(2026, 1, 2, 3, 10, tzinfo=UTC)
    assert told(found) == []
    assert told(decide(cron_job(), after=101 * 60)) == ["TooManyMissedTimes"]


def test_past_the_starting_deadline_it_is_too_late() -> None:
    of = cron_job(schedule="0 * * * *", startingDeadlineSeconds=60)
    assert decide(of, after=3600).create == datetime(2026, 1, 2, 4, 0, tzinfo=UTC)
    assert decide(of, after=3600 + 40).create is None


def test_suspended_none_is_made() -> None:
    found = decide(cron_job(suspend=True))
    assert (found.create, found.look_again) == (None, None)


def test_forbid_waits_for_the_one_before() -> None:
    found = decide(cron_job(running("a"), concurrencyPolicy="Forbid"), job("a"))
    assert found.create is None
    assert told(found) == ["JobAlreadyActive"]
    (event,) = found.told
    assert event.message == (
        "Not starting job because prior execution is running and concurrency policy is Forbid"
    )
    assert decide(cron_job(running("a")), job("a")).create is not None


def test_replace_ends_it() -> None:
    found = decide(cron_job(running("a"), concurrencyPolicy="Replace"), job("a"))
    assert names(found.delete) == ["a"]
    assert found.create is not None
    assert "active" not in found.status


def test_replace_leaves_jobs_of_others_alone() -> None:
    of = cron_job(running("a"), concurrencyPolicy="Replace")
    found = decide(of, job("a"), job("manual", scheduled=False))
    assert names(found.delete) == ["a"]
    assert found.create is not None


def test_the_patch_says_all_that_is_and_takes_away_what_was() -> None:
    of = cron_job({"lastScheduleTime": "t", "active": []})
    patch = decision.patch(of, {"lastScheduleTime": "u"})
    assert patch is not None
    assert patch["metadata"] == {"uid": "cron", "resourceVersion": ""}
    assert patch["status"] == {"active": None, "lastScheduleTime": "u", "lastSuccessfulTime": None}
    assert decision.patch(of, {"lastScheduleTime": "t", "active": []}) is None


def test_a_job_that_has_ended_is_active_no_more() -> None:
    found = decide(
        cron_job(running("a", lastScheduleTime="2026-01-02T03:01:00Z"), successfulJobsHistoryLimit=3),
        job("a", "Complete", completed="2026-01-02T03:01:05Z"),
    )
    assert told(found) == ["SawCompletedJob"]
    assert found.told[0].message == "Saw completed job: a, condition: Complete"
    assert found.status == {
        "lastScheduleTime": "2026-01-02T03:01:00Z",
        "lastSuccessfulTime": "2026-01-02T03:01:05Z",
    }


def test_a_job_that_vanished_is_told() -> None:
    found = decide(cron_job(running("a", lastScheduleTime="2026-01-02T03:01:00Z")))
    assert told(found) == ["MissingJob"]
    assert found.told[0].message == "Active job went missing: a"
    assert "active" not in found.status


def test_a_job_that_was_made_before_a_crash_is_found_again() -> None:
    found = decide(cron_job(), job("a"), after=20)
    assert [each["name"] for each in found.status["active"]] == ["a"]
    assert found.status["lastScheduleTime"] == stamp(MADE)


def test_a_job_that_a_person_made_of_it_is_told_and_left_alone() -> None:
    found = decide(cron_job(), job("manual", scheduled=False), after=20)
    assert "active" not in found.status
    (event,) = found.told
    assert (event.warning, event.reason) == (True, "UnexpectedJob")
    assert event.message == "Saw a job that the controller did not create or forgot: manual"
    assert told(decide(cron_job(), job("manual", "Complete", scheduled=False), after=20)) == []


def test_what_was_missed_is_reckoned_from_the_first_two_times() -> None:
    of = cron_job(schedule="1,2 3 * * *")
    assert told(decide(of, after=100 * 60)) == []
    assert told(decide(of, after=101 * 60)) == ["TooManyMissedTimes"]
    text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    (event,) = decide(of, after=101 * 60).told
    assert (event.warning, event.message) == (True, text)


def test_history_is_kept_to_its_limits() -> None:
    of = cron_job(successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0, suspend=True)
    found = decide(of, job("a", "Complete"), job("b", "Complete"), job("c", "Failed"), job("d"))
    assert names(found.delete) == ["a", "c"]
    assert [each.message for each in found.told if each.reason == "SuccessfulDelete"] == [
        "Deleted job a",
        "Deleted job c",
    ]


def test_of_the_history_the_oldest_goes_and_one_that_never_began_is_the_newest() -> None:
    old, new = job("z", "Complete"), job("a", "Complete")
    new["status"]["startTime"] = stamp(MADE + timedelta(seconds=1))
    of = cron_job(successfulJobsHistoryLimit=1, suspend=True)
    assert names(decide(of, new, old).delete) == ["z"]
    del old["status"]["startTime"]
    assert names(decide(of, new, old).delete) == ["a"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"schedule": "x"}, "UnparseableSchedule"), ({"timeZone": "Nowhere/X"}, "UnknownTimeZone")],
)
def test_what_can_not_be_read_is_told(spec: Any, reason: str) -> None:
    found = decide(cron_job(**spec))
    assert (found.create, told(found), found.told[0].warning) == (None, [reason], True)


def test_a_zone_that_can_not_be_read_is_told_though_it_is_suspended() -> None:
    (event,) = decide(cron_job(timeZone="Nowhere/X", suspend=True)).told
    assert event.message == 'invalid timeZone: "Nowhere/X": unknown time zone Nowhere/X'


def test_a_rhythm_runs_from_the_last_time() -> None:
    of = cron_job(schedule="@every 90s")
    waits = decide(of, after=80)
    assert waits.create is None
    assert waits.look_again == pytest.approx(10.1)
    found = decide(of, after=200)
    assert found.create == MADE + timedelta(seconds=180)
    assert found.look_again == pytest.approx(70.1)
    of = cron_job({"lastScheduleTime": stamp(MADE + timedelta(seconds=20))}, schedule="@every 90s")
    assert decide(of, after=100).create is None
    assert decide(of, after=110).create == MADE + timedelta(seconds=110)


def test_a_schedule_that_can_not_be_read_is_told_in_quotes() -> None:
    (event,) = decide(cron_job(schedule="x")).told
    assert event.message == 'unparseable schedule: "x" : expected exactly 5 fields, found 1: [x]'


def test_a_schedule_whose_time_never_comes_is_told() -> None:
    found = decide(cron_job(schedule="0 0 31 2 *"))
    why = "time difference between two schedules is less than 1 second"
    (event,) = found.told
    assert (event.warning, event.reason) == (True, "InvalidSchedule")
    assert event.message == f"invalid schedule: 0 0 31 2 * : {why}"
    assert (found.create, found.look_again) == (None, None)


def test_the_schedule_is_that_of_the_zone() -> None:
    due = decide(cron_job(schedule="2 11 * * *", timeZone="Asia/Shanghai"), after=120).create
    assert due == datetime(2026, 1, 2, 3, 2, tzinfo=UTC)


def test_the_job_of_a_time() -> None:
    due = datetime(2026, 1, 2, 3, 1, tzinfo=UTC)
    made = decision.job_of(cron_job(timeZone="Asia/Shanghai"), due)
    assert made["metadata"]["name"] == f"c-{int(due.timestamp()) // 60}"
    assert made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["annotations"] == {SCHEDULED: "2026-01-02T11:01:00+08:00"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "c", True)
    plain = decision.job_of(cron_job(), due)
    assert plain["metadata"]["annotations"] == {SCHEDULED: "2026-01-02T03:01:00Z"}
