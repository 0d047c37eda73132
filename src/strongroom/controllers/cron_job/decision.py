"""What a CronJob needs done: a Job to make, Jobs to remove, its status. Pure; the time is passed in.

Source: Kubernetes documentation, "CronJob".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from strongroom.api import resources
from strongroom.api.batch.v1 import time_zones
from strongroom.controllers import ownership
from strongroom.controllers.job import conditions
from strongroom.machinery import cron, duration, validation
from strongroom.machinery.cron import CronError
from strongroom.machinery.gvk import Object

SCHEDULED: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MANY_MISSED: Final = 100
_SLACK: Final = 0.1
FIELDS: Final = ("active", "lastScheduleTime", "lastSuccessfulTime")


@dataclass(frozen=True, slots=True)
class State:
    """A CronJob, and the Jobs that it controls (as `workload_cache` keeps them)."""

    cron_job: Object
    jobs: Sequence[Object]
    now: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """An Event about the CronJob."""

    warning: bool
    reason: str
    message: str


@dataclass(slots=True)
class Decision:
    """In this order: `delete` Jobs, tell, `create` the Job of that time, write the status."""

    delete: list[Object] = field(default_factory=list, repr=False)
    told: list[Told] = field(default_factory=list)
    create: datetime | None = None
    status: Object = field(default_factory=dict, repr=False)
    look_again: float | None = None


def decide(state: State) -> Decision:
    return _Decider(state).decide()


class _Decider:
    def __init__(self, state: State) -> None:
        self._state = state
        self._spec: Object = state.cron_job["spec"]
        self._status: dict[str, Any] = dict(state.cron_job.get("status") or {})
        self._out = Decision()
        self._active = list(self._status.get("active") or ())

    def decide(self) -> Decision:
        self._look_after_jobs()
        self._forget_old_ones()
        if not self._state.cron_job["metadata"].get("deletionTimestamp"):
            self._schedule()
        if self._active:
            self._status["active"] = self._active
        else:
            self._status.pop("active", None)
        self._out.status = self._status
        return self._out

    def _look_after_jobs(self) -> None:
        jobs = {job["metadata"]["uid"]: job for job in self._state.jobs}
        for reference in list(self._active):
            job = jobs.get(reference.get("uid", ""))
            name = reference.get("name", "")
            if job is None:
                self._drop(name)
                self._tell("MissingJob", f"Active job went missing: {name}")
                continue
            if (end := conditions.finished(job["status"].get("conditions") or ())) is not None:
                self._drop(name)
                self._tell("SawCompletedJob", f"Saw completed job: {name}, condition: {end['type']}")
        held = {reference.get("uid") for reference in self._active}
        for job in self._state.jobs:
            done = job["status"].get("completionTime")
            if done and done > self._status.get("lastSuccessfulTime", ""):
                self._status["lastSuccessfulTime"] = done
            if job["metadata"]["uid"] in held or _is_finished(job):
                continue
            name = job["metadata"]["name"]
            if not _is_scheduled(job):
                text = f"Saw a job that the controller did not create or forgot: {name}"
                self._tell("UnexpectedJob", text, warning=True)
            else:
                # It was made, and the status was not written any more.
                self._active.append(reference_to(job))
                at = (job["metadata"].get("annotations") or {}).get(SCHEDULED, "")
                self._status["lastScheduleTime"] = max(self._status.get("lastScheduleTime", ""), _utc(at))

    def _forget_old_ones(self) -> None:
        for type, limit in (
            (conditions.COMPLETE, "successfulJobsHistoryLimit"),
            (conditions.FAILED, "failedJobsHistoryLimit"),
        ):
            keep = self._spec.get(limit)
            ended = [
                job
                for job in self._state.jobs
                if conditions.find(job["status"].get("conditions") or (), type) is not None
            ]
            ended.sort(key=lambda job: (job["status"].get("startTime") or "~", job["metadata"]["name"]))
            if keep is not None and len(ended) > keep:
                self._delete(ended[: len(ended) - keep])

    def _schedule(self) -> None:
        name, text = self._spec.get("timeZone"), self._spec.get("schedule", "")
        zone = time_zones.find(name)
        if zone is None:
            self._tell(
                "UnknownTimeZone",
                f"invalid timeZone: {validation.go_quote(str(name))}: unknown time zone {name}",
                warning=True,
            )
            return
        if self._spec.get("suspend"):
            return
        try:
            schedule = cron.parse(text)
        except CronError as error:
            self._tell(
                "UnparseableSchedule",
                f"unparseable schedule: {validation.go_quote(text)} : {error}",
                warning=True,
            )
            return
        now, since = self._state.now, self._since()
        upcoming = schedule.after(max(since, now), zone)
        if upcoming is None:
            why = f"invalid schedule: {text} : time difference between two schedules is less than 1 second"
            self._tell("InvalidSchedule", why, warning=True)
            return
        if schedule.every is not None:
            upcoming = since + ((now - since) // schedule.every + 1) * schedule.every
        self._out.look_again = max((upcoming - now).total_seconds(), 0.0) + _SLACK
        due = schedule.latest(since, now, zone)
        if due is not None:
            self._warn_of_many(schedule, since, zone)
            self._start(due)

    def _since(self) -> datetime:
        metadata, now = self._state.cron_job["metadata"], self._state.now
        last = self._status.get("lastScheduleTime") or metadata["creationTimestamp"]
        since = duration.parse_timestamp(last)
        deadline = self._spec.get("startingDeadlineSeconds")
        return since if deadline is None else max(since, now - timedelta(seconds=deadline))

    def _warn_of_many(self, schedule: cron.Schedule, since: datetime, zone: Any) -> None:
        """How many there were is reckoned from the time between the first two of them."""
        first = schedule.after(since, zone)
        second = schedule.after(first, zone) if first is not None else None
        if first is None or second is None:
            return
        missed = int((self._state.now - first).total_seconds()) // round((second - first).total_seconds()) + 1
        if missed <= _MANY_MISSED:
            return
        text = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        )
        self._tell("TooManyMissedTimes", text, warning=True)

    def _start(self, due: datetime) -> None:
        policy = self._spec.get("concurrencyPolicy")
        if policy == "Forbid" and self._active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._tell("JobAlreadyActive", text)
            return
        if policy == "Replace":
            running = {reference.get("uid") for reference in self._active}
            self._delete([job for job in self._state.jobs if job["metadata"]["uid"] in running])
        self._out.create = due

    def _delete(self, jobs: Iterable[Object]) -> None:
        for job in jobs:
            self._out.delete.append(job)
            self._drop(job["metadata"]["name"])
            self._tell("SuccessfulDelete", f"Deleted job {job['metadata']['name']}")

    def _drop(self, name: str) -> None:
        self._active = [each for each in self._active if each.get("name") != name]

    def _tell(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._out.told.append(Told(warning, reason, message))


def _is_finished(job: Object) -> bool:
    return conditions.finished(job["status"].get("conditions") or ()) is not None


def _is_scheduled(job: Object) -> bool:
    """Whether the schedule made it, and no person."""
    return SCHEDULED in (job["metadata"].get("annotations") or {})


def _utc(stamp: str) -> str:
    return duration.timestamp(duration.parse_timestamp(stamp).astimezone(UTC)) if stamp else ""


def reference_to(job: Object) -> Object:
    """As `status.active` has it."""
    metadata = job["metadata"]
    return {
        "kind": resources.JOBS.kind,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": resources.JOBS.api_version,
        "resourceVersion": metadata.get("resourceVersion", ""),
    }


def job_of(cron_job: Object, due: datetime) -> Object:
    """The Job of a whole CronJob for that time; the same time gives the same name, so none is made twice."""
    metadata, spec = cron_job["metadata"], cron_job["spec"]
    template = spec["jobTemplate"]
    given = template.get("metadata") or {}
    zone = time_zones.find(spec.get("timeZone"))
    at = due.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    made: Object = {
        "name": f"{metadata['name']}-{int(due.timestamp()) // 60}",
        "namespace": metadata["namespace"],
        "labels": dict(given.get("labels") or {}),
        "annotations": {**(given.get("annotations") or {}), SCHEDULED: at},
        "ownerReferences": [ownership.reference_to(cron_job, resources.CRON_JOBS)],
    }
    return {
        "kind": resources.JOBS.kind,
        "apiVersion": resources.JOBS.api_version,
        "metadata": made,
        "spec": template.get("spec") or {},
    }


def patch(cron_job: Object, status: Object) -> Object | None:
    """The merge patch that makes `status` of the present one; None: it is so already."""
    present = cron_job.get("status") or {}
    if all(present.get(name) == status.get(name) for name in FIELDS):
        return None
    metadata = cron_job["metadata"]
    return {
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata.get("resourceVersion", "")},
        "status": {name: status.get(name) for name in FIELDS},
    }
