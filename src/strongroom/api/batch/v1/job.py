"""Job: Pods that run to their end, as often as asked for.

Rules: Kubernetes' "Jobs" page and `ValidateJob`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from strongroom.api import resources
from strongroom.api.apps.v1 import workload
from strongroom.api.batch.v1 import job_status_validation, job_validation
from strongroom.api.batch.v1.job_validation import INDEXED, NAME_LABELS, NON_INDEXED, UID_LABELS
from strongroom.api.core.v1.pod import template
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

BACKOFF_LIMIT: Final = 6
REPLACE_ENDING: Final = "TerminatingOrFailed"
_SPEC_ORDER: Final = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "podFailurePolicy",
    "successPolicy",
    "backoffLimit",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
    "selector",
    "manualSelector",
    "template",
    "ttlSecondsAfterFinished",
    "completionMode",
    "suspend",
    "podReplacementPolicy",
    "managedBy",
)
_TRACKED: Final = (100_000, 10_000)
"""Completions, and parallelism, up to which the indexes are known to be tracked."""
_SHOWN: Final = ("Complete", "Failed")
_UNDER_WAY: Final = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


class JobStrategy(Strategy):
    """`/apis/batch/v1/…/jobs`."""

    resource = resources.JOBS
    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    singular = "job"
    categories = ("all",)
    subresources = (Subresource("status", "Job", ("get", "patch", "update")),)
    has_generation = True
    has_status = True
    field_labels = ("metadata.name", "metadata.namespace", "status.successful")
    own_field_label_error = True
    orphans_dependents: ClassVar[bool] = True
    columns = (
        NAME,
        Column("Status", description="Status of the job."),
        Column("Completions", description="How many Pods have ended well, of how many."),
        Column("Duration", description="Time that the job has taken."),
        AGE,
        Column("Containers", priority=1, description="Names of each container in the template."),
        Column("Images", priority=1, description="Images referenced by each container in the template."),
        Column("Selector", priority=1, description="Which Pods count."),
    )

    def convert(self, obj: Object) -> None:
        template.convert((obj.get("spec") or {}).get("template") or {}, self.resource)

    def default(self, obj: Object) -> None:
        spec = obj.pop("spec", None) or {}
        default_spec(spec)
        labels = (spec["template"].get("metadata") or {}).get("labels")
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)
        obj["spec"] = {field: spec[field] for field in _SPEC_ORDER if field in spec}
        if "status" in obj:
            obj["status"] = obj.pop("status")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}
        if not obj["spec"].get("manualSelector"):
            _generate_selector(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        return job_validation.validate(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return job_validation.validate_update(new, old)

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return job_status_validation.validate(new, old)

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        found = workload.name_warnings(obj, old)
        spec = obj["spec"]
        size = (spec.get("completions") or 0, spec["parallelism"])
        if spec["completionMode"] == INDEXED and all(
            n > most for n, most in zip(size, _TRACKED, strict=True)
        ):
            found.append(
                "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism "
                "higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number "
                "of indexes fail"
            )
        return [*found, *workload.template_warnings(obj, old)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        succeeded = (obj.get("status") or {}).get("succeeded", 0)
        return {**super().selectable_fields(obj), "status.successful": str(succeeded)}

    def row(self, obj: Object, now: datetime) -> list[Any]:
        return [
            obj["metadata"]["name"],
            _status(obj),
            _completions(obj),
            _duration(obj.get("status") or {}, now),
            workload.age(obj, now),
            *workload.wide_cells(obj),
        ]


def default_spec(spec: Object) -> None:
    """The defaults that the spec of a template of Jobs gets as well, in place."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    template.default(spec.setdefault("template", {}))
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"
    for field, value in (
        ("parallelism", 1),
        ("backoffLimit", BACKOFF_LIMIT),
        ("manualSelector", False),
        ("completionMode", NON_INDEXED),
        ("suspend", False),
        ("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else REPLACE_ENDING),
    ):
        if spec.get(field) is None:
            spec[field] = value


def _generate_selector(job: Object) -> None:
    """The Pods carry the Job's uid, so no other owner's Pods are its own. What is there already is judged
    by validation."""
    metadata, spec = job["metadata"], job["spec"]
    given = spec["template"].get("metadata") or {}
    own = dict.fromkeys(UID_LABELS, metadata["uid"]) | {key: metadata.get("name", "") for key in NAME_LABELS}
    spec["template"] = {
        "metadata": {**given, "labels": own | (given.get("labels") or {})},
        **{key: value for key, value in spec["template"].items() if key != "metadata"},
    }
    selector = spec.get("selector") or {}
    labels = selector.get("matchLabels") or {}
    if UID_LABELS[0] not in labels:
        labels = {**labels, UID_LABELS[0]: metadata["uid"]}
    spec["selector"] = {**selector, "matchLabels": labels}
    job["spec"] = {field: spec[field] for field in _SPEC_ORDER if field in spec}


def _status(job: Object) -> str:
    held = {
        each["type"]
        for each in (job.get("status") or {}).get("conditions") or ()
        if each.get("status") == "True"
    }
    for type in _SHOWN:
        if type in held:
            return type
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return next((type for type in _UNDER_WAY if type in held), "Running")


def _completions(job: Object) -> str:
    spec, succeeded = job["spec"], (job.get("status") or {}).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Object, now: datetime) -> str:
    started, completed = status.get("startTime"), status.get("completionTime")
    if not started:
        return ""
    end = duration.parse_timestamp(completed) if completed else now
    return duration.human_duration((end - duration.parse_timestamp(started)).total_seconds())


__all__ = ["INDEXED", "NON_INDEXED", "JobStrategy", "default_spec"]
