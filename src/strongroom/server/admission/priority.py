"""Priority: a Pod's priority is that of its class. Kubernetes' "Pod Priority and Preemption".

One class may be the default of Pods that name none; should there be several, the lowest counts.
"""

from typing import Final

from strongroom.api import resources
from strongroom.api.scheduling.v1.priority_class import LOWER, is_system_class
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.generic import Registry
from strongroom.server.admission.durations import ADMIT, Who
from strongroom.server.admission.plugin import CREATE, DELETE, UPDATE, Attributes

_WRITES: Final = {resources.PODS: (CREATE,), resources.PRIORITY_CLASSES: (CREATE, UPDATE, DELETE)}


class Priority:
    """Fills in what a new Pod's class says, and guards the default and the system's own."""

    who = Who("Priority", ADMIT)

    def __init__(self, classes: Registry) -> None:
        self._classes = classes
        self._revision = -1
        self._default: Object | None = None

    def handles(self, operation: str, resource: Resource, subresource: str) -> bool:
        return not subresource and operation in _WRITES.get(resource, ())

    async def admit(self, attributes: Attributes) -> None:
        if attributes.operation == DELETE:
            if is_system_class(attributes.name):
                text = "this is a system priority class and cannot be deleted"
                raise status.forbidden(attributes.resource, attributes.name, text)
            return
        obj = attributes.obj
        assert obj is not None, "creations and updates have an object"
        if attributes.resource == resources.PODS:
            self._admit_pod(attributes, obj["spec"])
        elif obj.get("globalDefault"):
            present = self._global_default()
            name = present["metadata"]["name"] if present is not None else attributes.name
            if present is not None and (attributes.operation == CREATE or name != attributes.name):
                text = f"PriorityClass {name} is already marked as default. Only one default can exist"
                raise status.forbidden(attributes.resource, attributes.shown_name, text)

    def _admit_pod(self, attributes: Attributes, spec: Object) -> None:
        name = spec.get("priorityClassName")
        if name:
            entry = self._classes.find("", name)
            if entry is None:
                text = f"no PriorityClass with name {name} was found"
                raise status.forbidden(attributes.resource, attributes.shown_name, text)
            found: Object | None = entry.decode()
        else:
            found = self._global_default()
            if found is not None:
                spec["priorityClassName"] = found["metadata"]["name"]
        priority = found["value"] if found is not None else 0
        policy = (found or {}).get("preemptionPolicy") or LOWER
        for field, computed, what in (
            ("priority", priority, "integer value of priority"),
            ("preemptionPolicy", policy, "string value of PreemptionPolicy"),
        ):
            given = spec.get(field)
            if given is not None and given != computed:
                text = (
                    f"the {what} ({given}) must not be provided in pod spec; priority admission controller "
                    f"computed {computed} from the given PriorityClass name"
                )
                raise status.forbidden(attributes.resource, attributes.shown_name, text)
            spec[field] = computed

    def _global_default(self) -> Object | None:
        revision = self._classes.rows.revision
        if revision != self._revision:
            # What can't be read is no default, and keeps no Pod from being made.
            classes = (entry.decode() for entry in self._classes.rows.entries() if not entry.error)
            defaults = (each for each in classes if each.get("globalDefault"))
            self._default = min(defaults, key=lambda each: int(each["value"]), default=None)
            self._revision = revision
        return self._default
