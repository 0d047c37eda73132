"""What both kinds of bindings have in common: a role that is never changed, and the subjects that hold it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from strongroom.api.strategy import AGE, NAME, Column, Strategy
from strongroom.machinery import duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError

GROUP = "rbac.authorization.k8s.io"
SERVICE_ACCOUNT = "ServiceAccount"
USER = "User"
GROUP_OF_USERS = "Group"
SUBJECT_KINDS = (SERVICE_ACCOUNT, USER, GROUP_OF_USERS)


class BindingStrategy(Strategy):
    """The base of RoleBinding and ClusterRoleBinding."""

    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    role_kinds: Sequence[str]
    columns = (
        NAME,
        Column("Role", description="Kind and name of the role that is bound."),
        AGE,
        Column("Users", priority=1, description="Users that hold the role."),
        Column("Groups", priority=1, description="Groups whose members hold the role."),
        Column("ServiceAccounts", priority=1, description="ServiceAccounts that hold the role."),
    )

    def default(self, obj: Object) -> None:
        reference = obj.pop("roleRef", None) or {}
        obj["roleRef"] = {
            "apiGroup": reference.get("apiGroup") or GROUP,
            "kind": reference.get("kind", ""),
            "name": reference.get("name", ""),
        }
        for subject in obj.get("subjects") or ():
            if not subject.get("apiGroup") and subject.get("kind") in (USER, GROUP_OF_USERS):
                subject["apiGroup"] = GROUP

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        reference = obj["roleRef"]
        if reference["apiGroup"] != GROUP:
            errors.append(validation.not_supported("roleRef.apiGroup", reference["apiGroup"], (GROUP,)))
        if reference["kind"] not in self.role_kinds:
            errors.append(validation.not_supported("roleRef.kind", reference["kind"], self.role_kinds))
        name = reference["name"]
        if not name:
            errors.append(validation.required("roleRef.name"))
        errors += [validation.invalid_value("roleRef.name", name, m) for m in names.path_segment(name)]
        for index, subject in enumerate(obj.get("subjects") or ()):
            errors += _subject(subject, f"subjects[{index}]", namespaced=self.resource.namespaced)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.validate(new)
        if new["roleRef"] != old["roleRef"]:
            # The field names of Go's internal type.
            shown = {
                "APIGroup": new["roleRef"]["apiGroup"],
                "Kind": new["roleRef"]["kind"],
                "Name": new["roleRef"]["name"],
            }
            errors.append(validation.invalid_value("roleRef", shown, "cannot change roleRef"))
        return errors

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.path_segment(name, prefix=prefix)

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata, reference = obj["metadata"], obj["roleRef"]
        subjects = obj.get("subjects") or ()
        accounts = (s for s in subjects if s.get("kind") == SERVICE_ACCOUNT)
        return [
            metadata["name"],
            f"{reference['kind']}/{reference['name']}",
            duration.age(metadata.get("creationTimestamp"), now),
            ", ".join(s.get("name", "") for s in subjects if s.get("kind") == USER),
            ", ".join(s.get("name", "") for s in subjects if s.get("kind") == GROUP_OF_USERS),
            ", ".join(f"{s.get('namespace', '')}/{s.get('name', '')}" for s in accounts),
        ]


def _subject(subject: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    kind, name, group = subject.get("kind", ""), subject.get("name", ""), subject.get("apiGroup", "")
    if not name:
        errors.append(validation.required(f"{path}.name"))
    if kind == SERVICE_ACCOUNT:
        if name:
            errors += [
                validation.invalid_value(f"{path}.name", name, m) for m in names.dns1123_subdomain(name)
            ]
        if group:
            errors.append(validation.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(validation.required(f"{path}.namespace"))
    elif kind in (USER, GROUP_OF_USERS):
        if group != GROUP:
            errors.append(validation.not_supported(f"{path}.apiGroup", group, (GROUP,)))
    else:
        errors.append(validation.not_supported(f"{path}.kind", kind, SUBJECT_KINDS))
    return errors
