"""CronJob: Jobs that are made by a schedule.

Rules: Kubernetes' "CronJob" page and `ValidateCronJobCreate`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from strongroom.api import resources
from strongroom.api.apps.v1 import workload
from strongroom.api.batch.v1 import job, job_validation, time_zones
from strongroom.api.core.v1.pod import template
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource
from strongroom.machinery import cron, duration, validation
from strongroom.machinery.cron import CronError
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

ALLOW, FORBID, REPLACE = "Allow", "Forbid", "Replace"
LONGEST_NAME: Final = 52
"""A Job's name is the CronJob's with eleven characters more, and 63 at most."""
_SPEC_ORDER: Final = (
    "schedule",
    "timeZone",
    "startingDeadlineSeconds",
    "concurrencyPolicy",
    "suspend",
    "jobTemplate",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
)
_COUNTS: Final = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
_TEMPLATE: Final = "spec.jobTemplate.spec"


class CronJobStrategy(Strategy):
    """`/apis/batch/v1/…/cronjobs`."""

    resource = resources.CRON_JOBS
    status_checks = (Check.OWN,)
    singular = "cronjob"
    short_names = ("cj",)
    categories = ("all",)
    subresources = (Subresource("status", "CronJob", ("get", "patch", "update")),)
    has_generation = True
    has_status = True
    columns = (
        NAME,
        Column("Schedule", description="When Jobs are made."),
        Column("Timezone", description="The zone of the schedule's times."),
        Column("Suspend", "boolean", description="Whether none is made for now."),
        Column("Active", "integer", description="How many of its Jobs run."),
        Column("Last Schedule", description="Time since the last Job was made."),
        AGE,
        Column("Containers", priority=1, description="Names of each container in the template."),
        Column("Images", priority=1, description="Images referenced by each container in the template."),
        Column("Selector", priority=1, description="Which Pods count."),
    )

    def convert(self, obj: Object) -> None:
        template.convert(_job_spec(obj).get("template") or {}, self.resource)

    def default(self, obj: Object) -> None:
        spec = obj.pop("spec", None) or {}
        for field, value in (
            ("concurrencyPolicy", ALLOW),
            ("suspend", False),
            ("successfulJobsHistoryLimit", 3),
            ("failedJobsHistoryLimit", 1),
        ):
            if spec.get(field) in (None, ""):
                spec[field] = value
        jobs = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
        template.default(jobs.setdefault("template", {}))
        obj["spec"] = {field: spec[field] for field in _SPEC_ORDER if field in spec}
        if "status" in obj:
            obj["status"] = obj.pop("status")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        name = obj["metadata"].get("name", "")
        if len(name) > LONGEST_NAME:
            text = f"must be no more than {LONGEST_NAME} characters"
            errors.append(validation.invalid_value("metadata.name", name, text))
        return errors + _spec(obj["spec"])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _spec(new["spec"], old["spec"])

    def warnings(self, obj: Object, old: Object | None) -> Sequence[str]:
        found: list[str] = workload.name_warnings(obj, old)
        current = _job_spec(obj)["template"]
        if old is None or _job_spec(old)["template"] != current:
            found += template.warnings(current, f"{_TEMPLATE}.template")
        return found

    def row(self, obj: Object, now: datetime) -> list[Any]:
        spec, status = obj["spec"], obj.get("status") or {}
        last = status.get("lastScheduleTime")
        return [
            obj["metadata"]["name"],
            spec.get("schedule", ""),
            spec.get("timeZone") or "<none>",
            str(bool(spec.get("suspend"))),
            len(status.get("active") or ()),
            duration.age(last, now) if last else "<none>",
            workload.age(obj, now),
            *workload.wide_cells({"spec": _job_spec(obj)}),
        ]


def _job_spec(obj: Object) -> Object:
    found: Object = ((obj.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}
    return found


def _spec(spec: Object, old: Object | None = None) -> list[FieldError]:
    errors = _schedule(spec.get("schedule") or "", spec.get("timeZone"), old)
    for field in _COUNTS:
        errors += workload.non_negative(spec.get(field), f"spec.{field}")
    errors += _time_zone(spec, old)
    policy, policies = spec["concurrencyPolicy"], (ALLOW, FORBID, REPLACE)
    if policy not in policies:
        errors.append(validation.not_supported("spec.concurrencyPolicy", policy, policies))
    jobs = dict(spec["jobTemplate"]["spec"])
    if jobs.get("selector") is not None:
        text = "`selector` will be auto-generated"
        errors.append(validation.invalid_value(f"{_TEMPLATE}.selector", jobs["selector"], text))
    if jobs.get("manualSelector"):
        errors.append(validation.not_supported(f"{_TEMPLATE}.manualSelector", True, ("nil", "false")))
    completions = jobs.get("completions")
    job.default_spec(jobs)
    jobs["completions"] = completions  # none of its own: an indexed Job must say how many
    return errors + job_validation.validate_spec(jobs, _TEMPLATE)


def _schedule(text: str, zone: str | None, old: Object | None) -> list[FieldError]:
    path = "spec.schedule"
    if not text:
        return [validation.required(path)]
    if "TZ" in text and (old is None or old.get("schedule") != text):
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [validation.invalid_value(path, text, why)]
    try:
        cron.parse(text)
    except CronError as error:
        return [validation.invalid_value(path, text, str(error))]
    return []


def _time_zone(spec: Object, old: Object | None) -> list[FieldError]:
    path, name = "spec.timeZone", spec.get("timeZone")
    if name is None or (old is not None and old.get("timeZone") == name):
        return []
    if not name:
        return [validation.invalid_value(path, name, "timeZone must be nil or non-empty string")]
    errors: list[FieldError] = []
    if name.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        errors.append(validation.invalid_value(path, name, why))
    if name != "Local" and time_zones.find(name) is None:
        errors.append(validation.invalid_value(path, name, f"unknown time zone {name}"))
    return errors
