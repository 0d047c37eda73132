"""The rules of a Job's status (`ValidateJobUpdateStatus`): what any controller of Jobs may say.

Most hold only where what they are about changes: a Job that broke them already can still be written.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_COUNTS: Final = ("active", "succeeded", "failed", "ready", "terminating")
_LONGEST: Final = 18
"""Digits of an index."""
_COMPLETE, _FAILED, _FAILING, _MET, _SUSPENDED = (
    "Complete",
    "Failed",
    "FailureTarget",
    "SuccessCriteriaMet",
    "Suspended",
)


def validate(new: Object, old: Object) -> list[FieldError]:
    """All broken rules of the status of `new`, which was that of `old`."""
    status, before = new.get("status") or {}, old.get("status") or {}
    held, were = _held(status), _held(before)
    spec = new["spec"]
    return [
        *_counts(status),
        *_uncounted(status),
        *_contradictions(held, held ^ were),
        *_completion(status, before, held, were),
        *_demands(held, held ^ were, failed_indexes=_differs("failedIndexes", status, before)),
        *_finished(spec, status, before, held, were),
        *_indexes(spec, status, before),
        *_ready(status, before),
        *_of_success(held),
        *_never_back(spec, status, before),
    ]


def _counts(status: Mapping[str, Any]) -> Iterator[FieldError]:
    for field in _COUNTS:
        value = status.get(field) or 0
        if value < 0:
            yield validation.invalid_value(f"status.{field}", value, "must be greater than or equal to 0")


def _uncounted(status: Mapping[str, Any]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for number, uid in enumerate((status.get("uncountedTerminatedPods") or {}).get(field) or ()):
            path = f"status.uncountedTerminatedPods.{field}[{number}]"
            if not uid:
                yield validation.invalid_value(path, uid, "must not be empty")
            elif uid in seen:
                yield validation.duplicate(path, uid)
            seen.add(uid)


def _contradictions(held: set[str], changed: set[str]) -> Iterator[FieldError]:
    for other in (_FAILED, _FAILING):
        if {_COMPLETE, other} <= held and changed & {_COMPLETE, other}:
            yield _refused(f"cannot set Complete=True and {other}=true conditions")


def _demands(held: set[str], changed: set[str], *, failed_indexes: bool) -> Iterator[FieldError]:
    """An end is announced before it is told."""
    if _FAILED in held and _FAILING not in held and (_FAILED in changed or failed_indexes):
        yield _refused("cannot set Failed=True condition without the FailureTarget=true condition")
    if _COMPLETE in held and _MET not in held and changed & {_COMPLETE, _MET}:
        yield _refused("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")


def _of_success(held: set[str]) -> Iterator[FieldError]:
    for other in (_FAILED, _FAILING):
        if {_MET, other} <= held:
            yield _refused(f"cannot set SuccessCriteriaMet=True and {other}=true conditions")


def _completion(
    status: Mapping[str, Any], before: Mapping[str, Any], held: set[str], were: set[str]
) -> Iterator[FieldError]:
    path, started, completed = "status.completionTime", status.get("startTime"), status.get("completionTime")
    is_new = completed != before.get("completionTime")
    if is_new or _COMPLETE in held ^ were:
        if completed and _COMPLETE not in held:
            text = "cannot set completionTime when there is no Complete=True condition"
            yield validation.invalid_value(path, completed, text)
        if not completed and _COMPLETE in held:
            yield validation.required(path, "completionTime is required for Complete jobs")
    if started and completed and completed < started and (is_new or started != before.get("startTime")):
        yield validation.invalid_value(path, completed, "must be equal to or after `startTime`")


def _finished(
    spec: Object, status: Mapping[str, Any], before: Mapping[str, Any], held: set[str], were: set[str]
) -> Iterator[FieldError]:
    is_finished, was_finished = (bool(types & {_COMPLETE, _FAILED}) for types in (held, were))
    if not is_finished:
        return

    def matters(field: str) -> bool:
        return not was_finished or _differs(field, status, before)

    for field in ("active", "terminating"):
        value = status.get(field) or 0
        if value > 0 and matters(field):
            yield validation.invalid_value(f"status.{field}", value, f"{field}>0 is invalid for finished job")
    never_begins = spec.get("suspend") and spec.get("completions") == 0
    if not status.get("startTime") and matters("startTime") and not never_begins:
        yield validation.required("status.startTime", "startTime is required for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if any(uncounted.values()) and matters("uncountedTerminatedPods"):
        text = "must be empty for finished job"
        shown = {name.capitalize(): uncounted.get(name) for name in ("succeeded", "failed")}
        yield validation.invalid_value("status.uncountedTerminatedPods", shown, text)


def _indexes(spec: Object, status: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[FieldError]:
    path, completed = "status.completedIndexes", status.get("completedIndexes") or ""
    completions = spec.get("completions")
    if completed and completed != before.get("completedIndexes"):
        if completions is not None and (problem := _malformed(completed, completions)):
            yield validation.invalid_value(path, completed, f"error parsing completedIndexes: {problem}")
        if spec["completionMode"] != "Indexed":
            text = "cannot set non-empty completedIndexes when non-indexed completion mode"
            yield validation.invalid_value(path, completed, text)
    failed = status.get("failedIndexes")
    if failed is not None and failed != before.get("failedIndexes") and not spec.get("backoffLimitPerIndex"):
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield validation.invalid_value("status.failedIndexes", failed, text)


def _ready(status: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[FieldError]:
    ready = status.get("ready")
    if (
        ready is not None
        and ready > (status.get("active") or 0)
        and (_differs("ready", status, before) or _differs("active", status, before))
    ):
        yield validation.invalid_value("status.ready", ready, "cannot set more ready pods than active")


def _never_back(spec: Object, status: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[FieldError]:
    """What has been counted, begun and ended stays so."""
    held, were = _held(status), _held(before)
    for type in (_FAILED, _COMPLETE, _FAILING):
        if type in were and type not in held:
            yield _refused(f"cannot disable the terminal {type}=True condition")
    shrinks = spec["completionMode"] == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for field, fixed in (("failed", True), ("succeeded", not shrinks)):
        value = status.get(field) or 0
        if fixed and value < (before.get(field) or 0):
            yield validation.invalid_value(f"status.{field}", value, f"cannot decrease the {field} counter")
    completed, path = status.get("completionTime"), "status.completionTime"
    if completed and before.get("completionTime") and _differs("completionTime", status, before):
        yield validation.invalid_value(path, completed, "field is immutable")
    resumes = _SUSPENDED in were and _SUSPENDED in _held(status, "False")
    may_begin_again = resumes or spec.get("suspend") or not before.get("startTime")
    if _differs("startTime", status, before) and not may_begin_again:
        text = "field is immutable for unsuspended job once set"
        yield validation.invalid_value("status.startTime", status.get("startTime"), text)
    if _MET in were and _MET not in held:
        yield _refused("cannot disable the SuccessCriteriaMet=True condition")
    if _COMPLETE in were and _MET in held - were:
        yield _refused("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")


def _malformed(indexes: str, completions: int) -> str:
    """Why `indexes`, such as `1,3-5`, are no rising spans below `completions`; empty if they are."""
    last: int | None = None
    for span in indexes.split(","):
        ends = span.split("-")
        if len(ends) > 2:
            shown = f'the fragment "{span}" violates the requirement that an index interval'
            return f"{shown} can have at most two parts separated by '-'"
        for end in ends:
            if not end.isascii() or not end.isdecimal() or len(end) > _LONGEST:
                return f'cannot convert string to integer for index: "{end}"'
            if int(end) >= completions:
                return f'too large index: "{end}"'
        first = int(ends[0])
        if len(ends) > 1 and first >= int(ends[1]):
            return f"non-increasing order, previous: {first}, current: {ends[1]}"
        if last is not None and last >= first:
            return f"non-increasing order, previous: {last}, current: {first}"
        last = int(ends[-1])
    return ""


def _held(status: Mapping[str, Any], value: str = "True") -> set[str]:
    return {each["type"] for each in status.get("conditions") or () if each.get("status") == value}


def _differs(field: str, status: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return bool(status.get(field) != before.get(field))


def _refused(text: str) -> FieldError:
    return FieldError("FieldValueInvalid", "status.conditions", f"Invalid value: {text}")
