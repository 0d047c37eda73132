"""What a Job needs done: Pods to make or to end, Pods that have ended to count once, its status. Pure.

Source: Kubernetes documentation, "Jobs"; KEP-2307 (tracking with finalizers), KEP-2214 (indexed Jobs),
KEP-3939 (replacement of Pods that end).

A Pod is kept by a finalizer until it is counted: its uid is written into the status first, then the
finalizer is taken off, then, when that is seen, the uid becomes a number. A crash in between neither loses it
nor counts it twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from strongroom.controllers import pod_state
from strongroom.controllers.job import conditions, indexes, pods, policies
from strongroom.controllers.job.conditions import Verdict
from strongroom.controllers.replica_set import ranking
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object

BURST: Final = 500
FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 600.0
FIELDS: Final = (
    "conditions",
    "startTime",
    "completionTime",
    "active",
    "succeeded",
    "failed",
    "terminating",
    "completedIndexes",
    "uncountedTerminatedPods",
    "ready",
)


@dataclass(frozen=True, slots=True)
class Failures:
    """How many Pods have failed since one succeeded, and when the last did."""

    count: int = 0
    last: datetime | None = None

    def after(self, succeeded: Sequence[datetime], failed: Sequence[datetime]) -> "Failures":
        """With Pods that have ended at these times; those that failed before one succeeded are forgotten."""
        if not succeeded and not failed:
            return self
        since = [moment for moment in failed if not succeeded or moment > max(succeeded)]
        count = len(since) if succeeded else self.count + len(since)
        return Failures(count, max(since, default=None))

    def wait(self, now: datetime) -> float:
        """Seconds until the next Pod may be made."""
        if not self.count or self.last is None:
            return 0.0
        delay = min(FIRST_BACKOFF * 2.0 ** min(self.count - 1, 16), LONGEST_BACKOFF)
        return max(0.0, delay - (now - self.last).total_seconds())


@dataclass(frozen=True, slots=True)
class State:
    """A Job (as `workload_cache` keeps it) and all Pods that it controls.

    `counted`: whether the Pods that are known are all there are; if not, none is made or ended."""

    job: Object
    pods: Sequence[Object]
    counted: bool
    failures: Failures
    now: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """An Event about the Job."""

    warning: bool
    reason: str
    message: str


@dataclass(slots=True)
class Decision:
    """In this order: end and make Pods, write the status, let the counted Pods go. `create`: an index for
    each Pod, None for one without. `delete`: to be counted when they have ended; `drop`: not to be counted.
    `expired`: the Job itself goes."""

    create: Sequence[int | None] = ()
    delete: Sequence[Object] = field(default=(), repr=False)
    drop: Sequence[Object] = field(default=(), repr=False)
    status: Object = field(default_factory=dict, repr=False)
    release: Sequence[Object] = field(default=(), repr=False)
    told: list[Told] = field(default_factory=list)
    failures: Failures = Failures()
    look_again: float | None = None
    expired: bool = False


def decide(state: State) -> Decision:
    return _Decider(state).decide()


class _Decider:
    def __init__(self, state: State) -> None:
        self._state = state
        self._spec: Object = state.job["spec"]
        self._status: dict[str, Any] = dict(state.job["status"])
        self._held: list[Object] = list(self._status.get("conditions") or ())
        self._now = duration.timestamp(state.now)
        self._indexed = self._spec.get("completionMode") == "Indexed"
        self._only_ended = self._spec.get("podReplacementPolicy") == "Failed"
        self._out = Decision(failures=state.failures)
        self._waits: list[float] = []
        self._fatal: Verdict | None = None

    def decide(self) -> Decision:
        out, state = self._out, self._state
        if state.job["metadata"].get("deletionTimestamp"):
            out.release = [pod for pod in state.pods if pods.is_tracked(pod)]
            out.status = self._status
            return out
        if (end := conditions.finished(self._held)) is not None:
            out.release = [pod for pod in state.pods if pods.is_tracked(pod)]
            out.status = self._status
            self._expire(end)
            return out
        self._count()
        active = [pod for pod in state.pods if pod_state.is_active(pod)]
        verdict = self._judge(active)
        if verdict is not None:
            self._wind_up(verdict, active)
        elif self._spec.get("suspend"):
            self._suspend(active)
        else:
            self._go_on(active)
        self._tell_numbers(active)
        out.look_again = min(self._waits, default=None)
        return out

    # Counting

    def _count(self) -> None:
        """What has ended, and was not written down so far; what was, and is let go, becomes a number."""
        uncounted = self._status.get("uncountedTerminatedPods") or {}
        lists = {kind: list(uncounted.get(kind) or ()) for kind in ("succeeded", "failed")}
        tracked = {pod["metadata"]["uid"]: pod for pod in self._state.pods if pods.is_tracked(pod)}
        for kind, uids in lists.items():
            done = [uid for uid in uids if uid not in tracked]
            if done:
                self._status[kind] = self._status.get(kind, 0) + len(done)
            lists[kind] = [uid for uid in uids if uid in tracked]
        known = {*lists["succeeded"], *lists["failed"]}
        completed = indexes.parse(self._status.get("completedIndexes", ""))
        release = [tracked[uid] for uid in known]
        failed: list[datetime] = []
        succeeded: list[datetime] = []
        for uid, pod in tracked.items():
            if uid in known:
                continue
            if pods.succeeded(pod):
                release.append(pod)
                if not self._indexed:
                    lists["succeeded"].append(uid)
                elif self._is_of_use(pod):
                    completed |= self._valid({pods.index_of(pod)})
                else:
                    continue
                succeeded.append(pods.ended_at(pod))
            elif pods.failed(pod, only_when_ended=self._only_ended):
                release.append(pod)
                if self._is_of_use(pod):
                    failed.append(pods.ended_at(pod))
                    if self._counts(pod):
                        lists["failed"].append(uid)
        if self._indexed:
            completed = self._valid(completed)
            self._status["completedIndexes"] = indexes.render(completed)
            self._status["succeeded"] = len(completed)
        self._status["uncountedTerminatedPods"] = {kind: uids for kind, uids in lists.items() if uids}
        self._out.release = release
        self._out.failures = self._state.failures.after(succeeded, failed)
        self._completed = completed
        self._succeeded = self._status.get("succeeded", 0) + len(lists["succeeded"])
        self._failed = self._status.get("failed", 0) + len(lists["failed"])

    def _is_of_use(self, pod: Object) -> bool:
        """Whether the Job, if it is indexed, has the index that the Pod is for."""
        return not self._indexed or bool(self._valid({pods.index_of(pod)}))

    def _counts(self, pod: Object) -> bool:
        """Whether the Pod's failure is one for the Job; it may be the last."""
        match = policies.failure(self._spec.get("podFailurePolicy"), pod)
        if match is None:
            return True
        if match.action == "FailJob":
            self._fatal = Verdict("PodFailurePolicy", match.message)
        return match.action != "Ignore"

    def _valid(self, found: Iterable[int | None]) -> set[int]:
        completions = self._spec.get("completions") or 0
        return {index for index in found if index is not None and index < completions}

    # Whether it ends

    def _judge(self, active: Sequence[Object]) -> tuple[str, Verdict] | None:
        for type in (conditions.FAILURE_TARGET, conditions.SUCCESS_MET):
            if (told := conditions.find(self._held, type)) is not None:
                return type, Verdict(told.get("reason", ""), told.get("message", ""))
        if self._fatal is not None:
            return conditions.FAILURE_TARGET, self._fatal
        limit = self._spec.get("backoffLimit", 6)
        restarted = pods.restarts(self._state.pods)
        if self._failed > limit or (restarted and restarted >= max(limit, 1)):
            return conditions.FAILURE_TARGET, conditions.BACKOFF
        if self._is_late():
            return conditions.FAILURE_TARGET, conditions.DEADLINE
        enough = policies.success(self._spec.get("successPolicy"), self._completed)
        if enough is not None:
            return conditions.SUCCESS_MET, enough
        completions = self._spec.get("completions")
        wanted = 1 if completions is None else completions
        if self._succeeded >= wanted and not active:
            return conditions.SUCCESS_MET, conditions.REACHED
        return None

    def _is_late(self) -> bool:
        seconds, started = self._spec.get("activeDeadlineSeconds"), self._status.get("startTime")
        if seconds is None or not started or self._spec.get("suspend"):
            return False
        left = (
            duration.parse_timestamp(started) + timedelta(seconds=seconds) - self._state.now
        ).total_seconds()
        if left > 0:
            self._waits.append(left)
        return left <= 0

    def _wind_up(self, verdict: tuple[str, Verdict], active: Sequence[Object]) -> None:
        """All that runs is ended; when all of it has, and is counted, the Job has."""
        type, why = verdict
        if conditions.find(self._held, type) is None:
            self._held = conditions.put(self._held, conditions.make(type, "True", why, self._now))
        if self._state.counted:
            self._out.delete = active
        left = any(not pod_state.is_finished(pod) for pod in self._state.pods)
        if left or active or self._out.release or not self._state.counted:
            return
        if type == conditions.SUCCESS_MET:
            self._held = conditions.put(
                self._held, conditions.make(conditions.COMPLETE, "True", why, self._now)
            )
            self._status["completionTime"] = self._now
            completions = self._spec.get("completions")
            if completions is not None and self._succeeded > completions:
                text = "Too many succeeded pods running after completion count reached"
                self._out.told.append(Told(True, "TooManySucceededPods", text))
            self._out.told.append(Told(False, "Completed", "Job completed"))
        else:
            self._held = conditions.put(
                self._held, conditions.make(conditions.FAILED, "True", why, self._now)
            )
            self._out.told.append(Told(True, why.reason, why.message))

    def _expire(self, end: Object) -> None:
        seconds = self._spec.get("ttlSecondsAfterFinished")
        if seconds is None or self._out.release:
            return
        ended = duration.parse_timestamp(end["lastTransitionTime"])
        left = (ended + timedelta(seconds=seconds) - self._state.now).total_seconds()
        self._out.expired = left <= 0
        self._out.look_again = left if left > 0 else None

    # Whether it goes on

    def _suspend(self, active: Sequence[Object]) -> None:
        if self._state.counted:
            self._out.drop = active
        self._status.pop("startTime", None)
        if conditions.find(self._held, conditions.SUSPENDED) is None:
            why = Verdict("JobSuspended", "Job suspended")
            self._held = conditions.put(
                self._held, conditions.make(conditions.SUSPENDED, "True", why, self._now)
            )
            self._out.told.append(Told(False, "Suspended", "Job suspended"))

    def _go_on(self, active: Sequence[Object]) -> None:
        if conditions.find(self._held, conditions.SUSPENDED) is not None:
            why = Verdict("JobResumed", "Job resumed")
            self._held = conditions.put(
                self._held, conditions.make(conditions.SUSPENDED, "False", why, self._now)
            )
            self._out.told.append(Told(False, "Resumed", "Job resumed"))
            self._status.pop("startTime", None)
        if not self._status.get("startTime"):
            self._status["startTime"] = self._now
            self._is_late()  # when to look again
        if self._state.counted:
            self._scale(active)

    def _scale(self, active: Sequence[Object]) -> None:
        parallelism, completions = self._spec.get("parallelism", 1), self._spec.get("completions")
        if completions is None:
            wanted = len(active) if self._succeeded else parallelism
            wanted = min(wanted, parallelism)
        else:
            wanted = min(max(completions - self._succeeded, 0), parallelism)
        superfluous = self._superfluous(active, wanted)
        if superfluous:
            self._out.drop = superfluous[:BURST]
            return
        ending = sum(map(pod_state.is_terminating, self._state.pods)) if self._only_ended else 0
        missing = min(wanted - len(active) - ending, BURST)
        if missing <= 0:
            return
        wait = self._out.failures.wait(self._state.now)
        if wait > 0:
            self._waits.append(wait)
            return
        self._out.create = self._free_indexes(active)[:missing] if self._indexed else [None] * missing

    def _superfluous(self, active: Sequence[Object], wanted: int) -> list[Object]:
        found: list[Object] = []
        if self._indexed:
            alike: dict[int, list[Object]] = {}
            for pod in active:
                index = pods.index_of(pod)
                if index is None or index in self._completed or not self._valid({index}):
                    found.append(pod)
                else:
                    alike.setdefault(index, []).append(pod)
            for those in alike.values():
                found += ranking.of_job(those, len(those) - 1)
        left = [pod for pod in active if pod not in found]
        if len(left) > wanted:
            found += ranking.of_job(left, len(left) - wanted)
        return found

    def _free_indexes(self, active: Sequence[Object]) -> list[int | None]:
        taken = self._completed | {pods.index_of(pod) for pod in active}
        if self._only_ended:
            taken |= {pods.index_of(pod) for pod in self._state.pods if pod_state.is_terminating(pod)}
        return [index for index in range(self._spec.get("completions") or 0) if index not in taken]

    def _tell_numbers(self, active: Sequence[Object]) -> None:
        status = self._status
        going = [*self._out.delete, *self._out.drop]
        status["active"] = len(active) - len(going) + len(self._out.create)
        status["ready"] = _ready(active) - _ready(going)
        status["terminating"] = sum(map(pod_state.is_terminating, self._state.pods)) + len(going)
        if self._held:
            status["conditions"] = self._held
        for name in ("active", "succeeded", "failed"):
            if not status.get(name):
                status.pop(name, None)
        if not status.get("completedIndexes"):
            status.pop("completedIndexes", None)
        self._out.status = status


def _ready(found: Iterable[Object]) -> int:
    return sum(pod_state.ready_since(pod) is not None for pod in found)


def patch(job: Object, status: Object) -> Object | None:
    """The merge patch that makes `status` of the present one; None: it is so already."""
    present = job["status"]
    if all(present.get(name) == status.get(name) for name in FIELDS):
        return None
    metadata = job["metadata"]
    change: dict[str, Any] = {name: status.get(name) for name in FIELDS}
    if (uncounted := status.get("uncountedTerminatedPods")) is not None:
        change["uncountedTerminatedPods"] = {kind: uncounted.get(kind) for kind in ("succeeded", "failed")}
    return {
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata.get("resourceVersion", "")},
        "status": change,
    }
