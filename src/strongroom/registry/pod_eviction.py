"""`pods/eviction`: a delete that says why (`pkg/registry/core/pod/storage/eviction.go`).

There are no disruption budgets here that could stand in its way.
"""

import dataclasses

from strongroom.aio.clock import Clock
from strongroom.machinery import duration, status
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry import deletion
from strongroom.registry.generic import Registry, Rules
from strongroom.registry.options import DeleteOptions

KIND = Resource("policy", "v1", "evictions", "Eviction")
_POD = Resource("", "v1", "Pod", "Pod")
_CONDITION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}
_ANY = Rules(prepare=lambda new, old: None, validate=lambda new, old: [])


class PodEviction:
    """Evicts Pods of `pods`."""

    def __init__(self, pods: Registry, clock: Clock) -> None:
        self._pods = pods
        self._clock = clock

    async def create(self, namespace: str, name: str, eviction: Object, options: DeleteOptions) -> None:
        """Note in the Pod's conditions that it is being evicted, and delete it. The conditions of `options`
        hold for both. Raises StatusError: 400, 404, 409."""
        if (eviction["metadata"].get("name") or "") != name:
            raise status.bad_request("name in URL does not match name in Eviction object")
        if not options.dry_run:
            now = duration.timestamp(self._clock.now())

            def condemn(pod: Object) -> Object:
                deletion.check_preconditions(_POD, pod, options)
                _condemn(pod, now)
                return pod

            written = await self._pods.update(namespace, name, condemn, rules=_ANY)
            if options.resource_version:
                current = written.document.obj["metadata"]["resourceVersion"]
                options = dataclasses.replace(options, resource_version=current)
        await self._pods.delete(namespace, name, options)


def _condemn(pod: Object, now: str) -> None:
    """Adds the condition, in place; one that says the same already keeps its time."""
    pod_status = pod.setdefault("status", {})
    conditions = list(pod_status.get("conditions") or ())
    condition = {**_CONDITION, "lastProbeTime": None, "lastTransitionTime": now}
    if generation := pod["metadata"].get("generation"):
        condition["observedGeneration"] = generation
    for index, known in enumerate(conditions):
        if known.get("type") == condition["type"]:
            if known.get("status") == condition["status"]:
                condition["lastTransitionTime"] = known.get("lastTransitionTime")
            conditions[index] = condition
            break
    else:
        conditions.append(condition)
    pod_status["conditions"] = conditions
